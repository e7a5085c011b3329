"""MARBLE's times: the rows that have them, what a subject does when, and what a clock in the home showed."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

from har_llm.data.datasets.files import FileReader, shown

STATUSES = ("ON", "OFF")
TIME_DIGITS = 13
"""UNIX milliseconds have 13 digits from 2001 to 2286; UNIX seconds, an easy mistake, have 10."""

T = TypeVar("T")


class TimedReader(FileReader):
    """Reads what several files of MARBLE have in common: times, statuses, and rows that give a span of time a name."""

    def moment(self, path: Path, line: int, value: str, column: str) -> int | None:
        moment = milliseconds(value)
        if moment is None:
            rule = f"it must be UNIX milliseconds, {TIME_DIGITS} digits"
            self.fault(path, line, "unreadable time", f"{column} is {shown(value)}; {rule}")
        return moment

    def check_status(self, path: Path, line: int, value: str, column: str) -> None:
        if value not in STATUSES:
            self.fault(path, line, "unknown status", f"{column} is {shown(value)}; it must be ON or OFF")

    def unknown(
        self, path: Path, line: int, what: str, found: tuple[str, str], setting: str, known: Collection[str]
    ) -> None:
        """Add the fault of a name that the settings do not list. `found` is its column and the name itself."""
        rule = f"dataset.{setting} knows {', '.join(known)}; add it there"
        self.fault(path, line, f"unknown {what}", f"{found[0]} is {shown(found[1])}; {rule}")

    def spans(
        self, path: Path, columns: tuple[str, str, str], what: str, names: Mapping[str, T]
    ) -> dict[tuple[int, int, T], int]:
        """Rows of start, end and name -> their line. `what` says in messages what is named.

        The release has duplicated rows, rows out of order and rows that end before they start; those are repaired.
        """
        spans: dict[tuple[int, int, T], int] = {}
        previous = 0
        for line, fields in self.rows(path, columns):
            start, end = (self.moment(path, line, value, column) for value, column in zip(fields[:2], columns, strict=False))
            name = fields[2]
            if name not in names:
                self.unknown(path, line, what, (columns[2], name), f"{what}s", names)
            if start is None or end is None or name not in names:
                continue
            span = (start, end, names[name])
            if end < start:
                message = f"ends at {end}, before its start {start}; left out"
                self.repair(path, line, f"{what} ends before it starts", message)
            elif span in spans:
                self.repair(path, line, f"{what} row twice", "is the same as a row above; left out")
            elif start < previous:
                self.repair(path, line, f"{what} row out of order", "starts before the row above it; put in order")
            if end >= start:
                spans.setdefault(span, line)
            previous = start
        return spans


class Timeline:
    """What a subject does when: the spans of its labels, both ends included, cut where anything changes."""

    def __init__(self, subject: str, spans: Sequence[tuple[int, int, int]], *, complete: bool):
        self.subjects = (subject,)
        self.complete = complete
        """False if labels.csv has faults: an event without a label is then not reported as well."""
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
        """The different activities at a time: one, or none, or several where labels contradict each other."""
        return self._held[bisect_right(self._starts, moment) - 1]


def local_time(moment: int, zone: ZoneInfo) -> datetime:
    """UNIX milliseconds -> what a clock in a time zone showed, to the millisecond."""
    shown = datetime.fromtimestamp(moment // 1000, zone).replace(tzinfo=None)
    return shown.replace(microsecond=moment % 1000 * 1000)


def milliseconds(value: str) -> int | None:
    return int(value) if len(value) == TIME_DIGITS and value.isascii() and value.isdigit() else None
