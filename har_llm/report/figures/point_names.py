"""Finds a place for the name of each point of a picture where it covers nothing. Does not draw."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
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
    """The long names without the words with which all of them begin, and at most LONGEST characters of the rest."""
    long = [name for name in names if len(name) > LONGEST]
    shared = re.match(r".*[-_/. ]|", common_start(long)) if len(set(long)) > 1 else None
    start = 0 if shared is None else shared.end()
    return [name if len(name) <= LONGEST else _cut(f"...{name[start:]}" if start else name) for name in names]


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
