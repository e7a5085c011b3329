"""The gains of distilled students beside the paper's: its table 2, and figure 4 in numbers."""

from __future__ import annotations

from har_llm.common.numbers import difference, in_percent, percent, rounded, shown
from har_llm.common.tables import Table
from har_llm.report.cell import Cell
from har_llm.report.grouping import Report
from har_llm.report.paper import DATASETS, LABELS, NOTES, TEACHER, Key, dataset_name, results
from har_llm.report.scored_run import ScoredRun
from har_llm.report.tables.paper import f1_notes
from har_llm.runs.result import Distillation

COLUMNS = ("ours", "increase", "gap closed %", "paper", "paper: increase", "paper: gap closed %", "difference")
COMPARISON = (
    "Increase: over the same student as it is. Gap closed: the share of the way from the student as it is to the teacher. "
    "Both are empty where such a run, with the same settings, is not among these."
)
Place = tuple[str, str, str]
"""A student's label, the dataset that it is scored on, the one that it was trained on."""


def table2(report: Report) -> Table | None:
    """Students trained on all sessions of a dataset; the paper's are listed also without runs."""
    trained = [(cell, recipe) for cell, recipe in _students(report) if recipe.all_sessions]
    if not trained:
        return None
    rows: dict[Place, list[list[str]]] = {}
    for label, model in LABELS.items():
        for scored in DATASETS:
            for source in DATASETS:
                if Key("f1", model, source, None, scored) in results():
                    rows[label, scored, source] = []
    for cell, recipe in trained:
        row = [cell.row_name(), *_both(cell.run, recipe), *_numbers(report, cell, recipe)]
        rows.setdefault(_place(cell.run, recipe), []).append(row)
    baselines = report.beside(cell for cell, _ in trained)
    for (label, scored, source), own in rows.items():
        if not own:
            alone = _paper(Key("f1", LABELS[label], source, None, scored))
            own.append([label, dataset_name(source), dataset_name(scored), "", "", "", *alone, ""])
    return Table(
        "table2",
        "Table 2: F1 of students trained on all sessions",
        ("model", "trained on", "scored on", *COLUMNS),
        [*(row for own in rows.values() for row in own), *(_baseline(report, cell) for cell in baselines)],
        [*f1_notes(report, [cell for cell, _ in trained]), COMPARISON, NOTES["table2"]],
    )


def figure4_table(report: Report) -> Table | None:
    """Students by the number of sessions that they were trained on, if there are several; also for other datasets."""
    trained = _students(report)
    counted = {_place(cell.run, recipe) for cell, recipe in trained if not recipe.all_sessions}
    trained = [(cell, recipe) for cell, recipe in trained if _place(cell.run, recipe) in counted]
    if not trained:
        return None
    return Table(
        "table_figure4",
        "Figure 4 in numbers: F1 by training sessions",
        ("model", "trained on", "scored on", "sessions", *COLUMNS),
        [
            *(
                [cell.row_name(), *_both(cell.run, recipe), str(recipe.sessions), *_numbers(report, cell, recipe)]
                for cell, recipe in trained
            ),
            *(_baseline(report, cell, sessions=True) for cell in report.beside(cell for cell, _ in trained)),
        ],
        [*f1_notes(report, [cell for cell, _ in trained]), COMPARISON],
    )


def _students(report: Report) -> list[tuple[Cell, Distillation]]:
    return [(cell, cell.run.distillation) for cell in report.paper if cell.run.distillation is not None]


def _baseline(report: Report, cell: Cell, *, sessions: bool = False) -> list[str]:
    """A row of a baseline. `sessions`: whether it says on how many sessions it was trained."""
    home, baseline = dataset_name(cell.run.metrics.dataset), cell.run.metrics.baseline
    count = 0 if baseline is None else baseline.sessions
    trained = [home if count else "nothing", home, *([str(count)] if sessions else [])]
    return [cell.row_name(), *trained, percent(cell.score(report.f1).mean), *([""] * (len(COLUMNS) - 1))]


def _place(run: ScoredRun, recipe: Distillation) -> Place:
    return (run.model_name, run.metrics.dataset, recipe.dataset)


def _both(run: ScoredRun, recipe: Distillation) -> list[str]:
    return [dataset_name(recipe.dataset), dataset_name(run.metrics.dataset)]


def _numbers(report: Report, cell: Cell, recipe: Distillation) -> list[str]:
    """Our score, its increase and its share of the gap; the paper's three; the difference of the scores."""
    own, plain, paper = in_percent(cell.score(report.f1).mean), report.plain_of(cell), cell.run.paper_value("f1")
    sessions = None if recipe.all_sessions else recipe.sessions
    key = Key("f1", cell.run.paper_model or "", recipe.dataset, sessions, cell.run.metrics.dataset)
    return [
        shown(own),
        difference(own, None if plain is None else in_percent(plain.score(report.f1).mean)),
        percent(report.gap_closed(cell, report.f1)),
        *(_paper(key) if paper is not None else ["", "", ""]),
        difference(own, None if paper is None else paper.value),
    ]


def _paper(key: Key) -> list[str]:
    """The paper's number, and the increase and share of the gap that follow from its table 1."""
    value = results()[key].value
    plain = results()[Key("f1", key.model, "", None, key.dataset)].value
    teacher = results()[Key("f1", TEACHER, "", None, key.dataset)].value
    return [shown(value), difference(value, plain), shown(rounded((value - plain) / (teacher - plain) * 100))]
