"""A table of events (CSV, TSV or Parquet): a time, a sensor and a value, or start and end; perhaps an activity each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from har_llm.common.checks import require
from har_llm.common.numbers import counted
from har_llm.data.datasets.files import FileReader, shown
from har_llm.data.datasets.own.base import OwnHome
from har_llm.data.datasets.own.columns import Columns, Finder
from har_llm.data.datasets.own.recorded import Recorded
from har_llm.data.datasets.own.table import SEPARATORS, Row, Table
from har_llm.data.datasets.own.times import Times, UnreadableTime, zone_of

OTHERS = ("value", "activity", "resident")
NO_TAG = ("", "")


@dataclass(kw_only=True)
class Events(OwnHome):
    """A table in which each row is an event, or an interval in which a sensor was active."""

    columns: Columns = field(default_factory=Columns)
    separator: str | None = None
    """Between the fields of a row; null = comma, semicolon or tab, whichever the header has most of."""

    def check(self) -> None:
        super().check()
        if self.separator is not None:
            require("dataset.separator", self.separator, SEPARATORS)

    @property
    def kind(self) -> str:
        return "events"

    @property
    def example(self) -> str:
        return "week.csv"

    def times(self) -> Times:
        return Times(zone_of(self.timezone))

    def recorded(self, path: Path, times: Times, reader: FileReader) -> Recorded:
        recorded = Recorded()
        table = Table(reader, path, self.separator)
        if not table.header:
            return recorded
        finder = Finder(reader, path, table.header, self.columns, "dataset.columns")
        intervals = not finder.has("time") and finder.has("start")
        roles = ("start", "end") if intervals else ("date", "time") if finder.has("date") else ("time",)
        places = finder.needed(*roles, "sensor")
        others = {role: finder.optional(role) for role in OTHERS if role != "value" or not intervals}
        if reader.faults:
            return recorded
        *when, sensor = places
        if others.get("value") is None:
            recorded.nothing = {}
        rows = _Rows(recorded, table, times, when, sensor, others)
        rows.read_intervals() if intervals else rows.read()
        early = recorded.put_in_order()
        if early and not intervals:
            message = f"{counted(early, 'row')} earlier than a row above; all are put in order of time"
            reader.repair(path, None, "rows out of order", message)
        if table.empty_lines:
            reader.repair(path, None, "empty lines", f"{counted(table.empty_lines, 'empty line')}; left out")
        used = {*when, sensor, *others.values()}
        if more := [name for place, name in enumerate(table.header) if place not in used]:
            reader.repair(path, None, "columns that are not read", f"not read: {', '.join(more)}")
        return recorded


class _Rows:
    """Puts the rows of a table into what is recorded. A fault for each whose time cannot be read."""

    def __init__(
        self,
        recorded: Recorded,
        table: Table,
        times: Times,
        when: Sequence[int],
        sensor: int,
        others: Mapping[str, int | None],
    ):
        """`when`: the place of the time, those of date and time, or those of start and end."""
        self._recorded, self._table, self._times = recorded, table, times
        self._when, self._sensor = when, sensor
        self._value = others.get("value")
        self._tags = [others["activity"], others["resident"]]

    def read(self) -> None:
        add, read, tag_of, tag = self._recorded.add, self._times.read, self._tag, NO_TAG
        sensor, value, first, tagged = self._sensor, self._value, self._when[0], self._tags != [None, None]
        for line, fields in self._table.rows():
            text = fields[first] if len(self._when) == 1 else " ".join(fields[place].strip() for place in self._when)
            try:
                when = read(text)
            except UnreadableTime as error:
                self._fault((line, fields), "unreadable time", str(error))
                continue
            if tagged:
                tag = tag_of(fields)
            add(when, (fields[sensor], "" if value is None else fields[value]), tag, line)

    def read_intervals(self) -> None:
        """Each row is two events."""
        for line, fields in self._table.rows():
            try:
                start, end = (self._times.read(fields[place]) for place in self._when)
            except UnreadableTime as error:
                self._fault((line, fields), "unreadable time", str(error))
                continue
            if end[0] < start[0]:
                self._fault((line, fields), "ends before it starts", "its end must not be before its start")
            tag, sensor = self._tag(fields), fields[self._sensor]
            self._recorded.add(start, (sensor, "ON"), tag, line)
            self._recorded.add(end, (sensor, "OFF"), tag, line)

    def _tag(self, fields: Sequence[str]) -> tuple[str, str]:
        """The activity and the resident that a row says."""
        activity, resident = ("" if place is None else fields[place] for place in self._tags)
        return activity, resident

    def _fault(self, row: Row, kind: str, rule: str) -> None:
        line, fields = row
        if self._table.is_empty(fields):
            return
        found = " and ".join(f"{self._table.header[place]} is {shown(fields[place])}" for place in self._when)
        self._table.reader.fault(self._table.path, line, kind, f"{found}; {rule}")
