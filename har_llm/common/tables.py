"""What a report is made of, before it is written in any format. Text in here may come from models and data: untrusted."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """Cells are text as it will be read; the first column names the row."""

    name: str
    """Names its files: "table1"."""
    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()
    """Sentences that belong under it."""


def filled(table: Table, column: str) -> Table:
    """Without the column, where none of its cells holds anything."""
    at = list(table.columns).index(column)
    if any(row[at] for row in table.rows):
        return table
    rows = [[*row[:at], *row[at + 1 :]] for row in table.rows]
    return Table(table.name, table.title, [*table.columns[:at], *table.columns[at + 1 :]], rows, table.notes)


_NUMBER = re.compile(r"<?[-+]?[\d,]*\.?\d+( %)?( to [-+]?[\d,]*\.?\d+)?|-|", re.ASCII)


def right_columns(table: Table) -> list[bool]:
    """Which columns hold numbers only, and are set to the right."""
    columns = list(zip(*table.rows, strict=True)) or [("",)] * len(table.columns)
    return [place > 0 and all(_NUMBER.fullmatch(cell) for cell in cells) for place, cells in enumerate(columns)]


def counted(number: int, what: str) -> str:
    """ "1 session", "2 sessions"."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.2f}"
