"""Tables without the paper's numbers: its experiments on any home, the cost of generations, and the list of runs."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from har_llm.common.numbers import counted, decimals, in_percent, percent, with_spread
from har_llm.common.tables import Table
from har_llm.report.cell import Cell
from har_llm.report.cells import engine_note
from har_llm.report.grouping import SYNTHETIC, Report, adapted, ordered
from har_llm.report.scored_run import ScoredRun

KIND = "what it is"
"""The column that says in every row what is synthetic about it, because a row may be copied without the title."""
MINIATURE, OTHERS = "The paper in miniature", "Other homes, parts and adapters"
COST_NOTE = (
    "Tokens and seconds are those of all generations, divided by the events that they answer for. Seconds are shares of the "
    "time that an engine took for all that it made at once: compare them on the same engine and hardware only."
)


def story_tables(report: Report) -> list[Table]:
    """A table for each kind of runs with scores: synthetic results say nothing about real homes and models."""
    kinds = ((name, kind, [cell for cell in cells if cell.run.metrics.has_scores]) for name, kind, cells in report.kinds)
    return [
        _story(report, cells, f"table_{name}", (MINIATURE if kind == SYNTHETIC else OTHERS) + _label(cells))
        for name, kind, cells in sorted(kinds, key=lambda kind: kind[1] != SYNTHETIC)
        if cells
    ]


def _story(report: Report, cells: Sequence[Cell], name: str, title: str) -> Table:
    """For each home: the plain student, the teacher, the student by what it was trained on, other homes, baselines."""
    trained = [cell.run.distillation for cell in report.cells if cell.run.distillation is not None]
    teachers = {one.teacher for one in trained if one.teacher is not None}
    rows = []
    for cell in sorted(cells, key=_in_story):
        score, missed = cell.score(report.headline), cell.score("missed")
        rows.append(
            [
                cell.run.home_name,
                cell.row_name(),
                _trained_on(cell.run, teachers),
                percent(score.mean),
                percent(score.session_std),
                percent(score.seed_std),
                percent(report.gap_closed(cell, report.headline) if cell.run.distillation else None),
                with_spread(in_percent(missed.mean), in_percent(missed.session_std)),
                str(cell.count),
                cell.run.kind,
            ]
        )
    scores = (f"{report.headline_name} %", "std over sessions", "std over seeds", "gap closed %", "missed %")
    note = (
        f"{report.parsing.capitalize()} parsing of the answers; mean over sessions. Gap closed: the share of the way from "
        "the student as it is to its teacher, on the same events."
    )
    columns = ("home", "model", "trained on", *scores, "runs", KIND)
    return Table(name, title, columns, rows, [note, *engine_note(cells)]).without_empty("std over seeds")


def _in_story(cell: Cell) -> tuple[object, ...]:
    run = cell.run
    return (run.metrics.dataset, run.metrics.part, run.is_baseline, adapted(run))


def _trained_on(run: ScoredRun, teachers: Collection[str]) -> str:
    if run.metrics.baseline is not None:
        sessions = run.metrics.baseline.sessions
        return f"gold activities of {counted(sessions, 'session')}" if sessions else "nothing"
    if run.distillation is not None:
        return run.training_sessions
    return run.adapter_name or ("nothing (teacher)" if run.metrics.model in teachers else "nothing")


def cost_table(report: Report) -> Table:
    """The cost of an event in tokens and seconds, beside the model's size, which is what the paper compares."""
    rows = []
    for cell in ordered(report.cells):
        prompt, answer, seconds = (cell.per_event(name) for name in ("prompt_tokens", "completion_tokens", "engine_seconds"))
        rows.append(
            [
                cell.run.home_name,
                cell.row_name(cell.run.adapter_name),
                "" if cell.run.metrics.parameters is None else decimals(cell.run.metrics.parameters / 1e6, 1),
                percent(cell.score(report.headline).mean),
                decimals(prompt, 1),
                decimals(answer, 1),
                decimals(seconds, 4),
                "; ".join(cell.engines),
                cell.run.kind,
            ]
        )
    amounts = ("prompt tokens", "generated tokens", "seconds")
    columns = (
        "home",
        "model",
        "parameters (millions)",
        f"{report.headline_name} %",
        *amounts,
        "engine and hardware",
        KIND,
    )
    table = Table("table_cost", f"What an event costs{_label(report.cells)}", columns, rows, [COST_NOTE], folded=True)
    return table.without_empty(f"{report.headline_name} %")


def runs_table(report: Report) -> Table:
    """Every run of the report, and the tables that show it."""
    rows = []
    for cell in ordered(report.cells):
        for run in (ScoredRun(one, cell.run.parsing) for pooled in cell.runs for one in pooled.results):
            rows.append(
                [
                    run.result.folder.name,
                    run.result.environment.written,
                    run.home_name,
                    cell.row_name(run.adapter_name),
                    percent(run.scores[report.headline].mean),
                    percent(run.scores["missed"].mean),
                    str(run.metrics.seed),
                    str(len(run.sessions) or run.metrics.sessions),
                    str(run.metrics.windows),
                    "; ".join(run.engines),
                    run.kind,
                    _where(run),
                ]
            )
    scores = (f"{report.headline_name} %", "missed %")
    columns = (
        "run",
        "written (UTC)",
        "home",
        "model",
        *scores,
        "seed",
        "sessions",
        "windows",
        "engine and hardware",
        KIND,
        "shown in",
    )
    title = f"The runs of this report{_label(report.cells)}"
    return Table("table_runs", title, columns, rows, list(report.notes), folded=True).without_empty(*scores)


def _label(cells: Sequence[Cell]) -> str:
    """What is synthetic about a table, in brackets; of its models, if it has any, as baselines are none."""
    models = [cell for cell in cells if not cell.run.is_baseline]
    kinds = {cell.run.metrics.provenance.label for cell in models or cells}
    made = "; ".join(sorted(kind for kind in kinds if kind))
    if not made:
        return ""
    return f" (in part synthetic: {made})" if len(kinds) > 1 else f" ({made})"


def _where(run: ScoredRun) -> str:
    if not run.metrics.has_scores:
        return "what is done at home, and for how long"
    if run.is_baseline:
        return "the tables of the models on the same events"
    if run.comparable:
        if run.distillation is None:
            return "tables 1 and 4"
        return "tables 2 and 4" if run.distillation.all_sessions else "figure 4"
    if run.metrics.provenance == SYNTHETIC:
        return "the paper in miniature"
    return f"other homes, parts and adapters{run.metrics.provenance.suffix}"
