"""Reads MARBLE's real release: its events and their activities.

    <scenario>/instance<N>/environmental.csv               sensor_id,sensor_status,ts,subject_id
    <scenario>/instance<N>/subject-<id>/labels.csv         ts_start,ts_end,act

Times are UNIX milliseconds. An event's activity is that of its own subject at its time. A subject's smartphone.csv and
locations.csv are read where extra events are asked for (see marble_extras); the inertial sensors never are. A million events
must load in seconds: the loop over events does a handful of dictionary look-ups; slower code runs only to explain faults.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

from har_llm.data.datasets.base import SensorInWords
from har_llm.data.datasets.files import shown
from har_llm.data.datasets.marble_extras import ExtraReader, ExtraTexts, TimedEvent, merged
from har_llm.data.datasets.marble_times import STATUSES, SubjectTimeline, TimedReader, local_time, milliseconds
from har_llm.data.records import Event, Session

UNPACKED = ("marble", "dataset")
"""The folders, in any case, that the download unpacks to: MARBLE/dataset/A1a and so on."""
SCENARIO = re.compile(r"[A-Z][1-9](?:mae|[mae])")
INSTANCE = re.compile(r"instance[1-9][0-9]*")
NUMBER = re.compile(r"([0-9]+)")
SUBJECT = "subject-"
LABELS = "labels.csv"
EVENT_COLUMNS = ("sensor_id", "sensor_status", "ts", "subject_id")
LABEL_COLUMNS = ("ts_start", "ts_end", "act")


class MarbleReader(TimedReader):
    """Reads a whole release in one pass, whatever is wrong with it, and keeps what was wrong and what was repaired."""

    def __init__(self, sensors: Mapping[str, SensorInWords], labels: Mapping[str, int], zone: ZoneInfo, extras: ExtraTexts):
        super().__init__()
        self.environmental_events = 0
        """How many of the events are from environmental.csv: what the release's known count is about."""
        self._sensors = sensors
        self._labels = labels
        self._zone = zone
        self._extras = ExtraReader(self, extras)
        self._texts = {
            (key, status): f"{sensor.room} {sensor.name} {word}"
            for key, sensor in sensors.items()
            for status, word in zip(STATUSES, sensor.states, strict=True)
        }

    def read(self, folder: Path) -> list[Session]:
        release, folders = folder, self.folders(folder)
        for name in UNPACKED:
            inner = [one for one in folders if one.name.lower() == name]
            if inner and not any(SCENARIO.fullmatch(one.name) for one in folders):
                release, folders = inner[0], self.folders(inner[0])
        sessions = []
        scenarios = self._named(release, folders, SCENARIO, "letter, number of subjects and period, such as A1a or D4mae")
        for scenario in scenarios:
            for instance in self._named(scenario, self.folders(scenario), INSTANCE, "instance1, instance2, ..."):
                number = instance.name.removeprefix("instance")
                sessions.append(Session(f"{scenario.name}/{number}", scenario.name, self._events(instance)))
        if sessions:
            self._extras.report_missing(release)
        return sessions

    def _named(self, parent: Path, folders: Sequence[Path], form: re.Pattern[str], meaning: str) -> list[Path]:
        """The parent's folders whose names have the form, in order of the numbers in them."""
        found = []
        for folder in folders:
            if form.fullmatch(folder.name):
                found.append(folder)
            elif folder.name[0] not in "._":  # what operating systems leave behind, such as __MACOSX
                self.fault(folder, None, "folder name", f"the folder's name must be {meaning}; rename it or move it away")
        if not found:
            self.fault(parent, None, "no recordings", f"there is no folder in it; its folders must be {meaning}")
        return sorted(found, key=_by_number)

    def _events(self, instance: Path) -> Sequence[Event]:
        subjects = {folder: self._timeline(folder) for folder in self.folders(instance) if folder.name.startswith(SUBJECT)}
        by_id = {folder.name.removeprefix(SUBJECT): timeline for folder, timeline in subjects.items()}
        moments, events = self._environmental(instance / "environmental.csv", by_id)
        self.environmental_events += len(events)
        extras = [timed for folder, timeline in subjects.items() for timed in self._extra_events(folder, timeline)]
        return merged(moments, events, extras)

    def _timeline(self, subject: Path) -> SubjectTimeline:
        faults = self.faults.total
        spans = self.spans(subject / LABELS, LABEL_COLUMNS, "label", self._labels)
        return SubjectTimeline(subject.name.removeprefix(SUBJECT), list(spans), complete=self.faults.total == faults)

    def _environmental(self, path: Path, timelines: Mapping[str, SubjectTimeline]) -> tuple[list[int], list[Event]]:
        """The events of the sensors and when they were, in UNIX milliseconds."""
        moments: list[int] = []
        events: list[Event] = []
        previous, seen = 0, set[tuple[str, ...]]()
        for line, fields in self.rows(path, EVENT_COLUMNS):
            sensor, status, stamp, subject = fields
            text, moment, timeline = self._texts.get((sensor, status)), milliseconds(stamp), timelines.get(subject)
            if text is None or moment is None or timeline is None:
                moment = self._explain(path, line, fields, timelines)
                activities: tuple[int, ...] = ()
            else:
                activities = timeline.at(moment)
                if len(activities) == 1:
                    moments.append(moment)
                    events.append(Event(len(events), local_time(moment, self._zone), text, activities, timeline.subjects))
                elif activities:
                    self._contradicting(path, line, timeline, moment)
                elif timeline.complete:
                    rule = "every event needs the activity of its subject"
                    self.fault(path, line, "no label", f"{_labels_of(timeline)} has no activity at {moment}; {rule}")
            if moment is None:
                continue
            if moment < previous:
                rule = f"ts is {moment}, before {previous} in the row above; rows must be in order of time"
                self.fault(path, line, "event out of order", rule)
            elif moment > previous:
                seen = set()
            elif tuple(fields) in seen:
                self.repair(path, line, "event row twice", "is the same as a row above; kept, so it counts twice")
            seen.add(tuple(fields))
            previous = moment
        return moments, events

    def _extra_events(self, subject: Path, timeline: SubjectTimeline) -> Iterator[TimedEvent]:
        """The subject's extra events with its activities.

        Labels leave gaps of milliseconds, some of seconds, between two activities. No sensor's event of the release falls
        into one, but a location may begin there. Such an event is kept, as gold must not decide what a model is shown; it is
        unlabelled, as nobody has said what it was.
        """
        for extra in self._extras.read(subject):
            activities = timeline.at(extra.moment)
            if len(activities) > 1:
                self._contradicting(extra.path, extra.line, timeline, extra.moment)
                continue
            if not activities and timeline.complete:
                message = f"{_labels_of(timeline)} has no activity at {extra.moment}; kept, unlabelled"
                self.repair(extra.path, extra.line, f"{extra.kind} event without an activity", message)
            event = Event(0, local_time(extra.moment, self._zone), extra.text, activities, timeline.subjects)
            yield TimedEvent(extra.moment, extra.kind, event)

    def _explain(self, path: Path, line: int, fields: Sequence[str], timelines: Mapping[str, SubjectTimeline]) -> int | None:
        """Say everything that is wrong with an event's row; return its time, where that can be read."""
        sensor, status, stamp, subject = fields
        if sensor not in self._sensors:
            self.unknown(path, line, "sensor", (EVENT_COLUMNS[0], sensor), "sensors", self._sensors)
        self.check_status(path, line, status, EVENT_COLUMNS[1])
        if subject not in timelines:
            rule = f"there must be a folder {SUBJECT}<id> with the labels of every subject_id, beside this file"
            self.fault(path, line, "unknown subject", f"subject_id is {shown(subject)}; {rule}")
        return self.moment(path, line, stamp, EVENT_COLUMNS[2])

    def _contradicting(self, path: Path, line: int, timeline: SubjectTimeline, moment: int) -> None:
        if timeline.complete:
            held = " and ".join(map(str, timeline.at(moment)))
            rule = f"{_labels_of(timeline)} has activities {held} at {moment}; a subject must have one at a time"
            self.fault(path, line, "contradicting labels", rule)


def _labels_of(timeline: SubjectTimeline) -> str:
    return f"{SUBJECT}{timeline.subjects[0]}/{LABELS}"


def _by_number(folder: Path) -> list[tuple[int, str]]:
    """A sort key that puts instance2 before instance10."""
    return [(int(part), "") if part.isdigit() else (0, part) for part in NUMBER.split(folder.name)]
