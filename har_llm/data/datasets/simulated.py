"""Simulated homes: several residents at once, their events interleaved and ambiguous, generated from a seed.

Only `random.Random(int).random()` is used, with integer arithmetic on lists and dicts in written order, because Python
guarantees the same results for these in every process and version.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from har_llm.common.errors import ConfigError
from har_llm.common.files import read_bounded
from har_llm.common.notices import Notices
from har_llm.common.paths import expanded
from har_llm.data.datasets.base import DatasetConfig
from har_llm.data.records import Event, Recordings, Session, time_of_day

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


@dataclass(frozen=True, kw_only=True)
class Sensor:
    """A sensor of a simulated home; each touch moves it to its next state."""

    room: str
    name: str
    states: Sequence[str]
    passage: bool = False
    """True for a sensor that also reports people who only walk by."""


@dataclass(frozen=True, kw_only=True)
class Routine:
    """How residents do one activity."""

    sensors: Mapping[str, int]
    """Sensor key -> how often it is touched, relative to the others."""
    events: Sequence[int]
    """Fewest and most events each time it is done."""
    gap: Sequence[int]
    """Shortest and longest time between two of its events, in seconds."""
    hours: Mapping[str, int] = field(default_factory=dict)
    """"6-10" -> weight: when it is done; `always` for the rest of the day."""
    then: Mapping[int, int] = field(default_factory=dict)
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


@dataclass(frozen=True)
class Simulation:
    """The sensors of a home, and what its residents do with them."""

    sensors: Mapping[str, Sensor]
    routines: Mapping[int, Routine]

    def record(self, name: str, draws: Draws, plan: SessionPlan, residents: Sequence[str], passage_percent: int) -> Session:
        """One session of all residents together; `name` becomes its id."""
        length = draws.between(plan.events[0], plan.events[1])
        start = draws.pick(plan.starts) * 3600 + draws.between(0, 1799)
        touches: list[Touch] = []
        for resident in range(len(residents)):
            touches += self._day(draws, resident, start + draws.between(0, 599), length, passage_percent)
        touches.sort()
        return Session(name, name.rpartition("-")[0], self._events(touches[:length], residents))

    def _day(self, draws: Draws, resident: int, second: int, length: int, passage_percent: int) -> list[Touch]:
        """At least `length` touches of one resident, one activity after the other."""
        touches: list[Touch] = []
        passages = [key for key, sensor in self.sensors.items() if sensor.passage]
        activity: int | None = None
        while len(touches) < length:
            activity = self._next_activity(draws, activity, second // 3600 % 24)
            routine = self.routines[activity]
            if passages and draws.chance(passage_percent):
                second += draws.between(3, 25)
                touches.append(Touch(second, resident, len(touches), draws.pick(passages), activity))
            for _ in range(draws.between(routine.events[0], routine.events[1])):
                second += draws.between(routine.gap[0], routine.gap[1])
                touches.append(Touch(second, resident, len(touches), draws.weighted(routine.sensors), activity))
        return touches

    def _next_activity(self, draws: Draws, previous: int | None, hour: int) -> int:
        if previous is not None:
            for activity, percent in self.routines[previous].then.items():
                if draws.chance(percent):
                    return activity
        weights = {number: _weight(routine.hours, hour) for number, routine in self.routines.items() if number != previous}
        return draws.weighted(weights)

    def _events(self, touches: Sequence[Touch], residents: Sequence[str]) -> list[Event]:
        turns = dict.fromkeys(self.sensors, 0)
        events = []
        for number, touch in enumerate(touches):
            sensor = self.sensors[touch.sensor]
            state = sensor.states[turns[touch.sensor] % len(sensor.states)]
            turns[touch.sensor] += 1
            text = f"{sensor.room} {sensor.name} {state}"
            events.append(Event(number, time_of_day(touch.second), text, (touch.activity,), (residents[touch.resident],)))
        return events


@dataclass(kw_only=True)
class SimulatedHome(DatasetConfig):
    """A home whose recordings are generated. `read` ignores the data folder."""

    synthetic: bool = True
    seed: int = 0
    simulation: str
    """The home's sensors and what residents do with them: a simulation in this package, or a JSON file of the same form."""
    residents: list[str] = field(default_factory=lambda: ["Ada", "Ben"])
    passage_percent: int = 25
    """Chance that a resident walks past a passage sensor on the way to the next activity."""
    sessions: SessionPlan = field(default_factory=SessionPlan)

    def check(self) -> None:
        super().check()
        if len(self.residents) < 1:
            raise ConfigError("dataset.residents is empty; a simulated home needs at least one resident.")
        if not 0 <= self.passage_percent <= 100:
            raise ConfigError(f"dataset.passage_percent is {self.passage_percent}; it must be from 0 to 100.")
        if self.sessions.count < 1:
            raise ConfigError(f"dataset.sessions.count is {self.sessions.count}; it must be at least 1.")
        if not self.sessions.starts or not all(0 <= hour < 24 for hour in self.sessions.starts):
            raise ConfigError(f"dataset.sessions.starts is {self.sessions.starts}; it must be hours from 0 to 23.")
        _check_range("dataset.sessions.events", self.sessions.events)

    def read(self, data: Path) -> Recordings:
        simulation = load_simulation(self.simulation, self.home.activities)
        return self.recordings(
            [
                simulation.record(
                    f"{self.name}-{index + 1:02d}",
                    Draws(self.name, self.seed, index),
                    self.sessions,
                    self.residents,
                    self.passage_percent,
                )
                for index in range(self.sessions.count)
            ]
        )

    def faults(self, data: Path) -> Notices:
        return Notices()


def load_simulation(name: str, activities: Collection[int]) -> Simulation:
    """Read simulations/<name>.json of this package, or a user's JSON file. Raises ConfigError for what it may not hold."""
    shipped = expanded(Path(__file__).with_name("simulations") / f"{name}.json")
    path = shipped if shipped.is_file() else expanded(name)
    try:
        content = json.loads(read_bounded(path))
        sensors = {key: Sensor(**sensor) for key, sensor in content["sensors"].items()}
        routines = {int(number): _routine(routine) for number, routine in content["routines"].items()}
    except OSError:
        names = sorted(file.stem for file in shipped.parent.glob("*.json"))
        raise ConfigError(f"dataset.simulation is {name!r}; it must be one of {', '.join(names)}, or a JSON file.") from None
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ConfigError(f"{path}: not of the form of a simulation: {type(error).__name__} {error}.") from None
    for number, routine in routines.items():
        _check_range(f"{path}: routines.{number}.events", routine.events)
        _check_range(f"{path}: routines.{number}.gap", routine.gap)
        if unknown := [key for key in routine.sensors if key not in sensors]:
            raise ConfigError(f"{path}: routines.{number}.sensors has {unknown[0]!r}, which its sensors do not list.")
        if missing := [activity for activity in (number, *routine.then) if activity not in activities]:
            raise ConfigError(f"{path}: routines.{number} has activity {missing[0]}, which dataset.home.activities lacks.")
    return Simulation(sensors, routines)


def _routine(content: Mapping[str, Any]) -> Routine:
    then = {int(number): percent for number, percent in content.get("then", {}).items()}
    return Routine(**{**content, "then": then})


def _check_range(name: str, pair: Sequence[int]) -> None:
    if len(pair) != 2 or not 0 < pair[0] <= pair[1]:
        raise ConfigError(f"{name} is {list(pair)}; it must be [lowest, highest], both positive.")


def _weight(hours: Mapping[str, int], hour: int) -> int:
    """How likely an activity is at this hour; 1 when the routine names no hours."""
    for span, weight in hours.items():
        if span == "always":
            return weight
        first, last = (int(end) for end in span.split("-"))
        if first <= hour < last:
            return weight
    return 0 if hours else 1
