"""Which activities last at a time."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

Span = tuple[int, int, int]
"""Start, end and activity, both ends included."""


def apart(spans: Iterable[Span]) -> list[Span]:
    """Spans of time, of which one that ends at the time at which another begins ends before it, unless it has no length: an
    event at that time is of the activity that begins, and not of both."""
    spans = list(spans)
    starts = {start for start, _, _ in spans}
    return [(start, end - (start < end and end in starts), number) for start, end, number in spans]


class Timeline:
    """The activities at any time, cut where anything changes."""

    def __init__(self, spans: Sequence[Span]):
        self._starts: list[int] = []
        self._held: list[tuple[int, ...]] = [()]
        """One more than starts: before the first of them nothing is known."""
        changes = [(start, 1, number) for start, _, number in spans] + [(end + 1, -1, number) for _, end, number in spans]
        running: Counter[int] = Counter()
        for moment, change, number in sorted(changes):
            running[number] += change
            if not self._starts or moment != self._starts[-1]:
                self._starts.append(moment)
                self._held.append(())
            self._held[-1] = tuple(sorted(n for n, count in running.items() if count))

    def at(self, moment: int) -> tuple[int, ...]:
        """The different activities at a time: one, or none in a gap, or several where they overlap."""
        return self._held[bisect_right(self._starts, moment)]

    def pieces(self, moments: Sequence[int]) -> Iterator[tuple[tuple[int, ...], int]]:
        """Moments in order, in pieces of the same activities: these, and the place behind the piece among the moments."""
        start = 0
        for until, held in zip([*self._starts, None], self._held, strict=True):
            end = len(moments) if until is None else bisect_left(moments, until, start)
            if end > start:
                yield held, end
                start = end
