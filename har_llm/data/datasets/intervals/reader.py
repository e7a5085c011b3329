"""Reads rows of start, end and a name; and tables whose fields have tabs between them, with local times."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

from har_llm.common.files import MOST_BYTES
from har_llm.data.datasets.files import FileReader, shown
from har_llm.data.records import DAY_SECONDS

EPOCH = datetime(1970, 1, 1)
SECOND = timedelta(seconds=1)
MONTHS = {
    name: number
    for number, name in enumerate(
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"], start=1
    )
}
ISO = "YYYY-MM-DD HH:MM:SS"
TIMES = {
    ISO: re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}"),
    "DD-Mon-YYYY HH:MM:SS": re.compile(
        r"(?P<day>[0-9]{1,2})-(?P<month>[A-Z][a-z]{2})-(?P<year>[0-9]{4}) (?P<clock>[0-9:]{8})"
    ),
}
"""How files write a local time. Months are not taken from the system's language."""
BETWEEN = re.compile(r"[ ]*\t\s*")
DASHES = re.compile(r"\s*-[-\s]*")

T = TypeVar("T")


class IntervalReader(FileReader):
    """Reads rows that give a span of time a name. What a time is counted in is the subclass's."""

    @abstractmethod
    def moment(self, path: Path, line: int, value: str, column: str) -> int | None:
        """A time as a whole number; None, and a fault, where it is none."""

    def named(self, fields: Sequence[str]) -> str:
        """What a row names, of its fields behind start and end."""
        return " ".join(fields)

    def unknown(
        self, path: Path, line: int, what: str, found: tuple[str, str], setting: str, known: Collection[str]
    ) -> None:
        """Add the fault of a name that the settings do not list. `found` is its column and the name itself."""
        rule = f"dataset.{setting} knows {', '.join(known)}; add it there"
        self.fault(path, line, f"unknown {what}", f"{found[0]} is {shown(found[1])}; {rule}")

    def spans(
        self, path: Path, columns: tuple[str, ...], what: str, names: Mapping[str, T]
    ) -> dict[tuple[int, int, T], int]:
        """Rows of start, end and name -> their line. `what` says in messages what is named.

        Releases have duplicated rows, rows out of order and rows that end before they start; those are repaired.
        """
        spans: dict[tuple[int, int, T], int] = {}
        previous: int | None = None
        for line, fields in self.rows(path, columns):
            start, end = self.moment(path, line, fields[0], columns[0]), self.moment(path, line, fields[1], columns[1])
            name = self.named(fields[2:])
            if name not in names:
                self.unknown(path, line, what, (" ".join(columns[2:]), name), f"{what}s", names)
            if start is None or end is None or name not in names:
                continue
            span = (start, end, names[name])
            if end < start:
                message = f"ends at {fields[1]}, before its start {fields[0]}; left out"
                self.repair(path, line, f"{what} ends before it starts", message)
            elif span in spans:
                self.repair(path, line, f"{what} row twice", "is the same as a row above; left out")
            elif previous is not None and start < previous:
                self.repair(path, line, f"{what} row out of order", "starts before the row above it; put in order")
            if end >= start:
                spans.setdefault(span, line)
            previous = start
        return spans


class TableReader(IntervalReader):
    """Reads tables with one tab or more between fields, and perhaps a line of dashes below the header.

    Times are local ones, counted in seconds from EPOCH.
    """

    BETWEEN = " <tab> "

    def __init__(self, form: str):
        """`form`: a key of TIMES."""
        super().__init__()
        self._form = form
        self._days, self._clocks = dict[str, int](), dict[str, int]()
        """Seconds by the two halves of a time: a file has few different ones of either."""

    def fields(self, line: str) -> list[str]:
        fields = line.strip()
        uneven = "\t\t" in fields or " \t" in fields or "\t " in fields
        return BETWEEN.split(fields) if uneven else fields.split("\t")

    def lines(self, path: Path, most: int = MOST_BYTES) -> Sequence[str | None]:
        """As in a FileReader; None stands for the line of dashes too."""
        lines = list(super().lines(path, most))
        if len(lines) > 1 and DASHES.fullmatch(lines[1] or ""):
            lines[1] = None
        return lines

    def check_rows(self, path: Path, lines: Sequence[str | None]) -> None:
        super().check_rows(path, [line for line in lines if line is not None])

    def moment(self, path: Path, line: int, value: str, column: str) -> int | None:
        day, _, clock = value.partition(" ")
        try:
            return self._days[day] + self._clocks[clock]
        except KeyError:
            moment = local_time(value, self._form)
        if moment is None:
            self.fault(path, line, "unreadable time", f"{column} is {shown(value)}; it must be a time, {self._form}")
            return None
        second = (moment - EPOCH) // SECOND
        self._clocks[clock] = second % DAY_SECONDS
        self._days[day] = second - self._clocks[clock]
        return second


def local_time(value: str, form: str) -> datetime | None:
    """A time of one of TIMES; None for another text, or a time that no clock shows."""
    found = TIMES[form].fullmatch(value)
    if found is None:
        return None
    try:
        if form == ISO:
            return datetime.fromisoformat(value)
        month = MONTHS.get(found["month"]) or found["month"]
        return datetime.fromisoformat(f"{found['year']}-{month:0>2}-{found['day']:0>2} {found['clock']}")
    except ValueError:
        return None
