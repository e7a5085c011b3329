"""A table in the formats of papers, READMEs and spreadsheets."""

from __future__ import annotations

from collections.abc import Iterator

from har_llm.common import markdown
from har_llm.common.tables import Table, to_csv
from har_llm.report.tables.latex import to_latex


def table_files(table: Table) -> Iterator[tuple[str, str]]:
    """The name and the content of each file."""
    yield f"{table.name}.md", markdown.table(table, level=1) + "\n"
    yield f"{table.name}.tex", to_latex(table)
    yield f"{table.name}.csv", to_csv(table)
