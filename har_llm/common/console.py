"""Text and tables on a terminal. Imported only when there is something to show.

Markup in text from models and data is not interpreted, and control characters in it are made visible.
"""

from __future__ import annotations

import sys

from rich import box
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from har_llm.common.tables import ABSENT, Table, numeric_columns
from har_llm.common.text import visible

GAP = 3
"""Characters between two columns."""


def console() -> Console:
    """Standard output; wide enough for the tables where it is no terminal."""
    return Console(width=None if sys.stdout.isatty() else 120, highlight=False, soft_wrap=False)


def plain(text: str) -> Text:
    """Untrusted text: markup is not interpreted, and what would move the cursor or colour the terminal is made visible."""
    return Text(visible(text))


def show_table(out: Console, table: Table, *, most: int | None = None) -> None:
    """Print a table's title, its rows (at most `most`) and its notes."""
    out.print()
    out.print(plain(table.title), style="bold")
    out.print(rich_table(table, most=most, width=out.width))
    left = 0 if most is None else len(table.rows) - most
    if left > 0:
        out.print(f"... and {left} more (see the files)")
    for note in table.notes:
        out.print(plain(note), style="dim")


def rich_table(table: Table, *, most: int | None = None, width: int | None = None) -> RichTable:
    """A table's rows (at most `most`), without title and notes. A row whose name ends with * is bold.

    If the table is wider than `width`, the titles of numeric columns are broken at every word, which leaves room for names.
    """
    columns = list(zip(table.columns, *table.rows, strict=True))
    whole = sum(max(map(len, cells)) + GAP for cells in columns) - GAP
    shown = RichTable(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for (name, *cells), numeric in zip(columns, numeric_columns(table), strict=True):
        narrow = numeric and width is not None and whole > width
        most_width = max(map(len, [*name.split(), *cells]), default=None) if narrow else None
        shown.add_column(plain(name), justify="right" if numeric else "left", overflow="fold", max_width=most_width)
    for row in table.rows[:most]:
        shown.add_row(*(plain(cell or ABSENT) for cell in row), style="bold" if row[0].endswith(" *") else None)
    return shown
