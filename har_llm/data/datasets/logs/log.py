"""What a log says: events in the order of the file, the activities marked among them, and what was left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from har_llm.common.errors import Notice
from har_llm.data.datasets.sessions import Cut
from har_llm.data.datasets.timeline import Timeline
from har_llm.data.records import Event, Session


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


@dataclass
class Log:
    """One file's events. The lists are as long as there are events."""

    name: str
    """Of the file, without its ending."""
    moments: list[datetime] = field(default_factory=list)
    keys: list[datetime] = field(default_factory=list)
    """What events are put in order by: their time, or the latest time so far where a clock was set back."""
    texts: list[str] = field(default_factory=list)
    labels: list[tuple[str, ...]] = field(default_factory=list)
    """Of single events, beside the spans between marks."""
    subjects: list[tuple[str, ...]] = field(default_factory=list)
    marks: Marks = field(default_factory=Marks)
    left_out: Counter[str] = field(default_factory=Counter)
    """Rows that are no event, by reason."""
    rows: int = 0

    def all_labels(self) -> set[str]:
        return {label for labels in set(self.labels) for label in labels} | {label for *_, label in self.marks.spans}

    def unpaired(self) -> list[Notice]:
        return [Notice(path, line, "activity without begin or end", message) for path, line, message in self.marks.unpaired]

    def sessions(self, group: str, cut: Cut, numbers: Mapping[str, int], in_gap: tuple[int, ...]) -> Iterator[Session]:
        """The events in order of time, cut into sessions. `numbers`: by label."""
        keys, activities = self.keys, self._activities(numbers, in_gap)
        columns: tuple[list[Any], ...] = (self.moments, self.texts, activities, self.subjects)
        order = sorted(range(len(keys)), key=keys.__getitem__)
        if order != list(range(len(keys))):
            keys = [keys[place] for place in order]
            columns = tuple([column[place] for place in order] for column in columns)
        for name, part in cut.parts(keys):
            parts = (column[part.start : part.stop] for column in columns)
            yield Session(name, group, list(map(Event, range(len(part)), *parts)))

    def _activities(self, numbers: Mapping[str, int], in_gap: tuple[int, ...]) -> list[tuple[int, ...]]:
        """The numbers of each event's activities: those marked around it, and its own labels. A label without a number is
        as a gap."""
        spans = [(start, end, numbers[label]) for start, end, label in self.marks.spans if label in numbers]
        pairs = list(zip(Timeline(spans).each(len(self.texts)), self.labels, strict=True))
        found = {
            (held, own): tuple(sorted({*held, *(numbers[label] for label in own if label in numbers)})) or in_gap
            for held, own in set(pairs)
        }
        return [found[pair] for pair in pairs]
