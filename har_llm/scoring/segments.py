"""Activities over time: how long an event's activity holds, and the segments of a session with one activity.

An event's activity holds until the next event of its session, and never longer than LONGEST_HOLD. Nobody knows how long the
last one holds: it counts 0 seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

LONGEST_HOLD = 12 * 3600
"""Seconds: longer than a night's sleep or a day's work, shorter than a recording's hole or a holiday."""


def holds(seconds: Sequence[float]) -> list[float]:
    """How many seconds each event's activity holds. `seconds`: when a session's events happen, in order."""
    return [min(later - one, LONGEST_HOLD) for one, later in pairwise(seconds)] + [0.0] * bool(seconds)


@dataclass(frozen=True)
class Segment:
    """An activity from its first event to the end of its last one's hold."""

    activity: int
    first: int
    last: int
    """Positions of these events in the session."""
    events: int
    """Number of its events that have the activity."""
    start: float
    end: float
    """Seconds, as the events have them."""


def segments(seconds: Sequence[float], activities: Sequence[Sequence[int]]) -> list[Segment]:
    """The segments of a session, by their start. `activities`: those of each event; none where nobody knows any.

    Consecutive events with the same activity are one segment. An event without any ends none: between two events of a
    segment it is inside, but does not count. A gap longer than LONGEST_HOLD ends every segment. Segments of different
    activities overlap where events have several.
    """
    found: list[Segment] = []
    running: dict[int, Segment] = {}
    held = holds(seconds)

    def add(place: int, activity: int) -> None:
        one = running.get(activity)
        first, events, start = (place, 1, seconds[place]) if one is None else (one.first, one.events + 1, one.start)
        running[activity] = Segment(activity, first, place, events, start, seconds[place] + held[place])

    for place, mine in enumerate(activities):
        cut = place > 0 and seconds[place] - seconds[place - 1] > LONGEST_HOLD
        for activity in [one for one in running if cut or (mine and one not in mine)]:
            found.append(running.pop(activity))
        for activity in dict.fromkeys(mine):
            add(place, activity)
    return sorted([*found, *running.values()], key=lambda one: (one.first, one.activity))
