"""Finds sensors that flap: they change many times within seconds, as with a loose contact or an empty battery."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice

from har_llm.common.numbers import counted
from har_llm.data.datasets.files import shown
from har_llm.data.datasets.own.recorded import SENSOR, Said

CHANGES, WITHIN = 6, timedelta(seconds=10)
"""Nobody opens and closes a door three times within ten seconds, and a motion sensor holds its state for longer."""
FLAPPING = "flapping sensor"
MOST_NAMED = 5


def flapping(moments: Sequence[datetime], said: Sequence[Said], state: Callable[[Said], str]) -> dict[str, int]:
    """The sensors that flap, the worst first, and how many of their changes are so close. `said`: (sensor, value), in order;
    `state`: what it means."""
    perhaps = _often(moments, said)
    changed: dict[str, list[datetime]] = {sensor: [] for sensor in perhaps}
    latest: dict[str, str] = {}
    for moment, pair in zip(moments, said, strict=True) if perhaps else ():
        if (sensor := pair[0]) in perhaps and latest.get(sensor) != (now := state(pair)):
            latest[sensor] = now
            changed[sensor].append(moment)
    close = {sensor: sum(map(len, _busy(one))) for sensor, one in changed.items()}
    return {sensor: close[sensor] for sensor in sorted(close, key=lambda sensor: (-close[sensor], sensor)) if close[sensor]}


def _often(moments: Sequence[datetime], said: Sequence[Said]) -> set[str]:
    """The sensors that say something CHANGES times or more while the home is never quiet for long: no others can flap."""
    found: set[str] = set()
    for busy in _busy(moments):
        count = Counter(map(SENSOR, said[busy.start : busy.stop]))
        found.update(sensor for sensor, times in count.items() if times >= CHANGES)
    return found


def _busy(moments: Sequence[datetime]) -> list[range]:
    """The places of those that are, with others before or after them, CHANGES WITHIN so short a time."""
    found: list[range] = []
    start = stop = 0
    for place, (first, last) in enumerate(zip(moments, islice(moments, CHANGES - 1, None), strict=False)):
        if last - first <= WITHIN:
            if place >= stop:
                found.append(range(start, stop))
                start = place
            stop = place + CHANGES
    return [*found, range(start, stop)]


def in_words(found: Mapping[str, int]) -> str:
    named = [f"{shown(sensor)} ({count:,} such changes)" for sensor, count in found.items()]
    more = ", ..." if len(named) > MOST_NAMED else ""
    change = f"{'changes' if len(found) == 1 else 'change'} {CHANGES} times or more within {WITHIN.seconds} seconds"
    return f"{counted(len(found), 'sensor')} {change}: {', '.join(named[:MOST_NAMED])}{more}"
