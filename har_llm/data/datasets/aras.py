"""ARAS (Alemdar, Ertan, Incel, Ersoy, 2013): two homes of two residents each, thirty days, a row for every second.

    House A/DAY_1.txt    0 0 0 1 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 12 17

Twenty sensors, 1 while active, then the activities of residents 1 and 2. Days have no dates. The first row of a day says how
things stand; every later change of a sensor is an event, with the activities of both residents at its second, as the file
does not say who of them caused it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from har_llm.common.checks import require
from har_llm.common.errors import ConfigError, DataError, MissingError
from har_llm.common.notices import Notices
from har_llm.common.numbers import counted
from har_llm.common.paths import expanded
from har_llm.data.datasets.base import ReleaseConfig, SensorInWords, events_in, rooms_of, where_it_is
from har_llm.data.datasets.files import shown, without_collector
from har_llm.data.datasets.logs.lines import LineReader
from har_llm.data.records import DAY_SECONDS, Event, Recordings, Session, time_of_day

HOUSES = ("A", "B")
SENSORS, RESIDENTS = 20, 2
MOST_KNOWN = 100_000
"""Different rows, and different rows one below the other, of which is kept what they say. A home has a few thousand."""
DAY = re.compile(r"DAY_([1-9][0-9]{0,3})\.txt", re.IGNORECASE)


@dataclass(kw_only=True)
class House:
    """A home."""

    sensors: dict[str, SensorInWords] = field(default_factory=dict)
    """By id, in the order of their columns."""


@dataclass(kw_only=True)
class Aras(ReleaseConfig):
    """A home of the ARAS release."""

    folder: str = "aras"
    """Below paths.data, or absolute; it holds the folders House A and House B."""
    house: str = "A"
    """A or B."""
    houses: dict[str, House] = field(default_factory=dict)

    def check(self) -> None:
        super().check()
        require("dataset.house", self.house, HOUSES)
        for house in HOUSES:
            setting, sensors = f"dataset.houses.{house}.sensors", self.houses.get(house, House()).sensors
            if len(sensors) != SENSORS:
                raise ConfigError(f"{setting} has {counted(len(sensors), 'sensor')}; it must have {SENSORS}.")
            for key, sensor in sensors.items():
                if len(sensor.states) != 2:
                    rule = "it must be [word where it becomes active, word where it no longer is]"
                    raise ConfigError(f"{setting}.{key}.states is {sensor.states}; {rule}.")

    def read(self, data: Path) -> Recordings:
        with without_collector():
            folder, reader, sessions = self._read(data)
        if reader.faults:
            count = counted(reader.faults.total, "fault")
            raise DataError(f"{self.name} in {folder} has {count}; mend or replace the files:", reader.faults)
        counts = {"sessions": len(sessions), "events": events_in(sessions)}
        differences = self.differences(folder, "the release", counts, {})
        rooms = self.home.rooms or rooms_of((one.room, one.name) for one in self.houses[self.house].sensors.values())
        filled = replace(self, home=replace(self.home, rooms=rooms))
        return filled.recordings(sessions, [*reader.repairs, *differences])

    def faults(self, data: Path) -> Notices:
        return self._read(data)[1].faults

    def _read(self, data: Path) -> tuple[Path, ArasReader, list[Session]]:
        release = expanded(data / expanded(self.folder))
        name = f"House {self.house}"
        places = [release / name, release / name.replace(" ", ""), release / name.replace(" ", "_")]
        folder = next((place for place in places if place.is_dir()), None)
        if folder is None:
            raise MissingError(
                f"{self.name} is missing: there is no folder {str(places[0])!r}. Get ARAS from its authors (once on "
                f"https://www.cmpe.boun.edu.tr/aras/, address not checked; cite Alemdar and others, PervasiveHealth 2013) "
                f"and set {where_it_is(self.folder)}, with House A and House B in it."
            )
        reader = ArasReader(list(self.houses[self.house].sensors.values()), self.home.activities)
        return folder, reader, list(reader.sessions(folder, self.name))


class Second(NamedTuple):
    """A row."""

    sensors: Sequence[str]
    activities: tuple[int, ...]


class ArasReader(LineReader):
    """Reads days, most of whose rows are the same as the row above."""

    def __init__(self, sensors: Sequence[SensorInWords], activities: Mapping[int, str]):
        super().__init__()
        self._activities = {str(number): number for number in activities}
        self._texts = [
            {"1": f"{one.room} {one.name} {one.states[0]}", "0": f"{one.room} {one.name} {one.states[1]}"} for one in sensors
        ]
        self._seconds = dict[str, Second]()
        self._changes = dict[tuple[str, str], Sequence[str]]()

    def sessions(self, folder: Path, group: str) -> Iterator[Session]:
        """A session for each day, in order."""
        try:
            found = [(match, path) for path in folder.iterdir() if (match := DAY.fullmatch(path.name))]
        except OSError as error:
            self.unreadable(folder, error)
            return
        if not found:
            self.fault(folder, None, "no recordings", "there is no day in it; its files must be DAY_1.txt, DAY_2.txt, ...")
        names = dict[str, str]()
        for match, path in sorted(found, key=lambda one: (int(one[0][1]), one[1].name)):
            name = f"day {match[1]}"
            if (above := names.setdefault(name, path.name)) != path.name:
                self.fault(path, None, "day twice", f"is {name}, as is {above}; leave one of them out")
            yield Session(name, group, self._events(path))

    def _events(self, path: Path) -> list[Event]:
        """A row is at the second that its place among the rows says."""
        events, seconds = list[Event](), 0
        above, before = "\n", None  # no line is this
        for line, text in self.numbered(path):
            if text != above:
                if not text.strip():
                    self.empty_line(path, line)
                    continue
                second = self._seconds.get(text) or self._second(path, line, text)
                if second is not None and before is not None:
                    moment, activities = time_of_day(seconds), second.activities
                    for said in self._changes.get((above, text)) or self._change(above, text, before, second):
                        events.append(Event(len(events), moment, said, activities, ()))
                above, before = text, second or before
            seconds += 1
        if seconds and seconds != DAY_SECONDS:
            rule = f"a day has {DAY_SECONDS:,}; times are counted from the first row, so they may be wrong behind a gap"
            self.repair(path, None, "other number of rows", f"has {counted(seconds, 'row')}; {rule}")
        return events

    def _change(self, above: str, text: str, before: Second, second: Second) -> Sequence[str]:
        """The texts of the events between a row and the one above it."""
        states = zip(self._texts, second.sensors, before.sensors, strict=True)
        changes = [said[state] for said, state, old in states if state != old]
        if len(self._changes) < MOST_KNOWN:
            self._changes[above, text] = changes
        return changes

    def _second(self, path: Path, line: int, text: str) -> Second | None:
        """What a row says; None, and a fault, where it breaks the form."""
        fields = text.split()
        sensors, activities = fields[:SENSORS], fields[SENSORS:]
        if len(fields) != SENSORS + RESIDENTS:
            rule = f"a row must have {SENSORS} sensors and the activities of {RESIDENTS} residents"
            message = f"{shown(' '.join(fields))} has {counted(len(fields), 'field')}; {rule}"
            self.fault(path, line, "wrong number of fields", message)
        elif wrong := next((value for value in sensors if value not in ("0", "1")), None):
            self.fault(
                path, line, "unknown value", f"sensor {sensors.index(wrong) + 1} is {shown(wrong)}; it must be 0 or 1"
            )
        elif unknown := next((value for value in activities if value not in self._activities), None):
            rule = f"dataset.home.activities has {', '.join(self._activities)}"
            self.fault(
                path, line, "unknown activity", f"resident {activities.index(unknown) + 1} has {shown(unknown)}; {rule}"
            )
        else:
            second = Second(sensors, tuple(sorted({self._activities[value] for value in activities})))
            if len(self._seconds) < MOST_KNOWN:
                self._seconds[text] = second
            return second
        return None
