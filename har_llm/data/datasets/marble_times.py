"""MARBLE's times: the rows that have them, what a subject does when, and what a clock in the home showed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from har_llm.data.datasets.files import shown
from har_llm.data.datasets.intervals.reader import IntervalReader
from har_llm.data.datasets.timeline import Timeline, apart

STATUSES = ("ON", "OFF")
TIME_DIGITS = 13
"""UNIX milliseconds have 13 digits from 2001 to 2286; UNIX seconds, an easy mistake, have 10."""


class TimedReader(IntervalReader):
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


class SubjectTimeline(Timeline):
    """What a subject does when, by its labels.csv."""

    def __init__(self, subject: str, spans: Sequence[tuple[int, int, int]], *, complete: bool):
        super().__init__(apart(spans))
        self.subjects = (subject,)
        self.complete = complete
        """False if labels.csv has faults: an event without a label is then not reported as well."""


def local_time(moment: int, zone: ZoneInfo) -> datetime:
    """UNIX milliseconds -> what a clock in a time zone showed, to the millisecond."""
    shown = datetime.fromtimestamp(moment // 1000, zone).replace(tzinfo=None)
    return shown.replace(microsecond=moment % 1000 * 1000)


def milliseconds(value: str) -> int | None:
    return int(value) if len(value) == TIME_DIGITS and value.isascii() and value.isdigit() else None
