"""All tables of a report."""

from __future__ import annotations

from har_llm.report.other_tables import cost_table, runs_table, story_tables
from har_llm.report.paper_tables import paper_tables
from har_llm.report.parts import Table
from har_llm.report.views import Report

ON_PAPER_ONLY = ("table_candidates", "table_cost", "table_runs")
"""Too wide for a terminal."""


def make_tables(report: Report) -> list[Table]:
    return [*paper_tables(report), *story_tables(report), cost_table(report), runs_table(report)]
