"""Says what comes again and again only once, and counts it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

MOST_KINDS = 100
"""Kinds that are told apart: whoever sends them may make up any number."""
OTHERS = "others"


class ToldOnce:
    """A voice that repeats nothing."""

    def __init__(self, say: Callable[[str], None]):
        self.now = say
        """Says a sentence, whatever was said before."""
        self.counts: Counter[str] = Counter()
        """How often each kind came."""

    def once(self, kind: str, sentence: str, number: int = 1) -> None:
        """Count a kind, and say the sentence if it is the first of that kind."""
        if kind not in self.counts:
            if len(self.counts) >= MOST_KINDS:
                kind = OTHERS
            elif number:
                self.now(sentence)
        self.counts[kind] += number
