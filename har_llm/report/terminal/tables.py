"""A report on a terminal: the tables that fit there, and where the rest is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from har_llm.common.console import console, plain, show_table
from har_llm.common.tables import Table
from har_llm.report.grouping import make_report
from har_llm.report.tables.all import ON_PAPER_ONLY, make_tables
from har_llm.report.tables.other import KIND
from har_llm.runs.directory import RunResult


def show_report(runs: Sequence[RunResult], folder: Path, *, headline: str, parsing: str) -> None:
    out = console()
    for table in make_tables(make_report(runs, headline, parsing)):
        if table.name not in ON_PAPER_ONLY:
            show_table(out, _narrow(table))
    out.print(
        plain(f"\nReport: {folder / 'report.html'}, and report.md with tables and figures for papers beside it"),
        soft_wrap=True,
    )


def _narrow(table: Table) -> Table:
    """Without saying in every row what the title says."""
    return table.without(KIND) if KIND in table.columns and len(set(table.cells(KIND))) == 1 else table
