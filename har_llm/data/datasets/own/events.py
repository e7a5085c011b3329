"""A table of events (CSV, TSV or Parquet): a time, a sensor and a value, or start and end; perhaps an activity each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from pathlib import Path
from typing import NamedTuple

from har_llm.common.checks import require
from har_llm.common.numbers import counted
from har_llm.data.datasets.files import FileReader
from har_llm.data.datasets.own.base import OwnHome
from har_llm.data.datasets.own.columns import Columns, Finder
from har_llm.data.datasets.own.recorded import NO_TAG, Recorded, Said, earlier
from har_llm.data.datasets.own.table import SEPARATORS, Block, Table
from har_llm.data.datasets.own.timed import row_fault, timed
from har_llm.data.datasets.own.times import Instant, Times, UnreadableTime, zone_of

OTHERS = ("value", "activity", "resident")


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
        return Times(zone_of(self.timezone), form=self.time_format)

    def table(self, reader: FileReader, path: Path, content: bytes | None = None) -> Table:
        return Table(reader, path, self.separator, content=content)

    def record_table(self, recorded: Recorded, table: Table, times: Times) -> None:
        if not table.header:
            return
        reader, path = table.reader, table.path
        finder = Finder(reader, path, table.header, self.columns, "dataset.columns")
        intervals = not finder.has("time") and finder.has("start")
        roles = ("start", "end") if intervals else ("date", "time") if finder.has("date") else ("time",)
        places = finder.needed(*roles, "sensor", perhaps=None if intervals else "value")
        others = {role: finder.optional(role) for role in OTHERS if role != "value" or not intervals}
        if not finder.found_all:
            return
        *when, sensor = places
        if others.get("value") is None:
            recorded.without_value = None
        rows = _Rows(recorded, table, times, when, sensor, others)
        if early := rows.read_intervals() if intervals else rows.read():
            message = f"{counted(early, 'row')} earlier than a row above; all are put in order of time"
            reader.repair(path, None, "rows out of order", message)
        table.add_repairs()
        used = {*when, sensor, *others.values()}
        if more := [name for place, name in enumerate(table.header) if place not in used]:
            reader.repair(path, None, "columns that are not read", f"not read: {', '.join(more)}")


class _Interval(NamedTuple):
    start: Instant
    end: Instant
    sensor: str
    line: int
    tag: Said


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

    def read(self) -> int:
        """How many rows were earlier than one above them."""
        for block, orders, clocks in timed(self._table, self._times, self._when):
            columns = block.columns
            values: Iterable[str] = repeat("") if self._value is None else columns[self._value]
            said = list(zip(columns[self._sensor], values, strict=False))
            self._recorded.add(orders, clocks, said, block.lines, self._tagged(block))
        return self._recorded.put_in_order()

    def read_intervals(self) -> int:
        """Each row is two events. How many rows began earlier than one above them."""
        rows = list(self._intervals())
        early = earlier([row.start[0] for row in rows])
        rows.sort(key=lambda row: (row.start[0], row.end[0] > row.start[0]))  # so that one ends before the next begins
        orders, clocks = zip(*(when for row in rows for when in (row.start, row.end)), strict=True) if rows else ((), ())
        said = [(row.sensor, value) for row in rows for value in ("ON", "OFF")]
        lines = [row.line for row in rows for _ in range(2)]
        tagged = [row.tag for row in rows for _ in range(2)]
        self._recorded.add(orders, clocks, said, lines, tagged)
        self._recorded.put_in_order()
        return early

    def _intervals(self) -> Iterator[_Interval]:
        for block in self._table.blocks():
            tags = self._tagged(block) or [NO_TAG] * len(block.lines)
            for place, line in enumerate(block.lines):
                row = block.row(place)
                try:
                    start = self._times.read(row[self._when[0]])
                    end = self._times.read(row[self._when[1]], start[0])
                except UnreadableTime as error:
                    row_fault(self._table, block, place, self._when, "unreadable time", str(error))
                    continue
                if end[0] < start[0]:
                    rule = "its end must not be before its start"
                    row_fault(self._table, block, place, self._when, "ends before it starts", rule)
                yield _Interval(start, end, row[self._sensor], line, tags[place])

    def _tagged(self, block: Block) -> list[tuple[str, str]] | None:
        """The activity and the resident of each row; None where there are no such columns."""
        if self._tags == [None, None]:
            return None
        activities, residents = (
            repeat("", len(block.lines)) if place is None else block.columns[place] for place in self._tags
        )
        return list(zip(activities, residents, strict=True))
