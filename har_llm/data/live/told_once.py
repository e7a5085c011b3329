"""Says what comes again and again only once, and counts it; what lasts, at growing intervals."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable

MOST_KINDS = 100
"""Kinds that are told apart: whoever sends them may make up any number."""
OTHERS = "others"
AGAIN_S = 30.0
"""Seconds after which a state that lasts is said again; each time after twice as many."""


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


class ToldAgain:
    """A voice for a state that may last: it says when the state changes, and at growing intervals that it is the same."""

    def __init__(self, say: Callable[[str], None]):
        self._say = say
        self._sentence, self._since, self._next = "", 0.0, 0.0

    def tell(self, sentence: str) -> None:
        now = time.monotonic()
        if sentence != self._sentence:
            self._sentence, self._since, self._next = sentence, now, AGAIN_S
            self._say(sentence)
        elif now - self._since >= self._next:
            self._next = 2 * (now - self._since)
            self._say(f"{sentence} It has been so for {now - self._since:,.0f} s.")

    def end(self) -> None:
        """The state is over; the same sentence is a new one."""
        self._sentence = ""
