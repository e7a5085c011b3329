"""A long recording cut into sessions: days, or pieces between which nothing happens for long."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from itertools import count, pairwise
from typing import NamedTuple

from har_llm.common.checks import require
from har_llm.common.errors import ConfigError
from har_llm.data.records import Event, Session, clock_text

CUTS = ("days", "gaps", "none")


class Columns(NamedTuple):
    """Events in order, as columns of equal length."""

    moments: Sequence[datetime]
    texts: Sequence[str]
    activities: Sequence[tuple[int, ...]]
    subjects: Sequence[tuple[str, ...]]


make_event = partial(tuple.__new__, Event)
"""Event._make, without a call of Python code for each of a million events."""


@dataclass(kw_only=True)
class Cut:
    """How a recording becomes sessions. No window and no part of a split holds events of two sessions."""

    at: str = "days"
    """days: a session each day, from `day_begins` o'clock to the next, by its date; gaps: a new session where
    `gap_minutes` or more pass without an event, by the time of its first event (with _2 behind it where another one began
    at that time of the hour that comes twice as summer time ends); none: one session."""
    day_begins: int = 0
    """Hour; an event before it belongs to the day before. 0 = midnight."""
    gap_minutes: int = 60

    def check(self) -> None:
        require("dataset.cut.at", self.at, CUTS)
        if not 0 <= self.day_begins < 24:
            raise ConfigError(f"dataset.cut.day_begins is {self.day_begins}; it must be an hour from 0 to 23.")
        if self.gap_minutes < 1:
            raise ConfigError(f"dataset.cut.gap_minutes is {self.gap_minutes}; it must be at least 1.")

    def sessions(self, group: str, keys: Sequence[datetime], events: Columns) -> list[Session]:
        """The events in sessions, in which their ids are from 0. `keys`: what they are in order of, their moments but where
        a clock was set back."""
        sessions = []
        for name, part in self.parts(keys):
            columns = (column[part.start : part.stop] for column in events)
            made = map(make_event, zip(range(len(part)), *columns, strict=True))
            sessions.append(Session(name, group, list(made)))
        return sessions

    def parts(self, moments: Sequence[datetime], passed: Sequence[datetime] | None = None) -> Iterator[tuple[str, range]]:
        """The id of each session and the places of its events, of moments in order of time. `passed`: the same times as no
        clock was set forward or back between them, by which gaps are measured; None = not known."""
        taken = set[str]()
        for name, part in self.begun(moments, passed):
            taken.add(own := own_name(name, taken))
            yield own, part

    def begun(self, moments: Sequence[datetime], passed: Sequence[datetime] | None = None) -> Iterator[tuple[str, range]]:
        """The same, with what the clock showed as a session began, which it may show twice, in place of the id."""
        if self.at == "days":
            start = 0
            while start < len(moments):
                day = self._day(moments[start])
                end = bisect_right(moments, day, start, key=self._day)
                yield day.isoformat(), range(start, end)
                start = end
            return
        gap = timedelta(minutes=self.gap_minutes)
        numbered = enumerate(pairwise(moments if passed is None else passed), start=1)
        starts = [place for place, (earlier, later) in numbered if self.at == "gaps" and later - earlier >= gap]
        for start, end in pairwise([0, *starts, len(moments)]) if moments else ():
            yield clock_text(moments[start]).replace(" ", "_").replace(":", "-"), range(start, end)

    def _day(self, moment: datetime) -> date:
        shift, clock = timedelta(hours=self.day_begins), moment.replace(tzinfo=None)
        return (max(clock, datetime.min + shift) - shift).date()  # no day is before the first of the year 1


def own_name(name: str, taken: Container[str], number: int = 1) -> str:
    """The name of a session that begins when the clock shows `name`: this, or where other sessions have begun so, before the
    clock was set back, with the next number behind it."""
    numbered = (name if one == 1 else f"{name}_{one}" for one in count(number))
    return next(one for one in numbered if one not in taken)
