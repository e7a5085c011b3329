"""Shows a report on a terminal: the tables that fit, and where the rest is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from har_llm.common.console import console, plain, show_table
from har_llm.common.tables import Table
from har_llm.report.tables.other import KIND

TOO_WIDE = ("table_candidates", "table_cost", "table_runs")
"""Tables that are shown only in the report's files and page."""


def show_report(tables: Sequence[Table], folder: Path) -> None:
    out = console()
    for table in tables:
        if table.name not in TOO_WIDE:
            show_table(out, _narrow(table))
    out.print("\nBeside the report's page are report.md, and the tables and figures for papers.")
    out.print(plain(f"Report: {folder / 'report.html'}"), soft_wrap=True)


def _narrow(table: Table) -> Table:
    """The table without a column that only repeats the title in every row."""
    return table.without(KIND) if KIND in table.columns and len(set(table.cells(KIND))) == 1 else table
