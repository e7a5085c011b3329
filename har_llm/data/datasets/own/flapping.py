"""Finds sensors that flap: they change many times within seconds, as with a loose contact or an empty battery."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from har_llm.common.numbers import counted
from har_llm.data.datasets.files import shown

CHANGES, WITHIN = 6, timedelta(seconds=10)
"""Nobody opens and closes a door three times within ten seconds, and a motion sensor holds its state for longer."""
FLAPPING = "flapping sensor"
MOST_NAMED = 5


def flapping(said: Iterable[tuple[datetime, str, str]]) -> dict[str, int]:
    """The sensors that flap, the worst first, and how many of their changes are so close. `said`: when, sensor and state, in
    order."""
    latest: dict[str, str] = {}
    changed: dict[str, list[datetime]] = {}
    for moment, sensor, state in said:
        if latest.get(sensor) != state:
            latest[sensor] = state
            changed.setdefault(sensor, []).append(moment)
    close = {sensor: _close(moments) for sensor, moments in changed.items()}
    return {sensor: close[sensor] for sensor in sorted(close, key=lambda sensor: -close[sensor]) if close[sensor]}


def _close(moments: Sequence[datetime]) -> int:
    """How many are, with others before or after them, CHANGES WITHIN so short a time."""
    pairs = zip(moments, moments[CHANGES - 1 :], strict=False)
    starts = [place for place, (first, last) in enumerate(pairs) if last - first <= WITHIN]
    return len({place for start in starts for place in range(start, start + CHANGES)})


def in_words(found: Mapping[str, int]) -> str:
    named = [f"{shown(sensor)} ({count:,} such changes)" for sensor, count in found.items()]
    more = ", ..." if len(named) > MOST_NAMED else ""
    change = f"{'changes' if len(found) == 1 else 'change'} {CHANGES} times or more within {WITHIN.seconds} seconds"
    return f"{counted(len(found), 'sensor')} {change}: {', '.join(named[:MOST_NAMED])}{more}"
