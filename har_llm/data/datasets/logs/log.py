"""What a log says: events in order, the activities marked among them, and what was left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple, TypeVar

from har_llm.common.notices import Notice
from har_llm.data.datasets.logs.words import NO_CROSSING
from har_llm.data.datasets.numeric import Readings
from har_llm.data.datasets.sessions import Columns, Cut
from har_llm.data.datasets.timeline import Timeline
from har_llm.data.records import Session

T = TypeVar("T")


class Marks:
    """Spans of activities between a mark that one begins and the next mark that it ends. Places are those of events."""

    def __init__(self) -> None:
        self.spans: list[tuple[int, int, str]] = []
        """Place of the first and of the last event, and the label."""
        self.unpaired: list[tuple[str, int, str]] = []
        """Path, line and message of marks that have no other half; they label nothing."""
        self._open: dict[str, tuple[int, str, int]] = {}

    def begin(self, label: str, place: int, path: Path, line: int) -> None:
        if label in self._open:
            self._unpaired(label, "begins again before it has ended; the earlier beginning labels nothing")
        self._open[label] = (place, str(path), line)

    def end(self, label: str, place: int, path: Path, line: int) -> None:
        start, *_ = self._open.pop(label, (None,))
        if start is None:
            self.unpaired.append((str(path), line, f"{label} ends and has not begun; the mark labels nothing"))
        elif start <= place:
            self.spans.append((start, place, label))

    def close(self) -> None:
        """At the end of a file."""
        for label in list(self._open):
            self._unpaired(label, "begins and never ends; the mark labels nothing")

    def _unpaired(self, label: str, what: str) -> None:
        _, path, line = self._open.pop(label)
        self.unpaired.append((path, line, f"{label} {what}"))


class Row(NamedTuple):
    """What a row says behind its time."""

    text: str | None
    """Of an event; None for a row that is none."""
    labels: tuple[str, ...] = ()
    """Of this event alone, beside those between marks."""
    subjects: tuple[str, ...] = ()
    left_out: str = ""
    """Why it is no event, if the settings are the reason."""
    more: More | None = None
    """None for most rows, which say the same wherever they stand."""

    def all_labels(self) -> tuple[str, ...]:
        return (*self.labels, *(self.more.begins + self.more.ends if self.more else ()))


class More(NamedTuple):
    """What a row says that depends on the rows above it."""

    readings: Readings | None = None
    reading: float = 0
    begins: tuple[str, ...] = ()
    ends: tuple[str, ...] = ()


TEXT, SUBJECTS, MORE = itemgetter(0), itemgetter(2), itemgetter(4)
"""Of a row."""


@dataclass
class Log:
    """One file's events. The lists are as long as there are events."""

    name: str
    """Of the recording."""
    moments: list[datetime] = field(default_factory=list)
    said: list[Row] = field(default_factory=list)
    lines: dict[int, int] = field(default_factory=dict)
    """Of rows that depend on those before them, by their place, until that is settled."""
    set_back: dict[int, datetime] = field(default_factory=dict)
    """Where a clock was set back: the latest time above an event, by its place; it puts it in order in place of its own."""
    marks: Marks = field(default_factory=Marks)
    left_out: Counter[str] = field(default_factory=Counter)
    """Rows that are no event, by reason."""
    rows: int = 0

    def all_labels(self) -> set[str]:
        return {label for labels in {row.labels for row in self.said} for label in labels} | {
            label for *_, label in self.marks.spans
        }

    def unpaired(self) -> list[Notice]:
        return [Notice(path, line, "activity without begin or end", message) for path, line, message in self.marks.unpaired]

    def sessions(self, group: str, cut: Cut, numbers: Mapping[str, int], in_gap: tuple[int, ...]) -> list[Session]:
        """The events, which must be in order, cut into sessions. `numbers`: by label."""
        activities = self._activities(numbers, in_gap)
        texts, subjects = list(map(TEXT, self.said)), list(map(SUBJECTS, self.said))
        return cut.sessions(group, self._keys(), Columns(self.moments, texts, activities, subjects))

    def put_in_order(self) -> None:
        """Put the rows in order of time, but where a clock was set back."""
        keys = self._keys()
        self._keep(sorted(range(len(keys)), key=keys.__getitem__))

    def settle(self, path: Path) -> None:
        """Say what the rows mean that depend on those before them; all must be in order. `path`: the file."""
        none = set[int]()
        for place, line in sorted(self.lines.items()):
            self.said[place] = row = self._settled(self.said[place], path, line, place - len(none))
            if row.text is None:
                none.add(place)
                if row.left_out:
                    self.left_out[row.left_out] += 1
        self.lines = {}
        if none:
            self._keep([place for place in range(len(self.said)) if place not in none])
        self.marks.close()

    def _settled(self, row: Row, path: Path, line: int, place: int) -> Row:
        """What a row says behind so many events. Marks where its activities begin and end."""
        readings, reading, begins, ends = row.more or More()
        if readings is not None:
            state = readings.crossed(reading)
            row = Row(None, left_out=NO_CROSSING) if state is None else row._replace(text=f"{row.text} {state}")
        for label in begins:
            self.marks.begin(label, place, path, line)
        for label in ends:
            self.marks.end(label, place if row.text is not None else place - 1, path, line)
        return row

    def _keys(self) -> Sequence[datetime]:
        """What rows are in order of: their moments but where a clock was set back."""
        if not self.set_back:
            return self.moments
        return [self.set_back.get(place, moment) for place, moment in enumerate(self.moments)]

    def _keep(self, places: Sequence[int]) -> None:
        """Keep the rows of these places, in this order."""
        self.moments, self.said = [self.moments[place] for place in places], [self.said[place] for place in places]
        self.lines, self.set_back = _moved(self.lines, places), _moved(self.set_back, places)

    def _activities(self, numbers: Mapping[str, int], in_gap: tuple[int, ...]) -> list[tuple[int, ...]]:
        """The numbers of each event's activities: those marked around it, and its own labels. A label without a number is
        as a gap."""
        spans = [(start, end, numbers[label]) for start, end, label in self.marks.spans if label in numbers]
        found = dict[tuple[int, ...], _Together]()
        activities = list[tuple[int, ...]]()
        for held, end in Timeline(spans).pieces(range(len(self.said))):
            together = found.setdefault(held, _Together(held, numbers, in_gap))
            activities += [together[row[1]] for row in self.said[len(activities) : end]]
        return activities


def _moved(by_place: Mapping[int, T], places: Sequence[int]) -> dict[int, T]:
    """What is known of some rows, once these places are all the rows."""
    return {now: by_place[before] for now, before in enumerate(places) if before in by_place} if by_place else {}


class _Together(dict[tuple[str, ...], tuple[int, ...]]):
    """The numbers of an event's activities by its own labels, while others last."""

    def __init__(self, held: tuple[int, ...], numbers: Mapping[str, int], in_gap: tuple[int, ...]):
        super().__init__()
        self._held, self._numbers, self._in_gap = held, numbers, in_gap

    def __missing__(self, labels: tuple[str, ...]) -> tuple[int, ...]:
        own = {self._numbers[label] for label in labels if label in self._numbers}
        self[labels] = tuple(sorted({*self._held, *own})) or self._in_gap
        return self[labels]
