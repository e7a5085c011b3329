"""Who caused each event, scored without names: the numbers of an answer are matched with the true residents.

A model sees one window at a time, so its numbers mean something within a window only. There, each number is matched with at
most one resident, and each resident with at most one number, so that most events come out right (the assignment problem;
SciPy solves it). This never punishes a way of numbering, and it flatters: numbers by chance get their best matching too. So
the score of the simplest answer stands beside it, in which one person causes all events of a window.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from har_llm.scoring.spread import Spread, spread


class ResidentEvent(NamedTuple):
    """An event whose residents are known."""

    residents: tuple[str, ...]
    """Who caused it; any of them is right."""
    said: int | None
    """The number that the answer gives; None where it gives none."""


@dataclass(frozen=True)
class ResidentScores:
    """Shares of events, as fractions: over sessions, each the share of its events."""

    events: int
    """Those whose residents are known and that a window shows."""
    right: Spread
    one_person: Spread
    """The same for an answer that gives each window a single resident."""
    unanswered: Spread


def score_residents(windows: Iterable[tuple[str, Sequence[ResidentEvent]]]) -> ResidentScores | None:
    """The scores of windows, each with the name of its session; None where no event's residents are known."""
    sessions: dict[str, list[tuple[int, int, int, int]]] = {}
    for session, events in windows:
        known = [event for event in events if event.residents]
        if known:
            counts = (len(known), _matched(known), _commonest(known), sum(event.said is None for event in known))
            sessions.setdefault(session, []).append(counts)
    if not sessions:
        return None
    sums = [[sum(column) for column in zip(*windows_of, strict=True)] for windows_of in sessions.values()]
    right, one_person, unanswered = (spread([one[place] / one[0] for one in sums]) for place in (1, 2, 3))
    return ResidentScores(sum(one[0] for one in sums), right, one_person, unanswered)


def _matched(events: Sequence[ResidentEvent]) -> int:
    """How many events are right under the best matching of numbers to residents."""
    import numpy
    from scipy.optimize import linear_sum_assignment

    counts = Counter((event.said, one) for event in events if event.said is not None for one in set(event.residents))
    if not counts:
        return 0
    numbers, residents = dict.fromkeys(said for said, _ in counts), dict.fromkeys(one for _, one in counts)
    matrix = numpy.array([[counts[number, one] for one in residents] for number in numbers])
    return int(matrix[linear_sum_assignment(matrix, maximize=True)].sum())


def _commonest(events: Sequence[ResidentEvent]) -> int:
    """How many events the resident with most of them caused."""
    return max(Counter(one for event in events for one in set(event.residents)).values())
