"""Scores by time instead of by event: an event counts as long as its activity holds (`segments.holds`).

Beside the scores of `metrics`, because in a home most events may come from a few busy minutes. They are of all sessions
together. As there, predicting any of several gold activities is right and makes that one the gold. Time of events that are
not scored belongs to no activity.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from har_llm.scoring.segments import LONGEST_HOLD, holds
from har_llm.scoring.ward import Frame, SegmentErrors, segment_errors, summed


class TimedEvent(NamedTuple):
    """An event of a session in order, also one that is not scored."""

    second: float
    gold: tuple[int, ...]
    """None for an event that is not scored."""
    predicted: int | None


@dataclass(frozen=True)
class OverTime:
    """Fractions from 0 to 1; None where there is nothing to divide by."""

    seconds: float
    """Scored time."""
    accuracy: float | None
    f1_weighted: float | None
    f1_macro_gold: float | None
    transitions: int
    """Pairs of consecutive scored events with different gold."""
    right_transitions: int
    """Those of which both events are right."""
    several_gold: int
    """Scored events with several gold activities."""
    activities: Sequence[int]
    confusion: Sequence[Sequence[float]]
    """Seconds by gold (rows) and predicted activity (columns), in the order of `activities`; the last column is missed."""
    errors: SegmentErrors
    """Ward's, summed over all activities but the null class."""

    @property
    def transition_accuracy(self) -> float | None:
        return self.right_transitions / self.transitions if self.transitions else None


def over_time(
    sessions: Iterable[Sequence[TimedEvent]], activities: Collection[int], null_class: Collection[int] = ()
) -> OverTime:
    """The scores of these sessions. `activities`: all that are scored."""
    numbers = tuple(activities)
    place = {number: at for at, number in enumerate(numbers)}
    matrix = [[0.0] * (len(numbers) + 1) for _ in numbers]
    transitions = right = several = 0
    errors: list[SegmentErrors] = []
    for session in sessions:
        held = list(_held(session))
        for one in held:
            if one.gold is not None:
                # What may be answered and is not scored counts as missed.
                matrix[place[one.gold]][place.get(one.predicted, -1) if one.predicted is not None else -1] += one.seconds
        pairs = [
            (one, later) for one, later in pairwise(held) if None not in (one.gold, later.gold) and one.gold != later.gold
        ]
        transitions += len(pairs)
        right += sum(one.right and later.right for one, later in pairs)
        several += sum(len(event.gold) > 1 for event in session)
        errors += _errors(held, null_class)
    return _scores(numbers, matrix, (transitions, right, several), summed(errors))


def together(parts: Sequence[OverTime]) -> OverTime:
    """The scores of runs on different sessions of one home, as of one run on all of them."""
    matrix = [
        [sum(cells) for cells in zip(*rows, strict=True)] for rows in zip(*(one.confusion for one in parts), strict=True)
    ]
    counts = [sum(getattr(one, name) for one in parts) for name in ("transitions", "right_transitions", "several_gold")]
    return _scores(tuple(parts[0].activities), matrix, counts, summed(one.errors for one in parts))


class Held(NamedTuple):
    """An event with what counts as its gold, and how long it holds. After a longer gap nothing is known."""

    seconds: float
    gold: int | None
    predicted: int | None
    gap: bool

    @property
    def right(self) -> bool:
        return self.predicted == self.gold


def _held(session: Sequence[TimedEvent]) -> Iterator[Held]:
    seconds = [event.second for event in session]
    for place, (event, lasting) in enumerate(zip(session, holds(seconds), strict=True)):
        gold = event.predicted if event.predicted in event.gold else next(iter(event.gold), None)
        gap = place + 1 < len(seconds) and seconds[place + 1] - seconds[place] > LONGEST_HOLD
        yield Held(lasting, gold, event.predicted, gap)


def _errors(held: Iterable[Held], null_class: Collection[int]) -> Iterator[SegmentErrors]:
    """Of each activity that occurs or is predicted."""
    return (segment_errors(frames) for activity, frames in _frames(held).items() if activity not in null_class)


def _frames(held: Iterable[Held]) -> dict[int, list[Frame]]:
    """By activity; the pieces between two of its own are one frame without it."""
    frames: dict[int, list[Frame]] = defaultdict(list)
    last: dict[int, int] = {}
    for place, one in enumerate(_pieces(held)):
        for activity in {one.gold, one.predicted}:
            if activity is not None:
                if last.get(activity) != place - 1:
                    frames[activity].append(Frame(0.0, False, False))
                frames[activity].append(Frame(one.seconds, one.gold == activity, one.predicted == activity))
                last[activity] = place
    return frames


class Piece(NamedTuple):
    seconds: float
    gold: int | None
    predicted: int | None


def _pieces(held: Iterable[Held]) -> list[Piece]:
    """From one change of gold or prediction to the next; without both for what is not scored, and in a gap."""
    found: list[Piece] = []
    for one in held:
        kind = (None, None) if one.gold is None else (one.gold, one.predicted)
        if found and found[-1][1:] == kind:
            found[-1] = Piece(found[-1].seconds + one.seconds, *kind)
        else:
            found.append(Piece(one.seconds, *kind))
        if one.gap:
            found.append(Piece(0.0, None, None))
    return found


def _scores(
    activities: tuple[int, ...], confusion: Sequence[Sequence[float]], counts: Sequence[int], errors: SegmentErrors
) -> OverTime:
    places = range(len(activities))
    gold = [sum(row) for row in confusion]
    predicted = [sum(row[place] for row in confusion) for place in places]
    total, right = sum(gold), sum(confusion[place][place] for place in places)
    f1 = {place: 2 * confusion[place][place] / (gold[place] + predicted[place]) for place in places if gold[place]}
    return OverTime(
        seconds=total,
        accuracy=right / total if total else None,
        f1_weighted=sum(f1[place] * gold[place] for place in f1) / total if total else None,
        f1_macro_gold=sum(f1.values()) / len(f1) if f1 else None,
        transitions=counts[0],
        right_transitions=counts[1],
        several_gold=counts[2],
        activities=activities,
        confusion=confusion,
        errors=errors,
    )
