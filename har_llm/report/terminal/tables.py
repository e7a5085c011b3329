"""Shows a report on a terminal: the tables that fit, then what is asked first, and where the rest is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from har_llm.common.console import console, plain, show_table
from har_llm.common.tables import Table
from har_llm.report.standing import Standing
from har_llm.report.tables.other import KIND
from har_llm.report.terminal.run import show_facts, show_head

if TYPE_CHECKING:
    from rich.console import Console


def show_report(standing: Sequence[Standing], tables: Sequence[Table], folder: Path) -> None:
    out = console()
    for table in tables:
        if not table.folded:
            show_table(out, _narrow(table))
    _show_standing(out, standing)  # at the end, as the beginning has gone past by now
    page = folder / "report.html"
    if standing:
        out.print("\nBeside the report's page are report.md, and the tables and figures for papers.")
    else:  # nothing is scored, so what is done from when to when is what was asked
        out.print("\nBeside the report's page are report.md and the tables.")
        out.print(plain(f"Days: {page}#days"), soft_wrap=True)
    out.print(plain(f"Report: {page}"), soft_wrap=True)


def _show_standing(out: Console, standing: Sequence[Standing]) -> None:
    for one in standing:
        out.print()
        show_head(out, one.title, one.label)
        show_facts(out, one.answers)


def _narrow(table: Table) -> Table:
    """The table without a column that only repeats the title in every row."""
    return table.without(KIND) if KIND in table.columns and len(set(table.cells(KIND))) == 1 else table
