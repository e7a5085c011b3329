"""MARBLE's extra events, read only if the settings ask for them: the subjects' phone calls and locations.

    subject-<id>/smartphone.csv    event_id,event_status,ts       not there, or without rows, when the subject had no call
    subject-<id>/locations.csv     ts_start,ts_end,location       the subject's true location, in spans of time

A model is never told whose phone or location it is: the texts of the events come from the settings and name no subject.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from har_llm.data.datasets.marble_times import STATUSES, TimedReader
from har_llm.data.records import Event

PHONE, LOCATION = "phone", "location"
EXTRA_EVENTS = (PHONE, LOCATION)
FILES = {PHONE: "smartphone.csv", LOCATION: "locations.csv"}
WHERE = {
    PHONE: "the release has it for subjects who had a call",
    LOCATION: "the release has it for every subject",
}
PHONE_COLUMNS = ("event_id", "event_status", "ts")
LOCATION_COLUMNS = ("ts_start", "ts_end", "location")
RANKS = {LOCATION: 0, None: 1, PHONE: 2}
"""Order at the same millisecond; None: sensors. Locations come first, because one enters a room before opening its doors."""


@dataclass(kw_only=True)
class ExtraDescription:
    """What the home's description says about a kind of extra events while it is read."""

    text: str = ""
    instead_of: str = ""
    """Words of home.description that `text` replaces; empty if it is an addition."""


class ExtraEvent(NamedTuple):
    """An event before its subject's activity is looked up."""

    kind: str
    path: Path
    line: int
    moment: int
    text: str


class ExtraTexts(NamedTuple):
    """The texts of the extra events that are asked for."""

    asked: Sequence[str]
    """Kinds: PHONE, LOCATION."""
    phone: Mapping[str, Sequence[str]]
    """By event_id: when its status is ON and when it is OFF."""
    locations: Mapping[str, str]
    """By location: when it begins."""


class ExtraReader:
    """Reads the extra events that are asked for, subject by subject; faults and repairs go to the release's reader."""

    def __init__(self, reader: TimedReader, extras: ExtraTexts):
        self._reader = reader
        self._asked, self._phone, self._locations = extras
        self._found: Counter[str] = Counter()
        self._missing: list[Path] = []
        self._texts = {
            (key, status): text for key, texts in extras.phone.items() for status, text in zip(STATUSES, texts, strict=True)
        }

    def read(self, subject: Path) -> list[ExtraEvent]:
        """The extra events of a subject's folder, in no order yet."""
        events: list[ExtraEvent] = []
        for kind, events_of in ((LOCATION, self._arrivals), (PHONE, self._calls)):
            path = subject / FILES[kind]
            if kind not in self._asked:
                continue
            if _is_there(path):
                self._found[kind] += 1
                events += events_of(path)
            elif kind == LOCATION:
                self._missing.append(path)
        return events

    def report_missing(self, release: Path) -> None:
        """Report required files that are missing; if no subject has one of a kind, once for the whole release."""
        for kind in self._asked:
            if self._found[kind] == 0:
                message = (
                    f"dataset.extra_events asks for {kind}, and no subject's folder holds {FILES[kind]}; {_remedy(kind)}"
                )
                self._reader.fault(release, None, "missing file", message)
        if self._found[LOCATION]:
            for path in self._missing:
                self._reader.fault(path, None, "missing file", f"the file is missing; {_remedy(LOCATION)}")

    def _calls(self, path: Path) -> Iterator[ExtraEvent]:
        seen: set[tuple[int, str]] = set()
        previous = 0
        for line, (event, status, stamp) in self._reader.rows(path, PHONE_COLUMNS, may_have_none=True):
            text = self._texts.get((event, status))
            if text is None:
                self._explain(path, line, event, status)
            moment = self._reader.moment(path, line, stamp, PHONE_COLUMNS[2])
            if text is None or moment is None:
                continue
            if (moment, text) in seen:
                self._reader.repair(path, line, "phone row twice", "is the same as a row above; left out")
                continue
            if moment < previous:
                self._reader.repair(path, line, "phone row out of order", "is before the row above it; put in order")
            seen.add((moment, text))
            previous = moment
            yield ExtraEvent(PHONE, path, line, moment, text)

    def _explain(self, path: Path, line: int, event: str, status: str) -> None:
        if event not in self._phone:
            self._reader.unknown(path, line, "phone event", (PHONE_COLUMNS[0], event), "phone_events", self._phone)
        self._reader.check_status(path, line, status, PHONE_COLUMNS[1])

    def _arrivals(self, path: Path) -> Iterator[ExtraEvent]:
        """An event where a location begins. Its end is no event: the next location begins there."""
        spans = self._reader.spans(path, LOCATION_COLUMNS, LOCATION, self._locations)
        text, started, ends, latest = "", 0, 0, 0
        for (start, end, here), line in sorted(spans.items()):
            if here == text and start <= ends + 1:
                message = "goes on with the location of the row before it in time; no event of its own"
                self._reader.repair(path, line, "location goes on", message)
                ends = max(ends, end)
            elif start == started:
                rule = "a wearer is in one place at a time; correct ts_start"
                message = f"starts at {start}, as a row with another location does; {rule}"
                self._reader.fault(path, line, "contradicting locations", message)
            else:
                if start < latest:
                    message = f"starts at {start}, before another row has ended ({latest}); taken as a change of place"
                    self._reader.repair(path, line, "locations overlap", message)
                yield ExtraEvent(LOCATION, path, line, start, here)
                text, started, ends = here, start, end
            latest = max(latest, end)


class TimedEvent(NamedTuple):
    """An extra event with its activity, on its way to its place among the events of the sensors."""

    moment: int
    kind: str
    event: Event


def merged(moments: Sequence[int], events: Sequence[Event], extras: Sequence[TimedEvent]) -> Sequence[Event]:
    """Events of sensors (at `moments`) and extra events in order of time, with new ids.

    Events of the same millisecond are ordered by RANKS and then by their texts, never by subject, because that could tell
    who the subjects are. Events of sensors keep the order of their file.
    """
    if not extras:
        return events
    timed = [(moment, RANKS[None], "", event) for moment, event in zip(moments, events, strict=True)]
    timed += [(extra.moment, RANKS[extra.kind], extra.event.text, extra.event) for extra in extras]
    timed.sort(key=lambda item: item[:3])
    return [item[3]._replace(id=number) for number, item in enumerate(timed)]


def _is_there(path: Path) -> bool:
    """Also true if the system cannot say: reading the file then tells why."""
    try:
        return path.exists()
    except OSError:
        return True


def _remedy(kind: str) -> str:
    return f"{WHERE[kind]}: get it from there, or leave {kind} out of dataset.extra_events"
