"""Finds a place for the name of each point of a picture where it covers nothing. Does not draw."""

from __future__ import annotations

import itertools
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from har_llm.common.text import common_start

DISTANCES = (5, 9, 14, 20, 27, 35, 44)
"""Of a name from its point, in points of print; the nearest first."""
DIRECTIONS = (0, 180, 30, 150, -30, -150, 60, 120, -60, -120, 90, -90)
"""In degrees, counter-clockwise from the right; the best first."""
LINKED_FROM = 14
"""The distance from which a line leads from a name to its point."""
SPOTS = 40
"""Where such a line is held against other names."""
LONGEST = 28
"""Characters of a name."""
BEGINNING = 9
"""Characters that are kept of its beginning where its middle is left out."""
LONGEST_WORD = 10
"""Characters that are shown of a word before the first that differs; with BEGINNING, that one is still in sight."""


class Box(NamedTuple):
    left: float
    bottom: float
    right: float
    top: float

    def meets(self, other: Box) -> bool:
        beside = self.right <= other.left or other.right <= self.left
        return not (beside or self.top <= other.bottom or other.top <= self.bottom)

    def inside(self, other: Box) -> bool:
        across = other.left <= self.left and self.right <= other.right
        return across and other.bottom <= self.bottom and self.top <= other.top


class Place(NamedTuple):
    box: Box
    linked: bool
    """Whether it is so far from its point that a line has to lead there."""


def shortened(names: Sequence[str]) -> list[str]:
    """The names in at most LONGEST characters; different names stay different.

    Long ones lose the words with which all of them begin, then their end. Those that would be alike keep both their
    beginning and the words with which they begin to differ; what is alike even then is numbered.
    """
    short = {name: name for name in names if len(name) <= LONGEST}
    long = [name for name in dict.fromkeys(names) if name not in short]
    start = _place_of_difference(long) if len(long) > 1 else 0
    rests = {name: f"...{name[start:]}" if start else name for name in long}
    shown = short | _unlike({name: _cut(rest) for name, rest in rests.items()}, short)
    shown |= _unlike({name: _both_ends(rest, rests.values()) for name, rest in rests.items() if name not in shown}, shown)
    for name in (name for name in long if name not in shown):
        numbered = (f"{rests[name][:BEGINNING]}... ({number})" for number in itertools.count(1))
        shown[name] = next(text for text in numbered if text not in shown.values())
    return [shown[name] for name in names]


def _unlike(texts: Mapping[str, str], taken: Mapping[str, str]) -> dict[str, str]:
    """Those texts that are neither alike nor taken."""
    times = Counter((*texts.values(), *taken.values()))
    return {name: text for name, text in texts.items() if times[text] == 1}


def _both_ends(text: str, others: Iterable[str]) -> str:
    """The beginning, and what differs from the other texts that are cut to the same."""
    place = _place_of_difference([other for other in others if _cut(other) == _cut(text)])
    return _cut(f"{text[:BEGINNING]}...{text[place:]}")


def _place_of_difference(texts: Sequence[str]) -> int:
    """Where the word begins in which the texts begin to differ; of a long word, a little before they do."""
    shared = common_start(texts)
    word = re.search(r"[^-_/. ]*$", shared)
    return max(0 if word is None else word.start(), len(shared) - LONGEST_WORD)


def _cut(name: str) -> str:
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 3]}..."


def free_places(
    points: Sequence[tuple[float, float]],
    sizes: Sequence[tuple[float, float]],
    obstacles: Sequence[Box],
    room: Box,
    unit: float,
) -> list[Place | None]:
    """For each point the nearest place for a name of its size (width, height); None where there is none.

    All lengths are in pixels; a point of print has `unit` of them.
    """
    names, found = list[Box](), list[Place | None]()
    for point, size in zip(points, sizes, strict=True):

        def is_free(place: Place, point: tuple[float, float] = point) -> bool:
            link = _along(point, place.box) if place.linked else ()
            own = place.box.inside(room) and not any(place.box.meets(other) for other in (*obstacles, *names))
            return own and not any(one.meets(name) for one in link for name in names)

        free = next(filter(is_free, _around(point, size, unit)), None)
        found.append(free)
        if free is not None:
            names.append(free.box)
    return found


def _along(point: tuple[float, float], box: Box) -> list[Box]:
    """Spots on the line from a point to the middle of a name."""
    (x, y), end = point, ((box.left + box.right) / 2, (box.bottom + box.top) / 2)
    parts = [number / SPOTS for number in range(SPOTS)]
    spots = [(x + part * (end[0] - x), y + part * (end[1] - y)) for part in parts]
    return [Box(left, bottom, left + 1, bottom + 1) for left, bottom in spots]


def _around(point: tuple[float, float], size: tuple[float, float], unit: float) -> Iterator[Place]:
    (x, y), (width, height) = point, size
    for distance in DISTANCES:
        for degrees in DIRECTIONS:
            across, up = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
            left = x + across * distance * unit - width * (1 - _side(across)) / 2
            bottom = y + up * distance * unit - height * (1 - _side(up)) / 2
            yield Place(Box(left, bottom, left + width, bottom + height), distance >= LINKED_FROM)


def _side(part: float) -> int:
    """On which side of its end a name lies, if it is away from the point by this part of the distance."""
    return 0 if abs(part) < 0.4 else 1 if part > 0 else -1
