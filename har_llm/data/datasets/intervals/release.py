"""What datasets share that are two tables: intervals of sensors, and intervals of activities."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import ClassVar, NamedTuple

from har_llm.common.errors import ConfigError, DataError, MissingError
from har_llm.common.notices import Notices
from har_llm.common.numbers import counted
from har_llm.common.paths import expanded
from har_llm.data.datasets.base import HomeConfig, SensorInWords, events_in, rooms_of, where_it_is
from har_llm.data.datasets.continuous import ContinuousRelease
from har_llm.data.datasets.files import without_collector
from har_llm.data.datasets.intervals.reader import EPOCH, TableReader
from har_llm.data.datasets.sessions import Columns, Cut
from har_llm.data.datasets.timeline import Timeline, apart
from har_llm.data.records import Recordings, Session


class Tables(NamedTuple):
    """The two files of a home, and their columns: start, end, and what names the sensor or the activity."""

    sensors: str
    sensor_columns: tuple[str, ...]
    activities: str
    activity_columns: tuple[str, ...]


@dataclass(kw_only=True)
class IntervalRelease(ContinuousRelease):
    """A home in two tables. Each interval of a sensor is two events: its first state at the start, its second at the end.

    An event has every activity that lasts at its second, both ends included: several where they overlap, but one that ends
    where another begins ends before it. In a gap between activities it has the null class, or none (`gaps`). Rooms and their
    sensors are those of the file.
    """

    COUNTED: ClassVar[tuple[str, ...]] = (*ContinuousRelease.COUNTED, "sensor_rows", "activity_rows")

    folder: str
    """Below paths.data, or absolute."""
    sensors: dict[str, SensorInWords] = field(default_factory=dict)
    """By what the file of sensors calls them."""
    labels: dict[str, int] = field(default_factory=dict)
    """By what the file of activities calls them: the number of the activity."""

    def check(self) -> None:
        super().check()
        for setting, value in (("sensors", self.sensors), ("labels", self.labels)):
            if not value:
                raise ConfigError(f"dataset.{setting} is empty; it must list every one that the files use.")
        for key, sensor in self.sensors.items():
            if len(sensor.states) != 2:
                raise ConfigError(f"dataset.sensors.{key}.states is {sensor.states}; it must be [word at start, at end].")
        for label, number in self.labels.items():
            if number not in self.home.activities:
                raise ConfigError(f"dataset.labels.{label} is {number}, which dataset.home.activities does not list.")

    @property
    @abstractmethod
    def tables(self) -> Tables:
        """Its files."""

    @property
    @abstractmethod
    def source(self) -> str:
        """Where users get it, as in "Download it from ..."."""

    @abstractmethod
    def reader(self) -> TableReader:
        """A new reader of its files."""

    def read(self, data: Path) -> Recordings:
        folder, reader, sensors, activities = self._read(data)
        if reader.faults:
            count = counted(reader.faults.total, "fault")
            raise DataError(f"{self.name} in {folder} has {count}; mend or replace the files:", reader.faults)
        sessions = self._sessions(sensors, activities)
        counts = {"events": events_in(sessions), "sensor_rows": len(sensors), "activity_rows": len(activities)}
        if self.cut == Cut():
            counts["sessions"] = len(sessions)
        differences = self.differences(folder, "the release", counts, {"activity_rows": "without those left out"})
        filled = replace(self, home=self._home({key for _, _, key in sensors}))
        return filled.recordings(sessions, [*reader.repairs, *differences])

    def faults(self, data: Path) -> Notices:
        return self._read(data).reader.faults

    def _read(self, data: Path) -> _Read:
        folder = expanded(data / expanded(self.folder))
        if not folder.is_dir():
            names = f"{self.tables.sensors} and {self.tables.activities}"
            raise MissingError(
                f"{self.name} is missing: there is no folder {str(folder)!r}. {self.source} and set "
                f"{where_it_is(self.folder)}, with {names} in it."
            )
        reader = self.reader()
        files, keys = self.tables, {key: key for key in self.sensors}
        with without_collector():
            sensors = reader.spans(folder / files.sensors, files.sensor_columns, "sensor", keys)
            labels = reader.spans(folder / files.activities, files.activity_columns, "label", self.labels)
        return _Read(folder, reader, sensors, labels)

    def _sessions(
        self, sensors: Mapping[tuple[int, int, str], int], activities: Iterable[tuple[int, int, int]]
    ) -> list[Session]:
        """The events in order of time. Those of a second are in the order of the file, after the ends of intervals that
        began before it: one that ends where another begins ends before it, in any order of rows."""
        words = {key: [f"{one.room} {one.name} {state}" for state in one.states] for key, one in self.sensors.items()}
        timed: list[tuple[int, bool, int, int, str]] = []
        with without_collector():
            for (start, end, key), line in sensors.items():
                began, ended = words[key]
                timed += [(start, True, line, 0, began), (end, start == end, line, 1, ended)]
            timed.sort()
            seconds, in_gap, gold = [one[0] for one in timed], self.in_gap, list[tuple[int, ...]]()
            offered = self.offered(self.home).activities
            for held, end in Timeline([span for span in apart(activities) if span[2] in offered]).pieces(seconds):
                gold += [held or in_gap] * (end - len(gold))
            moments = [EPOCH + timedelta(0, second) for second in seconds]
            columns = Columns(moments, [one[-1] for one in timed], gold, [()] * len(timed))
            return self.cut.sessions(self.name, moments, columns)

    def _home(self, found: Collection[str]) -> HomeConfig:
        """The home with the rooms of the sensors that the file has, unless home.rooms says them."""
        rooms = rooms_of((sensor.room, sensor.name) for key, sensor in self.sensors.items() if key in found)
        return replace(self.offered(self.home), rooms=self.home.rooms or rooms)


class _Read(NamedTuple):
    """What the files hold: intervals and their lines."""

    folder: Path
    reader: TableReader
    sensors: Mapping[tuple[int, int, str], int]
    activities: Mapping[tuple[int, int, int], int]
