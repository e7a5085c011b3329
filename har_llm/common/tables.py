"""A table, independent of the format that it is written in, and its CSV; sheets of rows, and their CSV and Parquet.

Text may come from models and data: untrusted.

Markdown is written by `common.markdown`, a terminal's tables by `common.console`.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from functools import lru_cache
from itertools import islice
from pathlib import Path

from har_llm.common.numbers import decimals
from har_llm.common.text import for_spreadsheet

ABSENT = "-"
"""Shown for an empty cell, except in CSV."""
SPREAD = " ± "
_FIGURE = r"[+-]?\d[\d,]*(\.\d+)?"
NUMBER = re.compile(rf"<?{_FIGURE}(( ±| to) {_FIGURE})?", re.ASCII)
""" "-1.50", "1,234", "<0.001", "13.52 ± 16.85", "-1.00 to +2.00"."""


@dataclass(frozen=True)
class Table:
    """Cells are strings as they are shown, empty where there is no value; the first column names the row."""

    name: str
    """Names its files: "table1"."""
    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()
    """Sentences to be shown below it."""
    whole: Collection[str] = ()
    """Columns whose cells a terminal shows on one line each, because they are to be copied: paths."""
    folded: bool = False
    """Whether it is long and for looking things up: a page shows its rows when asked, a terminal not at all."""

    def without(self, column: str) -> Table:
        at = list(self.columns).index(column)
        columns, *rows = ([*cells[:at], *cells[at + 1 :]] for cells in (self.columns, *self.rows))
        return replace(self, columns=columns, rows=rows)

    def without_empty(self, *columns: str) -> Table:
        """The table without those of these columns in which every cell is empty."""
        table = self
        for column in columns:
            if not any(table.cells(column)):
                table = table.without(column)
        return table

    def cells(self, column: str) -> list[str]:
        at = list(self.columns).index(column)
        return [row[at] for row in self.rows]


def numeric_columns(table: Table) -> list[bool]:
    """Which columns hold nothing but numbers and are therefore aligned to the right."""
    cells = zip(*table.rows, strict=True) if table.rows else [()] * len(table.columns)
    return [at > 0 and all(NUMBER.fullmatch(cell) for cell in column if cell) for at, column in enumerate(cells)]


def to_csv(table: Table) -> str:
    """A column of cells such as "13.52 ± 16.85" becomes two columns, so that every number has a cell of its own."""
    numeric = numeric_columns(table)
    apart = [numeric[at] and any(SPREAD in row[at] for row in table.rows) for at in range(len(table.columns))]
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(_csv_row(table.columns, apart, lambda name: [name, f"{name} std"]))
    for row in table.rows:
        writer.writerow(_csv_row(row, apart, lambda cell: [*cell.split(SPREAD), ""][:2]))
    return stream.getvalue()


Cell = str | int | float | date | time | datetime | None
ARROW = {str: "string", int: "int64", float: "float64", date: "date32", time: "time32[s]", datetime: "timestamp[s]"}
"""What Arrow calls the types of cells."""
ROWS = 50_000
"""Rows that are written at once."""


@dataclass(frozen=True)
class Sheet:
    """Rows that may be too many for a table."""

    columns: Mapping[str, type]
    """Their titles, and the type of their cells: a key of ARROW. Any cell may be None."""
    rows: Iterable[Sequence[Cell]]
    """They are read once."""


def write_sheet(path: Path, sheet: Sheet) -> None:
    """Write `path`.csv, with cells that are safe in a spreadsheet, and `path`.parquet. Raises OSError."""
    import pyarrow
    from pyarrow.parquet import ParquetWriter

    schema = pyarrow.schema([(title, pyarrow.type_for_alias(ARROW[kind])) for title, kind in sheet.columns.items()])
    safe = lru_cache(maxsize=100_000)(for_spreadsheet)  # names and texts come again and again
    rows = iter(sheet.rows)
    with (
        path.with_suffix(".csv").open("w", encoding="utf-8", newline="") as stream,
        path.with_suffix(".parquet").open("wb") as sink,
        ParquetWriter(sink, schema) as parquet,
    ):
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(sheet.columns)
        while some := list(islice(rows, ROWS)):
            writer.writerows([safe(cell_text(cell)) for cell in row] for row in some)
            columns = zip(*some, strict=True)
            arrays = [pyarrow.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
            parquet.write_table(pyarrow.Table.from_arrays(arrays, schema=schema))


def cell_text(cell: Cell) -> str:
    """A cell of a sheet as CSV has it: times to the second, decimals to one place."""
    if cell is None or isinstance(cell, str):
        return cell or ""
    if isinstance(cell, float):
        return decimals(cell, 1)
    return cell.isoformat(" ", "seconds") if isinstance(cell, datetime) else str(cell)


def _csv_row(cells: Sequence[str], apart: Sequence[bool], take_apart: Callable[[str], list[str]]) -> list[str]:
    pieces = (take_apart(cell) if two else [cell] for cell, two in zip(cells, apart, strict=True))
    return [for_spreadsheet(piece) for cell in pieces for piece in cell]
