"""Reads the times of a table's rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from har_llm.data.datasets.files import shown
from har_llm.data.datasets.own.table import Block, Table
from har_llm.data.datasets.own.times import Instant, Times, UnorderedTime, UnreadableTime


def timed(table: Table, times: Times, when: Sequence[int]) -> Iterator[tuple[Block, Sequence[datetime], Sequence[datetime]]]:
    """Blocks of a table's rows, and of each row when it was, in order and by the clock; a fault for each unreadable one.

    `when`: the columns that say it, one or date and time.
    """
    for block in table.blocks():
        said = block.columns[when[-1]]
        texts = list(map(_joined, block.columns[when[0]], said)) if len(when) > 1 else said
        if (found := times.many(texts)) is not None:
            yield block, *found
            continue
        places: list[int] = []
        orders: list[datetime] = []
        local: list[datetime] = []
        for place, (text, alone) in enumerate(zip(texts, said, strict=True)):
            try:
                order, clock = _read(times, text, alone)
            except UnreadableTime as error:
                row_fault(table, block, place, when, "unreadable time", str(error))
                continue
            places.append(place)
            orders.append(order)
            local.append(clock)
        if places:
            yield block.rows(places), orders, local


def _joined(date: str, time: str) -> str:
    return f"{date.strip()} {time.strip()}"


def _read(times: Times, text: str, alone: str) -> Instant:
    """When a row was. `alone`: what its time says without its date, which may be more than a time of day. Raises
    UnreadableTime."""
    try:
        return times.read(text)
    except UnorderedTime:
        raise
    except UnreadableTime:
        if text == alone:
            raise
        return times.read(alone)


def row_fault(table: Table, block: Block, place: int, columns: Sequence[int], kind: str, rule: str) -> None:
    """Add a fault for what a row has in some columns, unless the row says nothing."""
    row = block.row(place)
    if not table.says_nothing(row):
        found = " and ".join(f"{table.header[one]} is {shown(row[one])}" for one in columns)
        table.reader.fault(table.path, block.lines[place], kind, f"{found}; {rule}")
