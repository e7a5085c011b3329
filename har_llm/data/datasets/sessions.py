"""A long recording cut into sessions: days, or pieces between which nothing happens for long."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby, pairwise

from har_llm.common.checks import require
from har_llm.common.errors import ConfigError
from har_llm.data.records import Event, Session

CUTS = ("days", "gaps", "none")


@dataclass(kw_only=True)
class Cut:
    """How a recording becomes sessions. No window and no part of a split holds events of two sessions."""

    at: str = "days"
    """days: a session each day, from `day_begins` o'clock to the next, by its date; gaps: a new session where
    `gap_minutes` or more pass without an event, by the time of its first event; none: one session."""
    day_begins: int = 0
    """Hour; an event before it belongs to the day before. 0 = midnight."""
    gap_minutes: int = 60

    def check(self) -> None:
        require("dataset.cut.at", self.at, CUTS)
        if not 0 <= self.day_begins < 24:
            raise ConfigError(f"dataset.cut.day_begins is {self.day_begins}; it must be an hour from 0 to 23.")
        if self.gap_minutes < 1:
            raise ConfigError(f"dataset.cut.gap_minutes is {self.gap_minutes}; it must be at least 1.")

    def sessions(self, group: str, moments: Sequence[datetime], events: Sequence[Event]) -> list[Session]:
        """The events in order of time, in sessions whose events have ids from 0. `moments`: when they were."""
        return [
            Session(name, group, [events[place]._replace(id=number) for number, place in enumerate(places)])
            for name, places in self._places(moments)
        ]

    def _places(self, moments: Sequence[datetime]) -> Iterator[tuple[str, Sequence[int]]]:
        if self.at == "days":
            shift = timedelta(hours=self.day_begins)
            for day, places in groupby(range(len(moments)), key=lambda place: (moments[place] - shift).date()):
                yield day.isoformat(), list(places)
            return
        gap = timedelta(minutes=self.gap_minutes)
        numbered = enumerate(pairwise(moments), start=1)
        starts = [place for place, (earlier, later) in numbered if self.at == "gaps" and later - earlier >= gap]
        for start, end in pairwise([0, *starts, len(moments)]) if moments else ():
            yield moments[start].isoformat().replace("T", "_").replace(":", "-"), range(start, end)
