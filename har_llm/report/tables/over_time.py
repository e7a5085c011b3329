"""The table of scores by time and of errors of segments, beside those by event."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence

from har_llm.common.numbers import percent
from har_llm.common.tables import Table
from har_llm.report.grouping import Report, ordered
from har_llm.report.scored_run import ScoredRun
from har_llm.report.tables.other import KIND
from har_llm.scoring.segments import LONGEST_HOLD
from har_llm.scoring.ward import FALSE_NEGATIVE, FALSE_POSITIVE

SCORES = ("accuracy by time %", "F1 weighted by time %", "F1 macro (gold) by time %", "transition accuracy %")
ERRORS = (*FALSE_NEGATIVE, *FALSE_POSITIVE)
NOTES = (
    f"Over all sessions together, as the mean over seeds. An event counts as long as its activity holds: until the next "
    f"event of its session, at most {LONGEST_HOLD // 3600} hours.",
    "Transition accuracy: of the pairs of consecutive events with different gold, those of which both are right.",
    "Deletion, underfill and fragmentation are shares of the gold time, insertion, overfill and merge of the predicted time "
    "of all activities but the null class (Ward, Lukowicz and Gellersen, 2011); metrics.json counts their segments too.",
)


def over_time_table(report: Report) -> Table | None:
    """None without a run of which anything is scored."""
    rows = []
    for cell in ordered(report.cells):
        values = [list(_values(run)) for run in cell.runs if run.metrics.parsed(report.parsing).over_time is not None]
        if values:
            shown = [percent(_mean(column)) for column in zip(*values, strict=True)]
            rows.append([cell.run.home_name, cell.row_name(cell.run.adapter_name), *shown, cell.run.kind])
    columns = ("home", "model", *SCORES, *(f"{kind} %" for kind in ERRORS), "several gold activities %", KIND)
    title = "Scores by time, and errors of segments"
    return Table("table_time", title, columns, rows, NOTES, folded=True) if rows else None


def _values(run: ScoredRun) -> Iterator[float | None]:
    scores = run.metrics.parsed(run.parsing)
    found = scores.over_time
    assert found is not None
    yield from (found.accuracy, found.f1_weighted, found.f1_macro_gold, found.transition_accuracy)
    yield from (found.errors.share(kind) for kind in ERRORS)
    yield found.several_gold / scores.all.pooled.events


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.fmean(known) if known else None
