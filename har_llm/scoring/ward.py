"""The errors of one activity over time, by Ward, Lukowicz and Gellersen, "Performance metrics for activity recognition" (ACM
TIST 2(1), 2011).

A recording is cut wherever the gold or the predicted activity begins or ends. A false negative piece is a deletion if it is
all of a gold segment, fragmentation if it lies between two found pieces of one, and underfill if it is its beginning or
end. A false positive piece is an insertion if it is all of a predicted segment, a merge if it lies between two right pieces
of one, and overfill if it is its beginning or end.

Gold segments are correct if one predicted segment lies over them and over no other; fragmented if several do; merged if one
that does lies over others too; or both; or deleted. Predicted segments are called so from their side.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

RIGHT = "right"
FALSE_NEGATIVE = ("deletion", "underfill", "fragmentation")
"""By the number of right pieces beside one."""
FALSE_POSITIVE = ("insertion", "overfill", "merge")
GOLD_SEGMENTS = ("correct", "fragmented", "merged", "fragmented and merged", "deleted")
PREDICTED_SEGMENTS = ("correct", "fragmenting", "merging", "fragmenting and merging", "inserted")


class Frame(NamedTuple):
    """A time in which neither the gold nor the prediction changes."""

    seconds: float
    gold: bool
    """Whether the activity takes place."""
    predicted: bool


@dataclass(frozen=True)
class SegmentErrors:
    """How long each kind of piece is, and how many segments of each kind there are; kinds that do not occur are left out."""

    seconds: Mapping[str, float]
    """By RIGHT, FALSE_NEGATIVE and FALSE_POSITIVE."""
    gold: Mapping[str, int]
    """By GOLD_SEGMENTS."""
    predicted: Mapping[str, int]
    """By PREDICTED_SEGMENTS."""

    def share(self, kind: str) -> float | None:
        """The share of the gold seconds that is `kind`; of the predicted ones for FALSE_POSITIVE. None if there are none."""
        all_of_them = sum(self.seconds.get(one, 0) for one in (RIGHT, *_like(kind)))
        return self.seconds.get(kind, 0) / all_of_them if all_of_them else None


def _like(kind: str) -> Sequence[str]:
    return FALSE_POSITIVE if kind in FALSE_POSITIVE else FALSE_NEGATIVE


def segment_errors(frames: Iterable[Frame]) -> SegmentErrors:
    """Of one activity in one session. `frames`: in order, without holes."""
    runs = groupby(frames, key=lambda frame: (frame.gold, frame.predicted))
    pieces = [Frame(sum(frame.seconds for frame in group), *kind) for kind, group in runs]
    seconds: dict[str, float] = defaultdict(float)
    for place, piece in enumerate(pieces):
        if piece.gold or piece.predicted:
            seconds[_kind(piece, pieces[max(0, place - 1) : place + 2])] += piece.seconds
    over = _overlaps(pieces)
    gold = Counter(
        _segment(GOLD_SEGMENTS, over=on, fragments=len(on) > 1, merges=_several(over.of_predicted, on))
        for on in over.of_gold
    )
    predicted = Counter(
        _segment(PREDICTED_SEGMENTS, over=on, fragments=_several(over.of_gold, on), merges=len(on) > 1)
        for on in over.of_predicted
    )
    return SegmentErrors(dict(seconds), dict(gold), dict(predicted))


def summed(parts: Iterable[SegmentErrors]) -> SegmentErrors:
    seconds: dict[str, float] = defaultdict(float)
    gold: Counter[str] = Counter()
    predicted: Counter[str] = Counter()
    for part in parts:
        gold.update(part.gold)
        predicted.update(part.predicted)
        for kind, value in part.seconds.items():
            seconds[kind] += value
    return SegmentErrors(dict(seconds), dict(gold), dict(predicted))


def _kind(piece: Frame, around: Sequence[Frame]) -> str:
    """`around`: the piece with those beside it."""
    if piece.gold and piece.predicted:
        return RIGHT
    beside = sum(one.gold and one.predicted for one in around)
    return FALSE_NEGATIVE[beside] if piece.gold else FALSE_POSITIVE[beside]


class Overlaps(NamedTuple):
    """For each segment, those of the other side that lie over it."""

    of_gold: list[set[int]]
    of_predicted: list[set[int]]


def _overlaps(pieces: Sequence[Frame]) -> Overlaps:
    over = Overlaps([], [])
    before = Frame(0, False, False)
    for piece in pieces:
        for segments, now, then in (
            (over.of_gold, piece.gold, before.gold),
            (over.of_predicted, piece.predicted, before.predicted),
        ):
            if now and not then:
                segments.append(set())
        if piece.gold and piece.predicted:
            over.of_gold[-1].add(len(over.of_predicted) - 1)
            over.of_predicted[-1].add(len(over.of_gold) - 1)
        before = piece
    return over


def _several(segments: Sequence[set[int]], chosen: set[int]) -> bool:
    """Whether over one of the chosen segments there are several of the other side."""
    return any(len(segments[one]) > 1 for one in chosen)


def _segment(names: Sequence[str], *, over: set[int], fragments: bool, merges: bool) -> str:
    return names[fragments + 2 * merges] if over else names[4]
