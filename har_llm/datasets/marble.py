"""MARBLE (Arrotta, Bettini, Civitarese, 2021): the environmental events of its real release and their activities.

    <scenario>/instance<N>/environmental.csv               sensor_id,sensor_status,ts,subject_id
    <scenario>/instance<N>/subject-<id>/labels.csv         ts_start,ts_end,act

Times are UNIX milliseconds. An event's activity is that of its own subject at its time. Whatever else lies in the folders
(phone, locations, inertial sensors) is not read. A million events must load in seconds: the loop over events does a
handful of dictionary look-ups, and goes the slow way round only to explain what is wrong with a row.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

from har_llm.datasets.base import ReleaseConfig, events_in
from har_llm.datasets.files import FileReader, shown, spellings, unquoted, without_collector
from har_llm.errors import ConfigError, DataError, MissingError
from har_llm.paths import expanded
from har_llm.records import Event, Notice, Recordings, Session

SCENARIO = re.compile(r"[A-Z][1-9](?:mae|[mae])")
INSTANCE = re.compile(r"instance[1-9][0-9]*")
NUMBER = re.compile(r"([0-9]+)")
SUBJECT = "subject-"
EVENT_COLUMNS = ("sensor_id", "sensor_status", "ts", "subject_id")
LABEL_COLUMNS = ("ts_start", "ts_end", "act")
STATUSES = ("ON", "OFF")
TIME_DIGITS = 13
"""UNIX milliseconds have 13 digits from 2001 to 2286; UNIX seconds, an easy mistake, have 10."""
OFFSET_SECONDS = 900
"""A time zone's UTC offset changes on a quarter of an hour only, so it is looked up once for each."""


@dataclass(kw_only=True)
class MarbleSensor:
    """A sensor in words: "<room> <name> <state>" is the text of its events."""

    room: str
    name: str
    states: list[str]
    """What its ON and its OFF mean, such as [OPENED, CLOSED]."""


@dataclass(kw_only=True)
class Marble(ReleaseConfig):
    """The MARBLE release in a folder of the user's."""

    folder: str = "marble"
    """Below paths.data, or absolute."""
    timezone: str = "Europe/Rome"
    """Where the recordings were made: what HH:mm:ss of an event means."""
    sensors: dict[str, MarbleSensor] = field(default_factory=dict)
    """By sensor_id of environmental.csv."""
    labels: dict[str, int] = field(default_factory=dict)
    """By act of labels.csv: the number of the activity."""

    def check(self) -> None:
        super().check()
        self._zone()
        for setting, value in (("sensors", self.sensors), ("labels", self.labels)):
            if not value:
                raise ConfigError(f"dataset.{setting} is empty; it must list every one that the files use.")
        for key, sensor in self.sensors.items():
            if sensor.room not in self.home.rooms:
                raise ConfigError(f"dataset.sensors.{key}.room is {sensor.room!r}, which dataset.home.rooms does not list.")
            if len(sensor.states) != len(STATUSES):
                raise ConfigError(f"dataset.sensors.{key}.states is {sensor.states}; it must be [ON word, OFF word].")
        for label, number in self.labels.items():
            if number not in self.home.activities:
                raise ConfigError(f"dataset.labels.{label} is {number}, which dataset.home.activities does not list.")

    def read(self, data: Path) -> Recordings:
        folder, reader, sessions = self._read(data)
        if reader.faults:
            count = f"{len(reader.faults)} fault{'s' if len(reader.faults) > 1 else ''}"
            raise DataError(f"MARBLE in {folder} has {count}; mend or replace the files:", reader.faults)
        counts = {"sessions": len(sessions), "events": events_in(sessions)}
        remark = "a scenario's number of sessions decides which are for training, so a partial copy is divided otherwise"
        differences = self.differences(folder, "the EveryWare Lab's release", counts, {"sessions": remark})
        return self.recordings(sessions, [*reader.repairs, *differences])

    def faults(self, data: Path) -> list[Notice]:
        return self._read(data)[1].faults

    def _read(self, data: Path) -> tuple[Path, MarbleReader, list[Session]]:
        folder = expanded(data / expanded(self.folder))
        if not folder.is_dir():
            raise MissingError(
                f"MARBLE is missing: there is no folder {str(folder)!r}. Download MARBLE from the EveryWare Lab (University "
                f"of Milan) and set paths.data or HAR_LLM_DATA to the folder that holds {self.folder}/."
            )
        reader = MarbleReader(self.sensors, self.labels, self._zone())
        with without_collector():
            return folder, reader, reader.read(folder)

    def _zone(self) -> ZoneInfo:
        try:
            return ZoneInfo(self.timezone)
        except (KeyError, ValueError, OSError):  # KeyError: ZoneInfoNotFoundError; the others: no name of a zone at all
            raise ConfigError(
                f"dataset.timezone is {self.timezone!r}, which is not known here; it must be an IANA name such as "
                "Europe/Rome (where a system has no time zones, `pip install tzdata` brings them)."
            ) from None


class MarbleReader(FileReader):
    """Reads a whole release in one pass, whatever is wrong with it, and keeps what was wrong and what was repaired."""

    def __init__(self, sensors: Mapping[str, MarbleSensor], labels: Mapping[str, int], zone: ZoneInfo):
        super().__init__()
        self._sensors = sensors
        self._labels = labels
        self._clock = LocalClock(zone)
        self._texts: dict[tuple[str, str], str] = {}
        for key, sensor in sensors.items():
            for status, word in zip(STATUSES, sensor.states, strict=True):
                text = f"{sensor.room} {sensor.name} {word}"
                self._texts.update({(k, s): text for k in spellings(key) for s in spellings(status)})

    def read(self, folder: Path) -> list[Session]:
        sessions = []
        for scenario in self._folders(folder, SCENARIO, "letter, number of subjects and period, such as A1a or D4mae"):
            for instance in self._folders(scenario, INSTANCE, "instance1, instance2, ..."):
                number = instance.name.removeprefix("instance")
                events = self._events(instance / "environmental.csv", self._timelines(instance))
                sessions.append(Session(f"{scenario.name}/{number}", scenario.name, events))
        return sessions

    def _folders(self, parent: Path, form: re.Pattern[str], meaning: str) -> list[Path]:
        """The parent's folders whose names have the form, in order of the numbers in them."""
        found = []
        for folder in self.folders(parent):
            if form.fullmatch(folder.name):
                found.append(folder)
            elif folder.name[0] not in "._":  # what operating systems leave behind, such as __MACOSX
                self.fault(folder, None, "folder name", f"the folder's name must be {meaning}; rename it or move it away")
        if not found:
            self.fault(parent, None, "no recordings", f"there is no folder in it; its folders must be {meaning}")
        return sorted(found, key=_by_number)

    def _timelines(self, instance: Path) -> dict[str, Timeline]:
        """The activities of each subject, by its id as environmental.csv may spell it."""
        timelines = {}
        for folder in self.folders(instance):
            if folder.name.startswith(SUBJECT):
                subject = folder.name.removeprefix(SUBJECT)
                timelines.update(dict.fromkeys(spellings(subject), self._timeline(folder / "labels.csv", subject)))
        return timelines

    def _timeline(self, path: Path, subject: str) -> Timeline:
        """The release has duplicated rows, rows out of order and rows that end before they start; those are repaired."""
        spans: dict[tuple[int, int, int], None] = {}
        faults = len(self.faults)
        previous = 0
        for line, fields in self.rows(path, LABEL_COLUMNS):
            span = self._span(path, line, fields)
            if span is None:
                continue
            start, end, _ = span
            if end < start:
                self.repair(path, line, "label ends before it starts", f"ends at {end}, before its start {start}; left out")
            elif span in spans:
                self.repair(path, line, "label row twice", "is the same as a row above; left out")
            elif start < previous:
                self.repair(path, line, "label row out of order", "starts before the row above it; put in order")
            if end >= start:
                spans[span] = None
            previous = start
        return Timeline(subject, list(spans), complete=len(self.faults) == faults)

    def _span(self, path: Path, line: int, fields: Sequence[str]) -> tuple[int, int, int] | None:
        start, end = (self._moment(path, line, value, name) for value, name in zip(fields, LABEL_COLUMNS[:2], strict=False))
        label = unquoted(fields[2])
        number = self._labels.get(label)
        if number is None:
            known = ", ".join(self._labels)
            self.fault(path, line, "unknown label", f"act is {shown(label)}; dataset.labels knows {known}; add it there")
        return None if start is None or end is None or number is None else (start, end, number)

    def _events(self, path: Path, timelines: Mapping[str, Timeline]) -> list[Event]:
        events: list[Event] = []
        texts, clock = self._texts, self._clock
        previous = 0
        for line, fields in self.rows(path, EVENT_COLUMNS):
            sensor, status, stamp, subject = fields
            text, moment, timeline = texts.get((sensor, status)), milliseconds(stamp), timelines.get(subject)
            if text is None or moment is None or timeline is None:
                moment = self._explain(path, line, fields, timelines)
                activities: tuple[int, ...] = ()
            else:
                activities = timeline.at(moment)
                if len(activities) == 1:
                    events.append(Event(len(events), clock.at(moment), text, activities, timeline.subjects))
                elif timeline.complete:
                    self._unlabelled(path, line, subject, moment, activities)
            if moment is not None:
                if moment < previous:
                    rule = f"ts is {moment}, before {previous} in the row above; rows must be in order of time"
                    self.fault(path, line, "event out of order", rule)
                previous = moment
        return events

    def _explain(self, path: Path, line: int, fields: Sequence[str], timelines: Mapping[str, Timeline]) -> int | None:
        """Say everything that is wrong with an event's row; return its time, where that can be read."""
        sensor, status, _, subject = map(unquoted, fields)
        if sensor not in self._sensors:
            known = ", ".join(self._sensors)
            self.fault(
                path, line, "unknown sensor", f"sensor_id is {shown(sensor)}; dataset.sensors knows {known}; add it there"
            )
        if status not in STATUSES:
            self.fault(path, line, "unknown status", f"sensor_status is {shown(status)}; it must be ON or OFF")
        if fields[3] not in timelines:
            rule = f"there must be a folder {SUBJECT}<id> with the labels of every subject_id, beside this file"
            self.fault(path, line, "unknown subject", f"subject_id is {shown(subject)}; {rule}")
        return self._moment(path, line, fields[2], EVENT_COLUMNS[2])

    def _unlabelled(self, path: Path, line: int, subject: str, moment: int, activities: tuple[int, ...]) -> None:
        place = f"{SUBJECT}{unquoted(subject)}/labels.csv"
        if activities:
            held = " and ".join(map(str, activities))
            rule = f"{place} has activities {held} at {moment}; a subject must have one at a time"
            self.fault(path, line, "contradicting labels", rule)
        else:
            rule = f"{place} has no activity at {moment}; every event needs the activity of its subject"
            self.fault(path, line, "no label", rule)

    def _moment(self, path: Path, line: int, value: str, column: str) -> int | None:
        moment = milliseconds(value)
        if moment is None:
            rule = f"it must be UNIX milliseconds, {TIME_DIGITS} digits"
            self.fault(path, line, "unreadable time", f"{column} is {shown(unquoted(value))}; {rule}")
        return moment


class Timeline:
    """What a subject does when: the spans of its labels, both ends included, cut where anything changes."""

    def __init__(self, subject: str, spans: Sequence[tuple[int, int, int]], *, complete: bool):
        self.subjects = (subject,)
        self.complete = complete
        """False where labels.csv has faults: an event without a label is then no news."""
        self._starts = [0]
        self._held: list[tuple[int, ...]] = [()]
        changes = [(start, 1, number) for start, _, number in spans] + [(end + 1, -1, number) for _, end, number in spans]
        running: Counter[int] = Counter()
        for moment, change, number in sorted(changes):
            running[number] += change
            if moment != self._starts[-1]:
                self._starts.append(moment)
                self._held.append(())
            self._held[-1] = tuple(sorted(n for n, count in running.items() if count))

    def at(self, moment: int) -> tuple[int, ...]:
        """The activities at a time, all different: one, or none, or several where labels contradict each other."""
        return self._held[bisect_right(self._starts, moment) - 1]


class LocalClock:
    """UNIX milliseconds -> HH:mm:ss in a time zone."""

    def __init__(self, zone: ZoneInfo):
        self._zone = zone
        self._offsets: dict[int, int] = {}

    def at(self, moment: int) -> str:
        second = moment // 1000
        offset = self._offsets.get(second // OFFSET_SECONDS)
        if offset is None:
            offset = self._offset(second // OFFSET_SECONDS)
        return time_of_day((second + offset) % 86400)

    def _offset(self, quarter: int) -> int:
        shift = datetime.fromtimestamp(quarter * OFFSET_SECONDS, self._zone).utcoffset()
        offset = self._offsets[quarter] = int(shift.total_seconds()) if shift else 0
        return offset


@cache
def time_of_day(second: int) -> str:
    """HH:mm:ss; at most 86,400 texts, shared by all events."""
    return f"{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}"


def _by_number(folder: Path) -> list[tuple[int, str]]:
    """A sort key that puts instance2 before instance10."""
    return [(int(part), "") if part.isdigit() else (0, part) for part in NUMBER.split(folder.name)]


def milliseconds(value: str) -> int | None:
    if len(value) != TIME_DIGITS:
        value = unquoted(value)
    if len(value) == TIME_DIGITS and value.isascii() and value.isdigit():
        return int(value)
    return None
