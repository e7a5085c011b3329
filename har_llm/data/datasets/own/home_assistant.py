"""What Home Assistant records: the CSV that its history panel exports, or the recorder's database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import ClassVar

from har_llm.data.datasets.files import FileReader, shown
from har_llm.data.datasets.own.base import OwnHome
from har_llm.data.datasets.own.recorded import Recorded, Said
from har_llm.data.datasets.own.recorder import Recorder, is_database
from har_llm.data.datasets.own.table import Table, unreadable
from har_llm.data.datasets.own.timed import timed
from har_llm.data.datasets.own.times import Times, UnreadableTime, zone_of

COLUMNS = ("entity_id", "state", "last_changed")
NO_STATE = "state unavailable, unknown or empty"
ROWS = 10_000
"""States that are put into what is recorded at once."""
DATABASES = (".db", ".sqlite", ".sqlite3")


@dataclass(kw_only=True)
class HomeAssistant(OwnHome):
    """The states of a home's entities. An event is a change of an entity's state, so the first state of an entity, one that
    repeats the state before it and one that says nothing (unavailable, unknown, empty) are none; all are counted.

    Home Assistant records in UTC; without dataset.timezone prompts show UTC.
    """

    changes_only: ClassVar[bool] = True
    without_value: ClassVar[str] = NO_STATE

    @property
    def kind(self) -> str:
        return "home_assistant"

    @property
    def example(self) -> str:
        return "history.csv"

    def times(self) -> Times:
        return Times(zone_of(self.timezone), utc=True, form=self.time_format)

    def record(self, recorded: Recorded, path: Path, times: Times, reader: FileReader) -> None:
        try:
            database = is_database(path)
        except OSError as error:
            unreadable(reader, path, error, "dataset.path")
            return
        if database:
            _read_database(path, recorded, times, reader)
            recorded.put_in_order()
        elif path.suffix.lower() in DATABASES:
            reader.fault(path, None, "no database", "it is no SQLite database, or an encrypted one; check what it is")
        else:
            super().record(recorded, path, times, reader)

    def table(self, reader: FileReader, path: Path, content: bytes | None = None) -> Table:
        """The history panel's CSV: entity by entity, commas in a state only sometimes quoted, perhaps further columns."""
        return Table(reader, path, content=content, joined="state")

    def record_table(self, recorded: Recorded, table: Table, times: Times) -> None:
        missing = [name for name in COLUMNS if name not in table.header]
        if table.header and missing:
            rule = "Home Assistant's history panel exports them (Download data); for other tables there is dataset=events"
            message = f"the header is {', '.join(table.header)!r}, without {' and '.join(missing)}; {rule}"
            table.reader.fault(table.path, 1, "wrong header", message)
        if missing:
            return
        entity, state, changed = (table.header.index(name) for name in COLUMNS)
        for block, orders, clocks in timed(table, times, [changed]):
            recorded.add(orders, clocks, list(zip(block.columns[entity], block.columns[state], strict=True)), block.lines)
        table.add_repairs()
        recorded.put_in_order()


def _read_database(path: Path, recorded: Recorded, times: Times, reader: FileReader) -> None:
    """The recorder's database. The line of a state is the number of its row."""
    recorder = Recorder(path, reader)
    states, first = recorder.states(), 1
    while some := list(islice(states, ROWS)):
        entities, values, changed = zip(*some, strict=True)
        said = [(_text(entity), _text(value)) for entity, value in zip(entities, values, strict=True)]
        lines: Sequence[int] = range(first, first + len(some))
        found = times.many_of_unix(changed)
        if found is None:
            found, places = _one_by_one(path, times, reader, said, changed, lines)
            said, lines = [said[place] for place in places], [lines[place] for place in places]
        recorded.add(*found, said, lines)
        first += len(some)
    if recorded.said:
        recorded.attributes = recorder.attributes()


def _text(found: object) -> str:
    return "" if found is None else str(found)


def _one_by_one(
    path: Path, times: Times, reader: FileReader, said: Sequence[Said], changed: Sequence[object], lines: Sequence[int]
) -> tuple[tuple[list[datetime], list[datetime]], list[int]]:
    """The times of states, and the places of those that have one; a fault for each other."""
    orders: list[datetime] = []
    clocks: list[datetime] = []
    places: list[int] = []
    for place, one in enumerate(changed):
        try:
            order, clock = times.of_unix(one) if isinstance(one, float | int) else times.read(str(one))
        except (UnreadableTime, ValueError, OverflowError):
            message = f"the time of a state of {shown(said[place][0])} is {one!r}"
            reader.fault(path, lines[place], "unreadable time", f"{message}; it must be UNIX seconds or a time in UTC")
            continue
        orders.append(order)
        clocks.append(clock)
        places.append(place)
    return (orders, clocks), places
