"""Text and tables on a terminal. Imported only when there is something to show.

Markup in text from models and data is not interpreted, and control characters in it are made visible.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace

from rich.console import Console, ConsoleOptions
from rich.text import Text

from har_llm.common.table_layout import lines_of
from har_llm.common.tables import Table
from har_llm.common.text import visible


def console() -> Console:
    """Standard output; 120 characters wide where neither a terminal nor COLUMNS says how wide it is."""
    known = sys.stdout.isatty() or "COLUMNS" in os.environ
    return Console(width=None if known else 120, highlight=False, soft_wrap=False)


def plain(text: str) -> Text:
    """Untrusted text: markup is not interpreted, and what would move the cursor or colour the terminal is made visible."""
    return Text(visible(text))


def show_table(out: Console, table: Table, *, most: int | None = None) -> None:
    """Print a table's title, its rows (at most `most`) and its notes."""
    out.print()
    out.print(plain(table.title), style="bold")
    out.print(Laid(table if most is None else replace(table, rows=table.rows[:most])), crop=False)
    left = 0 if most is None else len(table.rows) - most
    if left > 0:
        out.print(f"... and {left} more (see the files)")
    for note in table.notes:
        out.print(plain(note), style="dim")


@dataclass(frozen=True)
class Laid:
    """A table's rows, without title and notes, for rich to print. A row whose name ends with * is bold."""

    table: Table

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        for text, row in lines_of(self.table, options.max_width):
            bold = row is None or self.table.rows[row][0].endswith(" *")
            yield Text(text, style="bold" if bold else "", no_wrap=True, overflow="ignore")
