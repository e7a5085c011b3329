"""Simulated homes: several residents at once, their events interleaved and ambiguous, generated from a seed.

Only `random.Random(int).random()` is drawn from and all else is integer arithmetic on lists and dicts in written order,
because that is what Python promises to keep the same in every process and version.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, TypeVar

from har_llm.datasets.base import DatasetConfig
from har_llm.errors import ConfigError
from har_llm.records import Event, Notice, Recordings, Session

T = TypeVar("T")


class Draws:
    """Reproducible random choices."""

    def __init__(self, *seed: object):
        digest = hashlib.sha256("/".join(map(str, seed)).encode()).digest()
        self._random = random.Random(int.from_bytes(digest[:8], "big")).random  # noqa: S311 (no secret)

    def between(self, low: int, high: int) -> int:
        """A whole number, both ends included."""
        return low + int(self._random() * (high - low + 1))

    def chance(self, percent: int) -> bool:
        return self._random() * 100 < percent

    def pick(self, options: Sequence[T]) -> T:
        return options[int(self._random() * len(options))]

    def weighted(self, weights: Mapping[T, int]) -> T:
        point = self._random() * sum(weights.values())
        for option, weight in weights.items():
            point -= weight
            if point < 0:
                return option
        return option


@dataclass(kw_only=True)
class Sensor:
    """A sensor of a simulated home; each touch moves it to its next state."""

    room: str
    name: str
    states: list[str]
    passage: bool = False
    """True for a sensor that also reports people who only walk by."""


@dataclass(kw_only=True)
class Routine:
    """How residents do one activity."""

    sensors: dict[str, int]
    """Sensor key -> how often it is touched, relative to the others."""
    events: list[int]
    """Fewest and most events of one doing."""
    gap: list[int]
    """Shortest and longest time between two of its events, in seconds."""
    hours: dict[str, int] = field(default_factory=dict)
    """"6-10" -> weight: when it is done; `always` for the rest of the day."""
    then: dict[int, int] = field(default_factory=dict)
    """Activity number -> chance in percent that it follows."""


@dataclass(kw_only=True)
class SessionPlan:
    """How many sessions are recorded, and how long."""

    count: int = 16
    events: list[int] = field(default_factory=lambda: [96, 104])
    starts: list[int] = field(default_factory=lambda: [6, 8, 11, 13, 16, 18, 20])
    """Hours of the day at which a session may begin."""


class Touch(NamedTuple):
    """A resident touches a sensor: (seconds since midnight, resident, number) is its place in time."""

    second: int
    resident: int
    number: int
    sensor: str
    activity: int


@dataclass(kw_only=True)
class SimulatedHome(DatasetConfig):
    """A home whose recordings are generated. Needs no file; `read` ignores the data folder."""

    synthetic: bool = True
    seed: int = 0
    residents: list[str] = field(default_factory=lambda: ["Ada", "Ben"])
    passage_percent: int = 25
    """Chance that a resident walks past a passage sensor on the way to the next activity."""
    sessions: SessionPlan = field(default_factory=SessionPlan)
    sensors: dict[str, Sensor] = field(default_factory=dict)
    routines: dict[int, Routine] = field(default_factory=dict)

    def check(self) -> None:
        super().check()
        if len(self.residents) < 1:
            raise ConfigError("dataset.residents is empty; a simulated home needs at least one resident.")
        if not 0 <= self.passage_percent <= 100:
            raise ConfigError(f"dataset.passage_percent is {self.passage_percent}; it must be from 0 to 100.")
        if self.sessions.count < 1:
            raise ConfigError(f"dataset.sessions.count is {self.sessions.count}; it must be at least 1.")
        for name, (low, high) in self._ranges():
            if not 0 < low <= high:
                raise ConfigError(f"dataset.{name} is [{low}, {high}]; it must be [lowest, highest], both positive.")
        for number, routine in self.routines.items():
            for sensor in routine.sensors:
                if sensor not in self.sensors:
                    raise ConfigError(
                        f"dataset.routines.{number}.sensors has {sensor!r}, which dataset.sensors does not list."
                    )
            for other in (number, *routine.then):
                if other not in self.home.activities:
                    raise ConfigError(f"dataset.routines has activity {other}, which dataset.home.activities does not list.")

    def _ranges(self) -> Iterator[tuple[str, tuple[int, int]]]:
        pairs = [("sessions.events", self.sessions.events)]
        for number, routine in self.routines.items():
            pairs += [(f"routines.{number}.events", routine.events), (f"routines.{number}.gap", routine.gap)]
        for name, pair in pairs:
            if len(pair) != 2:
                raise ConfigError(f"dataset.{name} is {pair}; it must be two numbers, [lowest, highest].")
            yield name, (pair[0], pair[1])

    def read(self, data: Path) -> Recordings:
        return self.recordings([self._session(index) for index in range(self.sessions.count)])

    def faults(self, data: Path) -> list[Notice]:
        return []

    def _session(self, index: int) -> Session:
        draws = Draws(self.name, self.seed, index)
        length = draws.between(*self.sessions.events)
        start = draws.pick(self.sessions.starts) * 3600 + draws.between(0, 1799)
        touches: list[Touch] = []
        for resident in range(len(self.residents)):
            touches += self._day(draws, resident, start + draws.between(0, 599), length)
        touches.sort()
        return Session(f"{self.name}-{index + 1:02d}", self.name, self._events(touches[:length]))

    def _day(self, draws: Draws, resident: int, second: int, length: int) -> list[Touch]:
        """At least `length` touches of one resident, one activity after the other."""
        touches: list[Touch] = []
        passages = [key for key, sensor in self.sensors.items() if sensor.passage]
        activity = 0
        while len(touches) < length:
            activity = self._next_activity(draws, activity, second // 3600 % 24)
            routine = self.routines[activity]
            if passages and draws.chance(self.passage_percent):
                second += draws.between(3, 25)
                touches.append(Touch(second, resident, len(touches), draws.pick(passages), activity))
            for _ in range(draws.between(routine.events[0], routine.events[1])):
                second += draws.between(routine.gap[0], routine.gap[1])
                touches.append(Touch(second, resident, len(touches), draws.weighted(routine.sensors), activity))
        return touches

    def _next_activity(self, draws: Draws, previous: int, hour: int) -> int:
        if previous:
            for activity, percent in self.routines[previous].then.items():
                if draws.chance(percent):
                    return activity
        weights = {number: _weight(routine.hours, hour) for number, routine in self.routines.items() if number != previous}
        return draws.weighted(weights)

    def _events(self, touches: Sequence[Touch]) -> list[Event]:
        turns = dict.fromkeys(self.sensors, 0)
        events = []
        for number, touch in enumerate(touches):
            sensor = self.sensors[touch.sensor]
            state = sensor.states[turns[touch.sensor] % len(sensor.states)]
            turns[touch.sensor] += 1
            second = touch.second % 86400
            time = f"{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}"
            text = f"{sensor.room} {sensor.name} {state}"
            events.append(Event(number, time, text, (touch.activity,), (self.residents[touch.resident],)))
        return events


def _weight(hours: Mapping[str, int], hour: int) -> int:
    """How likely an activity is at this hour; 1 when nothing is said."""
    for span, weight in hours.items():
        if span == "always":
            return weight
        first, last = (int(end) for end in span.split("-"))
        if first <= hour < last:
            return weight
    return 0 if hours else 1
