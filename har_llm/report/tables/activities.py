"""The table of runs without scores: how long each activity takes in a home of which nobody has said what is right."""

from __future__ import annotations

from contextlib import suppress
from itertools import chain

from har_llm.common.tables import Table
from har_llm.report.grouping import Report, ordered
from har_llm.report.scored_run import ScoredRun
from har_llm.report.tables.other import KIND
from har_llm.runs.directory import PREDICTIONS
from har_llm.runs.time_spent import COLUMNS, RULE, TimeSpent, time_spent

TITLE = "What is done at home, and for how long"


def activities_table(report: Report) -> Table | None:
    """None without a run of which nothing is scored."""
    rows, notes = [], [RULE]
    for cell in ordered(report.cells):
        for run in cell.runs:
            if run.metrics.has_scores or (spent := _time_spent(run)) is None:
                continue
            seed = f" [seed {run.metrics.seed}]" if len(cell.runs) > 1 else ""
            name = (run.home_name, f"{cell.row_name(run.adapter_name)}{seed}")
            rows += [[*name, *cells, run.kind] for cells in spent.cells(run.metrics.activities)]
            notes += [f"{', '.join(name)}: {sentence}" for sentence in spent.missing()]
    columns = ("home", "model", *COLUMNS, KIND)
    return Table("table_activities", TITLE, columns, rows, notes).without_empty("a day") if rows else None


def _time_spent(run: ScoredRun) -> TimeSpent | None:
    """None where somebody has removed its predictions, or written times that are none."""
    if not all((result.folder / PREDICTIONS).is_file() for result in run.results):
        return None
    rows = chain.from_iterable(result.predictions() for result in run.results)
    with suppress(ValueError):
        return time_spent(rows, run.metrics.activities, run.parsing)
    return None
