"""The paper's tables 1 and 4 with our numbers beside the paper's, and every score that its F1 may be."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from har_llm.common.numbers import difference, in_percent, percent, shown, with_spread
from har_llm.common.tables import Table
from har_llm.config.settings import PARSINGS
from har_llm.report.cell import Cell, CellScore, with_variant
from har_llm.report.cells import engine_note
from har_llm.report.grouping import Report
from har_llm.report.paper import (
    CITATION,
    DATASETS,
    LABELS,
    NOTES,
    STUDENTS,
    WITHOUT_WEARABLES,
    Key,
    Value,
    dataset_name,
    results,
)
from har_llm.scoring.names import METRIC_NAMES

KINDS = ("ours", "paper", "difference")
F1_SCORES = tuple(name for name in METRIC_NAMES if name.startswith("f1_"))
"""The scores that the paper's "F1" may be."""


def table1(report: Report) -> Table | None:
    cells = [cell for cell in report.paper if cell.run.distillation is None]
    if not cells:
        return None
    rows = _rows(cells, [(label, "") for label in LABELS], "f1", lambda cell: CellScore(cell.score(report.f1).mean))
    notes = [*f1_notes(report, cells), NOTES["table1"]]
    return Table("table1", "Table 1: F1 of models as they are", _columns(), rows, notes)


def table4(report: Report) -> Table | None:
    cells = [cell for cell in report.paper if cell.run.distillation is None or cell.run.distillation.all_sessions]
    if not cells:
        return None
    models = [(label, "") for label in LABELS]
    models += [(label, source) for label, model in LABELS.items() if model in STUDENTS for source in DATASETS]
    notes = [
        f"Mean and standard deviation over sessions, {report.parsing} parsing of the answers; over several seeds, the "
        f"deviation of a typical run. Paper: {CITATION}.",
        *marble_note(cells),
        *engine_note(cells),
        NOTES["table4"],
    ]
    rows = _rows(cells, models, "missed", lambda cell: cell.score("missed"))
    return Table("table4", "Table 4: missed events in %", _columns(), rows, notes)


def candidates(report: Report) -> Table | None:
    """Every score that the paper's F1 may be: by average, parsing, null class, and over sessions or all events at once."""
    if not report.paper:
        return None
    rows: list[list[str]] = []
    for without_null in (False, True):
        for cell in report.paper:
            if not without_null or cell.run.scores_without_null is not None:
                rows += _candidates_rows(report, cell, without_null=without_null)
    scores = [METRIC_NAMES[name] for name in F1_SCORES]
    head = ("model", "scored on", "null class", "parsing", "over", "runs", "paper")
    columns = (*head, *scores, "difference", "std over sessions", "std over seeds")
    notes = [*f1_notes(report, report.paper), f"The difference and the deviations are those of {METRIC_NAMES[report.f1]}."]
    table = Table("table_candidates", "Every candidate for the paper's F1", columns, rows, notes, folded=True)
    return table.without_empty("std over seeds")


def _candidates_rows(report: Report, cell: Cell, *, without_null: bool) -> Iterator[list[str]]:
    paper = cell.run.paper_value("f1")
    number = None if paper is None else paper.value
    for parsing in PARSINGS:
        own = cell.parsed(parsing)
        scores = {name: own.score(name, without_null=without_null) for name in F1_SCORES}
        pooled = {name: CellScore(own.pooled(name, without_null=without_null)) for name in F1_SCORES}
        for over, found in (("sessions", scores), ("events", pooled)):
            head = found[report.f1]
            yield [
                cell.row_name(cell.run.adapter_name),
                dataset_name(cell.run.metrics.dataset),
                "left out" if without_null else "as it is",
                parsing,
                over,
                str(cell.count),
                shown(number),
                *(percent(found[name].mean) for name in F1_SCORES),
                difference(in_percent(head.mean), number),
                percent(head.session_std),
                percent(head.seed_std),
            ]


def f1_notes(report: Report, cells: Sequence[Cell]) -> list[str]:
    seeds = max(len(cell.runs) for cell in cells)
    over = f"mean over sessions and over up to {seeds} seeds" if seeds > 1 else "mean over sessions"
    ours = f"In %: {METRIC_NAMES[report.f1]}, {report.parsing} parsing of the answers, {over}"
    notes = [f"{ours}. Paper: {CITATION}, where F1 is not named more exactly."]
    if report.f1 != report.headline:
        notes.append(f"metrics.headline is {report.headline}, which is not an F1 score; the paper's numbers are.")
    return [*notes, *marble_note(cells), *engine_note(cells)]


def marble_note(cells: Sequence[Cell]) -> list[str]:
    if all(cell.run.metrics.dataset != "marble" for cell in cells):
        return []
    return [f"Ours is {WITHOUT_WEARABLES}; the paper speaks of smart-watches, whose events it does not describe."]


def _columns() -> tuple[str, ...]:
    """Beside the paper's MARBLE, with its watches, stands ours without."""
    ours = {"marble": WITHOUT_WEARABLES}
    kinds = [(ours.get(dataset, name), name, name) for dataset, name in DATASETS.items()]
    return ("model", *(f"{name} {what}" for names in kinds for name, what in zip(names, KINDS, strict=True)))


def _rows(
    cells: Sequence[Cell], models: Sequence[tuple[str, str]], metric: str, ours: Callable[[Cell], CellScore]
) -> list[list[str]]:
    """A row for each model (with what it was trained on) and variant; the paper's models are listed also without runs."""
    found: dict[tuple[str, str], list[tuple[str, dict[str, Cell]]]] = {model: [] for model in models}
    for cell in cells:
        source = "" if cell.run.distillation is None else cell.run.distillation.dataset
        variants = found.setdefault((cell.run.model_name, source), [])
        free = (own for variant, own in variants if variant == cell.variant and cell.run.metrics.dataset not in own)
        own = next(free, None)
        if own is None:
            variants.append((cell.variant, own := {}))
        own[cell.run.metrics.dataset] = cell
    rows = []
    for (name, source), variants in found.items():
        have = {dataset for _, own in variants for dataset in own}
        for place, (variant, own) in enumerate(variants or [("", {})]):
            row = [_label(name, source, variant)]
            for dataset in DATASETS:
                if dataset in own:
                    row += _three(ours(own[dataset]), own[dataset].run.paper_value(metric))
                else:  # only the paper's number, in one row
                    key = Key(metric, LABELS.get(name, ""), source, None, dataset)
                    row += _three(CellScore(), results().get(key) if place == 0 and dataset not in have else None)
            rows.append(row)
    return rows


def _three(ours: CellScore, paper: Value | None) -> list[str]:
    own = in_percent(ours.mean)
    shown_own = with_spread(own, in_percent(ours.session_std))
    if paper is None:
        return [shown_own, "", ""]
    return [shown_own, with_spread(paper.value, paper.spread), difference(own, paper.value)]


def _label(name: str, source: str, variant: str) -> str:
    return with_variant(f"{name} trained on {dataset_name(source)}" if source else name, variant)
