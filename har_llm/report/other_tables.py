"""Tables that stand beside no paper's numbers: the story of the paper on any home, what texts cost, and the list of runs."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from har_llm.report.cells import Cell, engine_note
from har_llm.report.facts import RunFacts
from har_llm.report.numbers import NAMES, percent, shown
from har_llm.report.paper import comparable
from har_llm.report.parts import Table
from har_llm.report.views import Report, dataset_name, lesson_name, ordered, row_name

REAL = "real home, real model"
SYNTHETIC = "synthetic home, synthetic model"


def story_tables(report: Report) -> list[Table]:
    """Synthetic runs and others apart: what is synthetic says nothing about real homes."""
    synthetic = [cell for cell in report.other if cell.run.provenance == SYNTHETIC]
    others = [cell for cell in report.other if cell.run.provenance != SYNTHETIC]
    made = []
    if synthetic:
        made.append(_story(report, synthetic, "table_miniature", f"The paper in miniature ({SYNTHETIC})"))
    if others:
        made.append(_story(report, others, "table_others", "Other homes, parts and adapters"))
    return made


def _story(report: Report, cells: Sequence[Cell], name: str, title: str) -> Table:
    """For each home: the student as it is, the teacher, the student by what it was taught on, at last across homes."""
    teachers = {run.taught.teacher for run in (cell.run for cell in report.cells) if run.taught is not None}
    rows = []
    for cell in sorted(cells, key=lambda cell: (cell.run.dataset, cell.run.part, _adapted(cell.run))):
        score, missed = cell.score(report.headline), cell.score("missed")
        rows.append(
            [
                _home(cell.run),
                row_name(cell),
                _training(cell.run, teachers),
                shown(percent(score and score.mean)),
                shown(percent(score and score.session_std)),
                shown(percent(score and score.seed_std)),
                shown(percent(report.gap_closed(cell, report.headline) if cell.run.taught else None)),
                shown(percent(missed and missed.mean)),
                str(len(cell.runs)),
                cell.run.provenance or REAL,
            ]
        )
    return Table(
        name,
        title,
        ("home", "model", "training", f"{NAMES[report.headline]} %", "std over sessions", "std over seeds", "gap closed %",
         "missed %", "runs", "what it is"),  # fmt: skip
        rows,
        [
            f"{report.reading.capitalize()} reading of the answers; mean over sessions. Gap closed: the share of the way from the "
            "student as it is to its teacher, on the same events.",
            *engine_note(cells),
        ],
    )


def _adapted(run: RunFacts) -> bool:
    return run.taught is not None or run.adapter is not None


def _training(run: RunFacts, teachers: Collection[str]) -> str:
    return lesson_name(run) or ("none (teacher)" if run.model in teachers else "none")


def _home(run: RunFacts) -> str:
    return dataset_name(run.dataset) if run.part == "test" else f"{dataset_name(run.dataset)}, {run.part} part"


def cost_table(report: Report) -> Table:
    """What an answer costs: the paper argues with the size of models; tokens and seconds are what size makes of it."""
    cells = ordered(report.cells)
    rows = []
    for cell in cells:
        score = cell.score(report.headline)
        prompt, answer, seconds = (cell.per_window(name) for name in ("prompt_tokens", "completion_tokens", "seconds"))
        rows.append(
            [
                _home(cell.run),
                row_name(cell, lesson_name(cell.run)),
                "" if cell.run.parameters is None else f"{cell.run.parameters / 1e6:.1f}",
                shown(percent(score and score.mean)),
                "" if prompt is None else f"{prompt:.0f}",
                "" if answer is None else f"{answer:.0f}",
                "" if seconds is None else f"{seconds:.3g}",
                "; ".join(cell.engines),
                cell.run.provenance or REAL,
            ]
        )
    return Table(
        "table_cost",
        f"What a window costs{_label(cells)}",
        ("home", "model", "parameters (millions)", f"{NAMES[report.headline]} %", "prompt tokens", "generated tokens", "seconds",
         "engine and hardware", "what it is"),  # fmt: skip
        rows,
        ["Tokens and seconds are means over windows. Seconds are a window's share of the time that its engine took for the texts of "
         "a whole batch: compare them on the same engine and hardware only."],  # fmt: skip
    )


def runs_table(report: Report) -> Table:
    """Every run of the report, and where its numbers went."""
    rows = []
    for cell in ordered(report.cells):
        for run in cell.runs:
            score, missed = run.scores[report.headline], run.scores["missed"]
            rows.append(
                [
                    run.folder.name,
                    _home(run),
                    row_name(cell, lesson_name(run)),
                    str(run.seed),
                    str(len(run.sessions)),
                    str(run.windows),
                    shown(percent(score and score.mean)),
                    shown(percent(missed and missed.mean)),
                    "; ".join(run.engines),
                    run.provenance or REAL,
                    _where(run),
                ]
            )
    return Table(
        "table_runs",
        f"The runs of this report{_label(report.cells)}",
        ("run", "home", "model", "seed", "sessions", "windows", f"{NAMES[report.headline]} %", "missed %", "engine", "what it is",
         "shown in"),  # fmt: skip
        rows,
        list(report.notes),
    )


def _label(cells: Sequence[Cell]) -> str:
    """What is synthetic of a table that holds all kinds of runs."""
    kinds = {cell.run.provenance for cell in cells}
    made = ", ".join(sorted(kind for kind in kinds if kind))
    if not made:
        return ""
    return f" (in part synthetic: {made})" if len(kinds) > 1 else f" ({made})"


def _where(run: RunFacts) -> str:
    if comparable(run):
        if run.taught is None:
            return "tables 1 and 4"
        return "tables 2 and 4" if run.taught.everything else "figure 4"
    return "the paper in miniature" if run.provenance == SYNTHETIC else "other homes, parts and adapters"
