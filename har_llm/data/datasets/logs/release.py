"""What the homes share that are logs: where they lie, what their sensors say, and how their labels become activities."""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import ClassVar, NamedTuple

from har_llm.common.errors import DataError, MissingError
from har_llm.common.notices import Notices
from har_llm.common.numbers import counted
from har_llm.common.paths import expanded
from har_llm.data.datasets.base import HomeConfig, activity_number, events_in, rooms_of
from har_llm.data.datasets.continuous import ContinuousRelease
from har_llm.data.datasets.files import without_collector
from har_llm.data.datasets.logs.log import Log
from har_llm.data.datasets.logs.reader import LogReader
from har_llm.data.datasets.logs.words import LoggedSensor, Words, check_sensors
from har_llm.data.records import Recordings, Session


@dataclass(kw_only=True)
class LogRelease(ContinuousRelease):
    """A home in a log, or in several: the files of a folder, each with sessions of its own.

    An event has the activities that are marked around it, the row with the mark included. If home.activities lists none but
    the null class, they are those of the file: its labels in alphabetical order, numbered from 1, whatever their case.
    """

    COUNTED: ClassVar[tuple[str, ...]] = (*ContinuousRelease.COUNTED, "rows")

    path: str = ""
    """A file, or a folder of files: below paths.data, or absolute, or from the working directory."""
    kinds: dict[str, dict[str, str]] = field(default_factory=dict)
    """What the values of a sensor mean, by its kind."""
    places: dict[str, str] = field(default_factory=dict)
    """The room, by the word that a sensor's name begins with."""
    sensors: dict[str, LoggedSensor] = field(default_factory=dict)
    """By id: sensors of which more is known than their id says."""
    left_out: list[str] = field(default_factory=list)
    """Sensors that are none: annotations in the form of one."""
    null_labels: list[str] = field(default_factory=list)
    """Labels that are as a gap, whatever their case: they say that nothing in particular was done."""

    def check(self) -> None:
        super().check()
        check_sensors(self.sensors)

    @property
    @abstractmethod
    def source(self) -> str:
        """Where users get it, as in "Download it from ..."."""

    @abstractmethod
    def reader(self, words: Words) -> LogReader:
        """A new reader of its files."""

    @abstractmethod
    def activity_name(self, label: str) -> str:
        """A label of the files as a prompt shows it."""

    def read(self, data: Path) -> Recordings:
        with without_collector():
            read = self._read(data)
            if read.reader.faults:
                count = counted(read.reader.faults.total, "fault")
                raise DataError(f"{self.name} in {read.place} has {count}; mend or replace the files:", read.reader.faults)
            home, numbers = self._labelled(read.logs)
            sessions = [session for log in read.logs for session in self._sessions(log, numbers, several=len(read.logs) > 1)]
        rooms = self.home.rooms or rooms_of(place for _, place in sorted(read.words.found.items()))
        filled = replace(self, home=replace(home, rooms=rooms))
        counts = {"events": events_in(sessions), "rows": sum(log.rows for log in read.logs), "sessions": len(sessions)}
        unpaired = [notice for log in read.logs for notice in log.unpaired()]
        differences = self.differences(read.place, "the release", counts, {})
        recordings = filled.recordings(sessions, [*read.reader.repairs, *unpaired, *differences])
        left_out = sum((log.left_out for log in read.logs), Counter[str]())
        return replace(recordings, dropped_events={**left_out, **recordings.dropped_events})

    def faults(self, data: Path) -> Notices:
        with without_collector():
            return self._read(data).reader.faults

    def _read(self, data: Path) -> _Read:
        place = self._find(data)
        words = Words(self.sensors, self.kinds, self.left_out)
        reader = self.reader(words)
        files = reader.files(place) if place.is_dir() else [place]
        logs = [reader.read(path, name) for path, name in zip(files, _names(files), strict=True)]
        if not reader.faults:
            self._check_events(place, reader, logs)
            self._check_labels(place, reader, logs)
        return _Read(place, reader, words, logs)

    def _find(self, data: Path) -> Path:
        wanted = expanded(self.path)
        places = list(dict.fromkeys([expanded(data / wanted), wanted])) if self.path else []
        for place in places:
            if place.exists():
                return place
        tried = " or ".join(repr(str(place)) for place in places)
        what = f"{self.name} is missing: there is no {tried}" if tried else "dataset.path is empty; it must name a log"
        raise MissingError(
            f"{what}. {self.source}, and set dataset.path to its file or folder, or paths.data or HAR_LLM_DATA to the "
            f"folder that it is below."
        )

    def _check_events(self, place: Path, reader: LogReader, logs: Sequence[Log]) -> None:
        if not any(log.said for log in logs):
            reasons = ", ".join(f"{count:,} x {reason}" for log in logs for reason, count in log.left_out.items())
            rule = "compare the file with the dataset's form, or set dataset.kinds and dataset.sensors"
            reader.fault(place, None, "no events", f"no row is an event ({reasons or 'there are no rows'}); {rule}")

    def _check_labels(self, place: Path, reader: LogReader, logs: Sequence[Log]) -> None:
        """Add a fault for each label that home.activities, where it lists activities, does not have."""
        known = {name.casefold() for name in self.home.activities.values()}
        for label in self._labels(logs) if self._lists_activities() else ():
            if self.activity_name(label).casefold() not in known:
                rule = f"dataset.home.activities lists {', '.join(self.home.activities.values())}; add it there"
                reader.fault(place, None, "unknown label", f"has the label {label!r}; {rule}")

    def _lists_activities(self) -> bool:
        return bool(set(self.home.activities) - self.null_numbers())

    def _labels(self, logs: Iterable[Log]) -> list[str]:
        """The labels of activities, in alphabetical order."""
        found, null = {label for log in logs for label in log.all_labels()}, {label.casefold() for label in self.null_labels}
        return sorted(label for label in found if label.casefold() not in null)

    def _labelled(self, logs: Sequence[Log]) -> tuple[HomeConfig, Mapping[str, int]]:
        """The home with its activities, and their numbers by label; a label of none that is offered has no number."""
        home, labels = self.home, self._labels(logs)
        if not self._lists_activities():
            home = replace(home, activities={**self._of_the_file(labels), **home.activities})
        home = self.offered(home)
        found = {label: activity_number(self.activity_name(label), home.activities) for label in labels}
        return home, {label: number for label, number in found.items() if number is not None}

    def _of_the_file(self, labels: Iterable[str]) -> Mapping[int, str]:
        """The activities that labels name, whatever their case, by the lowest numbers that are free."""
        names = dict[str, str]()
        for name in map(self.activity_name, labels):
            if activity_number(name, self.home.activities) is None:
                names.setdefault(name.casefold(), name)
        return dict(zip((number for number in count(1) if number not in self.home.activities), names.values(), strict=False))

    def _sessions(self, log: Log, numbers: Mapping[str, int], *, several: bool) -> Iterable[Session]:
        """A file without any label is unlabelled, not full of gaps."""
        in_gap = self.in_gap if log.all_labels() else ()
        for session in log.sessions(self.name, self.cut, numbers, in_gap):
            name = log.name if self.cut.at == "none" else f"{log.name}/{session.id}"
            yield replace(session, id=name) if several else session


class _Read(NamedTuple):
    """What the files hold."""

    place: Path
    reader: LogReader
    words: Words
    logs: list[Log]


def _names(files: Sequence[Path]) -> list[str]:
    """Those of the files without their endings; with them where two have the same without (p01.t1 and p01.t2)."""
    stems = [path.stem for path in files]
    return stems if len(set(stems)) == len(stems) else [path.name for path in files]
