"""Guesses the next tokens of a text from what stands in it already; a model then checks them all at once."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

DIGITS = ""
"""Stands for any tokens of digits."""


class PromptLookup:
    """The tokens that followed the latest place where the text was as it ends now. Numbers count as equal: an answer counts
    its events, so that what follows a number is more often that of another number than that of the same one.

    llama-cpp-python's own takes the first place, with the same numbers: a quarter to a half more steps for lists of events.
    """

    def __init__(self, max_ngram_size: int, num_pred_tokens: int, text_of: Callable[[int], str]):
        """`text_of`: a token as text."""
        self._longest, self.most, self._text_of = max_ngram_size, num_pred_tokens, text_of
        self._known: dict[int, Hashable] = {}

    def __call__(self, input_ids: Any, /, **others: Any) -> Any:
        """As llama-cpp-python calls it: an array with the tokens of a text -> one with those that may follow."""
        kinds = [self._kind(token) for token in input_ids.tolist()]
        for size in range(min(self._longest, len(kinds) - 1), 0, -1):
            end = kinds[-size:]
            for place in range(len(kinds) - size - 1, -1, -1):
                if kinds[place : place + size] == end:
                    return input_ids[place + size : place + size + self.most]
        return input_ids[:0]

    def _kind(self, token: int) -> Hashable:
        """The same for tokens that count as equal."""
        if token not in self._known:
            self._known[token] = DIGITS if self._text_of(token).strip().isdigit() else token
        return self._known[token]
