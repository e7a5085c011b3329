"""MuRAL (Chen, Cumin, Ramparany, Vaufreydaz, 2025): the official release, unpacked or as the zip file it comes in.

    sensors.json       a list of {"sensor name", "sensor type", "sensor location"}
    activities.json    a list of {"id", "name"}
    01/data.csv        uid,time,sensor,action,Subject,Description,activity

Activities and rooms are read from the user's own files. An event's text is "<sensor> <action>"; it never contains what the
residents narrated (Description) or who they are (Subject).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar, NamedTuple

from har_llm.common.checks import require
from har_llm.common.errors import ConfigError, DataError, MissingError
from har_llm.common.notices import Notice, Notices
from har_llm.common.numbers import counted
from har_llm.common.paths import expanded
from har_llm.data.datasets.archives import ArchiveReader
from har_llm.data.datasets.base import ReleaseConfig, activity_number, events_in, where_it_is
from har_llm.data.datasets.files import shown
from har_llm.data.datasets.mural_sensors import Sensor, SensorNames, rooms_of_sensors
from har_llm.data.datasets.mural_times import SessionClock, second_of_day
from har_llm.data.datasets.mural_windows import Row, RowCounts, Variant, compared
from har_llm.data.records import DAY_SECONDS, Event, Recordings, Session, time_of_day

COLUMNS = ("uid", "time", "sensor", "action", "Subject", "Description", "activity")
SENSOR_KEYS = ("sensor name", "sensor type", "sensor location")
SENSORS, ACTIVITIES, EVENTS = "sensors.json", "activities.json", "data.csv"
HOME_PAGE = "https://mural.imag.fr/"
FOLDER = "mural"
OTHER_PLACES = ("MuRAL", "MuRAL.zip")
"""Names of the download, tried if the usual folder is missing."""
SESSION = re.compile(r"[0-9]{1,4}")
NUMBER = re.compile(r"([0-9]{1,9})(?:\.0+)?")
"""An activity's id, also as a spreadsheet or data frame writes it that has the column for decimal numbers."""
ROW_START = re.compile(r'"?[0-9]+"?,"?[0-9]{1,2}:[0-9]{2}')
SENSOR_NAMES = ("long", "short")
ANNOTATION_ROWS = ("dropped", "kept")


RELEASE_COUNTS = ("sessions", "events", "annotation_rows", "sensors", "activities")


@dataclass(kw_only=True)
class Mural(ReleaseConfig):
    """The MuRAL release in a folder or a zip file of the user's."""

    COUNTED: ClassVar[tuple[str, ...]] = (*RELEASE_COUNTS, "training_windows")
    folder: str = FOLDER
    """A folder or a zip file, below paths.data or absolute, with or without the inner MuRAL/. If there is no mural, MuRAL
    and MuRAL.zip are tried."""
    sensor_names: str = "long"
    """long: as sensors.json writes them out; short: as data.csv has them."""
    short_words: dict[str, str] = field(default_factory=dict)
    """How data.csv shortens words of sensors.json; it also leaves out a last word "sensor"."""
    locations: dict[str, str] = field(default_factory=dict)
    """The room of a location of sensors.json, where its words do not say it."""
    actions: list[str] = field(default_factory=list)
    """All actions of sensors."""
    annotation_rows: str = "dropped"
    """Rows without a sensor, which hold a narration only: dropped, or kept as events with the text `annotation_text`."""
    annotation_text: str = ""
    reorder_seconds: int = 60
    """A row may be this many seconds earlier than the row above; it is then put in order and counted. A larger step back is
    a fault; one of more than 12 hours means that midnight has passed, because times have no date."""

    def check(self) -> None:
        if self.home.activities:
            raise ConfigError(f"dataset.home.activities must be empty: MuRAL's activities come from its {ACTIVITIES}.")
        # The null class and the definitions are compared with the activities once they are read.
        ReleaseConfig.check(replace(self, home=replace(self.home, null_class=[], definitions={})))
        require("dataset.sensor_names", self.sensor_names, SENSOR_NAMES)
        require("dataset.annotation_rows", self.annotation_rows, ANNOTATION_ROWS)
        if not self.actions:
            raise ConfigError("dataset.actions is empty; it must list every action that the files use.")
        if self.annotation_rows == "kept" and not self.annotation_text.strip():
            raise ConfigError("dataset.annotation_text is empty; it must be the text of an event without a sensor.")
        if not 0 <= self.reorder_seconds <= DAY_SECONDS // 2:
            raise ConfigError(f"dataset.reorder_seconds is {self.reorder_seconds}; it must be from 0 to {DAY_SECONDS // 2}.")

    def read(self, data: Path) -> Recordings:
        root, reader, sessions = self._read(data)
        if reader.faults:
            count = counted(reader.faults.total, "fault")
            raise DataError(f"MuRAL in {root} has {count}; mend the files or download them again:", reader.faults)
        rooms = self.home.rooms or rooms_of_sensors(reader.sensors, self.locations)
        filled = replace(self, home=replace(self.home, activities=reader.activities, rooms=rooms))
        repairs = [*reader.repairs, *self._differences(root, reader, sessions), *self._window_difference(root, reader)]
        recordings = filled.recordings(sessions, repairs)
        if self.annotation_rows == "dropped" and reader.annotation_rows:
            dropped = {"annotation rows": reader.annotation_rows, **recordings.dropped_events}
            return replace(recordings, dropped_events=dropped)
        return recordings

    def faults(self, data: Path) -> Notices:
        return self._read(data)[1].faults

    def _read(self, data: Path) -> tuple[Path, MuralReader, list[Session]]:
        root = self._find(data)
        reader = MuralReader(self)
        with reader.opened(root) as readable:
            return root, reader, reader.read(root) if readable else []

    def _find(self, data: Path) -> Path:
        """The folder or zip file that holds the release, perhaps in an inner folder."""
        usual = expanded(data / expanded(self.folder))
        others = [usual.with_name(name) for name in OTHER_PLACES] if self.folder == FOLDER else []
        for place in (usual, *others):
            if place.exists():
                download = place / OTHER_PLACES[1]
                unpacked = any((place / name).exists() for name in (SENSORS, ACTIVITIES, OTHER_PLACES[0], "01"))
                return download if download.is_file() and not unpacked else place
        raise MissingError(
            f"MuRAL is missing: there is no folder or zip file {str(usual)!r}. Download MuRAL.zip from {HOME_PAGE} (it need "
            f"not be unpacked) and set {where_it_is(self.folder)}."
        )

    def _differences(self, root: Path, reader: MuralReader, sessions: Sequence[Session]) -> Iterator[Notice]:
        rows = reader.annotation_rows
        found = (len(sessions), self._events(reader, sessions), rows, len(reader.sensors), self._activities(reader))
        remark = f"dataset.annotation_rows={self.annotation_rows}; such rows: {rows}"
        return self.differences(root, HOME_PAGE, dict(zip(RELEASE_COUNTS, found, strict=True)), {"events": remark})

    def _events(self, reader: MuralReader, sessions: Sequence[Session]) -> int:
        """Events to compare with the release's known number, which does not count annotation rows."""
        events = events_in(sessions)
        of_sensors = events - (reader.annotation_rows if self.annotation_rows == "kept" else 0)
        return of_sensors if of_sensors == self.expected.get("events") else events

    def _activities(self, reader: MuralReader) -> int:
        """Both with and without "others": the release's documentation does not say whether that is one of its 26."""
        named = len(set(reader.activities) - set(reader.null_class))
        return named if named == self.expected.get("activities") else len(reader.activities)

    def _window_difference(self, root: Path, reader: MuralReader) -> Iterator[Notice]:
        """A notice where the paper's own protocol gives another number of training windows than the paper has."""
        known, training = self.expected.get("training_windows"), self.paper_split.get(len(reader.row_counts))
        if known is None or training is None:  # the split of a copy with other sessions is not the paper's
            return
        variant = Variant(self.annotation_rows, "dropped" if self.null_class == "dropped" else "label", 1)
        message = compared(reader.row_counts[:training], variant, known)
        if message is not None:
            kind = f"training windows differ from the paper's {known:,}"
            yield Notice(str(root), None, kind, f"{message}; the paper has {known:,}")


class Said(NamedTuple):
    """What a row says beside its time."""

    row: Row
    text: str = ""
    activities: tuple[int, ...] = ()
    subjects: tuple[str, ...] = ()


class MuralReader(ArchiveReader):
    """Reads a whole release in one pass, whatever is wrong with it, and keeps what was wrong and what was repaired."""

    def __init__(self, settings: Mural):
        super().__init__()
        self.sensors: list[Sensor] = []
        self.activities: dict[int, str] = {}
        self.null_class: list[int] = []
        self.row_counts: list[RowCounts] = []
        """By session, in order."""
        self._settings = settings
        self._names = SensorNames((), {})
        self._reported: set[str] = set()
        self._said: dict[tuple[str, str, str, str], Said] = {}
        """By sensor, action, subjects and activity."""
        self._sensors_known = self._activities_known = False
        """False if their file has faults: a sensor or an activity that is not in it is then not reported as well."""

    def read(self, root: Path) -> list[Session]:
        release, folders = root, self.folders(root)
        inner = [folder for folder in folders if folder.name.lower() == FOLDER]
        if inner and not any(SESSION.fullmatch(folder.name) for folder in folders):
            release, folders = inner[0], self.folders(inner[0])
        self._read_sensors(release / SENSORS)
        self._read_activities(release / ACTIVITIES)
        sessions = sorted(self._sessions(folders), key=lambda folder: (int(folder.name), folder.name))
        if not sessions:
            self.fault(release, None, "no recordings", "there is no session in it; its folders must be 01, 02, ...")
        return [Session(folder.name, self._settings.name, self._events(folder / EVENTS)) for folder in sessions]

    @property
    def annotation_rows(self) -> int:
        return sum(count for rows in self.row_counts for row, count in rows.items() if row.is_annotation)

    def _sessions(self, folders: Sequence[Path]) -> Iterator[Path]:
        for folder in folders:
            if SESSION.fullmatch(folder.name):
                yield folder
            elif folder.name[0] not in "._":  # what operating systems leave behind, such as __MACOSX
                self.fault(folder, None, "folder name", "a session's folder must be 01, 02, ...; rename it or move it away")

    def _read_sensors(self, path: Path) -> None:
        faults = self.faults.total
        for number, item in self.items(path, SENSOR_KEYS):
            values = [" ".join(value.split()) if isinstance(value := item[key], str) else "" for key in SENSOR_KEYS]
            if all(values):
                self.sensors.append(Sensor(*values))
            else:
                rule = f"each of {', '.join(SENSOR_KEYS)} must be a non-empty string"
                self.fault(path, None, "wrong item", f"item {number} is {shown(str(item))}; {rule}")
        self._sensors_known = self.faults.total == faults
        self._names = SensorNames([sensor.name for sensor in self.sensors], self._settings.short_words)
        places = self._settings.locations
        self._rooms = {one.name: places[one.location] for one in self.sensors if one.location in places}

    def _read_activities(self, path: Path) -> None:
        faults = self.faults.total
        names = set[str]()
        for number, item in self.items(path, ("id", "name")):
            key, name = item["id"], " ".join(value.split()) if isinstance(value := item["name"], str) else ""
            if type(key) is not int or key < 0 or not name:
                rule = "id must be a whole number from 0, name a non-empty string"
                self.fault(path, None, "wrong item", f"item {number} is {shown(str(item))}; {rule}")
            elif key in self.activities or name in names:
                rule = "every activity needs its own id and name"
                self.fault(path, None, "activity twice", f"item {number}, {shown(str(item))}, repeats one above; {rule}")
            else:
                self.activities[key] = name
                names.add(name)
        self._activities_known = self.faults.total == faults
        home = self._settings.home
        self.null_class = [n for one in home.null_class if (n := activity_number(one, self.activities)) is not None]
        for setting, given in (("null_class", home.null_class), ("definitions", home.definitions)):
            for one in given:
                if self._activities_known and activity_number(one, self.activities) is None:
                    rule = f"dataset.home.{setting} must hold ids or names of this file; correct it"
                    self.fault(path, None, f"unknown {setting.replace('_', ' ')}", f"has no activity {one!r}; {rule}")

    def _events(self, path: Path) -> list[Event]:
        timed: list[tuple[int, Said]] = []
        clock = SessionClock(self._settings.reorder_seconds)
        rows: RowCounts = Counter()
        self.row_counts.append(rows)
        seen = set[tuple[str, ...]]()
        for line, fields in self.table(path, COLUMNS, ROW_START):
            if (row := tuple(fields)) in seen:
                self.repair(path, line, "event row twice", "is the same as a row above; kept, so it counts twice")
            seen.add(row)
            said = self._said_by(path, line, (fields[2], fields[3], fields[4], fields[6]))
            rows[said.row] += 1
            if said.row.is_annotation and self._settings.annotation_rows == "dropped":
                continue
            moment = self._moment(path, line, fields[1].strip(), clock)
            if moment is not None:
                timed.append((moment, said))
        timed.sort(key=lambda pair: pair[0])  # stable: rows of the same second keep the file's order
        return [
            Event(number, time_of_day(moment), said.text, said.activities, said.subjects)
            for number, (moment, said) in enumerate(timed)
        ]

    def _said_by(self, path: Path, line: int, fields: tuple[str, str, str, str]) -> Said:
        """What a row's sensor, action, subjects and activity say. Rows say the same again and again: it is found out once,
        unless there is something to tell of each row."""
        if (known := self._said.get(fields)) is not None:
            return known
        told = self.faults.total + len(self.repairs)
        sensor, action, subjects, activity = (value.strip() for value in fields)
        row = Row(is_annotation=not sensor, is_null=self._is_null(activity))
        if row.is_annotation and self._settings.annotation_rows == "dropped":
            return Said(row)
        text = self._text(path, line, sensor, action) if sensor else self._settings.annotation_text
        numbers = self._numbers(path, line, activity)
        said = Said(row, text, numbers, tuple(part.strip() for part in subjects.split(",") if part.strip()))
        if self.faults.total + len(self.repairs) == told:
            self._said[fields] = said
        return said

    def _text(self, path: Path, line: int, sensor: str, action: str) -> str:
        if action not in self._settings.actions:
            known = ", ".join(self._settings.actions)
            rule = f"dataset.actions knows {known}; add it there"
            self.fault(path, line, "unknown action" if action else "no action", f"action is {shown(action)}; {rule}")
        names = self._names.of(sensor)
        if len(names) != 1 and self._sensors_known:
            self._explain_sensor(path, line, sensor, names)
        if len(names) != 1:
            return f"{sensor} {action}"
        known = names[0] if self._settings.sensor_names == "long" else sensor
        return " ".join(filter(None, [self._rooms.get(names[0]), known, action]))

    def _explain_sensor(self, path: Path, line: int, sensor: str, names: Sequence[str]) -> None:
        like = names or self._names.like(sensor)
        if not like:
            rule = (
                f"{SENSORS} has no sensor of this name, written out or short; correct the name, or see dataset.short_words"
            )
            self.fault(path, line, "unknown sensor", f"sensor is {shown(sensor)}; {rule}")
        elif self._settings.sensor_names == "long" and sensor not in self._reported:
            self._reported.add(sensor)  # a property of the name, so reported once and not for each of its events
            rule = (
                f"it may be short for {' or '.join(like)} of {SENSORS}; kept as it is (set dataset.short_words to say which)"
            )
            self.repair(path, line, "sensor name kept short", f"sensor is {shown(sensor)}; {rule}")

    def _numbers(self, path: Path, line: int, activity: str) -> tuple[int, ...]:
        """The activities of a row: one, or several with commas between them."""
        if not activity and len(self.null_class) == 1:
            null = self.null_class[0]
            self.repair(path, line, "no activity", f"activity is empty; read as {null}, dataset.home.null_class")
            return (null,)
        numbers = activity_numbers(activity)
        found = [n for n in numbers if n is not None and (n in self.activities or not self._activities_known)]
        if len(found) != len(numbers):
            rule = f"it must be an id of {ACTIVITIES}, or several with commas between them"
            self.fault(path, line, "unknown activity", f"activity is {shown(activity)}; {rule}")
        return tuple(dict.fromkeys(found))

    def _is_null(self, activity: str) -> bool:
        return not activity or all(number in self.null_class for number in activity_numbers(activity))

    def _moment(self, path: Path, line: int, time: str, clock: SessionClock) -> int | None:
        second = second_of_day(time)
        if second is None:
            rule = "it must be a time of day, HH:MM:SS"
            self.fault(path, line, "unreadable time", f"time is {shown(time)}; {rule}")
            return None
        moment, back = clock.at(second)
        if back > self._settings.reorder_seconds:
            rule = "more than dataset.reorder_seconds, less than a passed midnight; put the rows in order"
            self.fault(path, line, "event out of order", f"time is {time}, {back} s before the row above; {rule}")
        elif back:
            self.repair(path, line, "event out of order", f"time is {time}, {back} s before the row above; put in order")
        return moment


def activity_numbers(activity: str) -> list[int | None]:
    """The numbers of one activity or of several with commas between them; None for what is no number."""
    parts = (part.strip() for part in activity.split(","))
    return [int(number[1]) if (number := NUMBER.fullmatch(part)) else None for part in parts]
