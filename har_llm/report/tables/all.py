"""All tables of a report."""

from __future__ import annotations

from har_llm.common.tables import Table
from har_llm.report.grouping import Report
from har_llm.report.tables.activities import activities_table
from har_llm.report.tables.distillation import figure4_table, table2
from har_llm.report.tables.other import cost_table, runs_table, story_tables
from har_llm.report.tables.over_time import over_time_table
from har_llm.report.tables.paper import candidates, table1, table4


def make_tables(report: Report) -> list[Table]:
    """Those for which there are runs."""
    paper = [table1(report), table2(report), table4(report), figure4_table(report), candidates(report)]
    over_time = [activities_table(report), over_time_table(report)]
    found = [*paper, *story_tables(report), *over_time, cost_table(report), runs_table(report)]
    return [table for table in found if table is not None]
