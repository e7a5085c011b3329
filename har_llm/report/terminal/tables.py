"""A report on a terminal: the tables that fit there, and where the rest is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rich.table import Table as RichTable

from har_llm.common.console import console, plain
from har_llm.common.tables import Table
from har_llm.report.grouping import make_report
from har_llm.report.tables.all import ON_PAPER_ONLY, make_tables
from har_llm.report.tables.other import KIND
from har_llm.report.tables.writers import ABSENT, numeric
from har_llm.runs.result import RunResult

NAME_WIDTH = 24
"""So much of a name stays on one line."""


def show_report(runs: Sequence[RunResult], folder: Path, *, headline: str, parsing: str) -> None:
    out = console()
    for table in make_tables(make_report(runs, headline, parsing)):
        if table.name not in ON_PAPER_ONLY:
            out.print(plain(f"\n{table.title}"), style="bold")
            out.print(rich_table(_narrow(table)))
            for note in table.notes:
                out.print(plain(note), style="dim")
    out.print(
        plain(f"\nReport: {folder / 'report.html'}, and report.md with tables and figures for papers beside it"),
        soft_wrap=True,
    )


def _narrow(table: Table) -> Table:
    """Without saying in every row what the title says."""
    at = list(table.columns).index(KIND) if KIND in table.columns else None
    if at is None or len({row[at] for row in table.rows}) > 1:
        return table
    return replace(table, columns=_without(table.columns, at), rows=[_without(row, at) for row in table.rows])


def _without(cells: Sequence[str], at: int) -> list[str]:
    return [*cells[:at], *cells[at + 1 :]]


def rich_table(table: Table) -> RichTable:
    shown = RichTable()
    for at, name in enumerate(table.columns):
        whole = min(NAME_WIDTH, max((len(row[at]) for row in table.rows), default=0)) if at < 2 else None
        shown.add_column(plain(name), justify="right" if numeric(table, at) else "left", overflow="fold", min_width=whole)
    for row in table.rows:
        shown.add_row(*(plain(cell or ABSENT) for cell in row))
    return shown
