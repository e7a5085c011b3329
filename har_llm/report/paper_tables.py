"""The paper's tables 1, 2 and 4 and the numbers of figure 4, ours beside the paper's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal

from har_llm.report.cells import Cell, engine_note
from har_llm.report.facts import CANDIDATES
from har_llm.report.numbers import NAMES, mean_of, minus, percent, rounded, shown, signed, with_spread
from har_llm.report.paper import (
    CITATION,
    DATASETS,
    MODELS,
    NOTES,
    STUDENTS,
    TEACHER,
    Key,
    Value,
    paper_model,
    results,
    value_for,
)
from har_llm.report.parts import Table
from har_llm.report.views import Report, dataset_name, model_name, row_name

Row = tuple[str, str, str]
"""A model, what it was taught on, and what else tells a row from others."""


def paper_tables(report: Report) -> list[Table]:
    """Those for which there are runs."""
    made = [table1(report), table2(report), table4(report), figure4(report), candidates(report)]
    return [table for table in made if table is not None]


def table1(report: Report) -> Table | None:
    cells = [cell for cell in report.paper if cell.run.taught is None]
    if not cells:
        return None
    return Table(
        "table1",
        "Table 1: F1 of models as they are",
        _wide_columns(),
        _wide_rows(cells, [(model, "") for model in MODELS], "f1", lambda cell: shown(mean_of(cell.score(report.f1)))),
        [*_notes(report, cells), NOTES["table1"]],
    )


def table4(report: Report) -> Table | None:
    cells = [cell for cell in report.paper if cell.run.taught is None or cell.run.taught.everything]
    if not cells:
        return None
    models = [(model, "") for model in MODELS] + [(model, source) for model in STUDENTS for source in DATASETS]

    def ours(cell: Cell) -> str:
        score = cell.score("missed")
        return "" if score is None else with_spread(percent(score.mean), percent(score.session_std))

    return Table(
        "table4",
        "Table 4: missed events in %",
        _wide_columns(),
        _wide_rows(cells, models, "missed", ours),
        [
            f"Mean and standard deviation over sessions, {report.reading} reading of the answers; of several seeds, that of a "
            f"typical run. {CITATION}.",
            *engine_note(cells),
            NOTES["table4"],
        ],
    )


def table2(report: Report) -> Table | None:
    cells = [cell for cell in report.paper if cell.run.taught is not None and cell.run.taught.everything]
    if not cells:
        return None
    rows = [_taught_row(report, cell) for cell in cells]
    have = {(model_name(c.run), c.run.taught.dataset, c.run.dataset) for c in cells if c.run.taught is not None}
    for key, value in results().items():
        name = MODELS[key.model].rpartition("/")[2]
        if key.metric == "f1" and key.taught_on and key.sessions is None and (name, key.taught_on, key.dataset) not in have:
            rows.append([name, dataset_name(key.taught_on), dataset_name(key.dataset), "", "", "", *_paper_lesson(key, value), ""])
    order = {name.rpartition("/")[2]: place for place, name in enumerate(MODELS.values())}
    rows.sort(key=lambda row: (order.get(row[0].partition(" [")[0], len(order)), row[0].partition(" [")[0], row[2], row[1]))
    return Table(
        "table2",
        "Table 2: F1 of students taught on all sessions",
        ("model", "taught on", "scored on", "ours", "increase", "gap closed %", "paper", "paper: increase",
         "paper: gap closed %", "difference"),  # fmt: skip
        rows,
        [*_notes(report, cells), _comparison_note(), NOTES["table2"]],
    )


def figure4(report: Report) -> Table | None:
    """Students by the number of sessions that they were taught on, on the dataset that they are scored on."""
    cells = [cell for cell in report.paper if cell.run.taught is not None and not _cross(cell)]
    if all(cell.run.taught is None or cell.run.taught.everything for cell in cells):
        return None
    rows = []
    for cell in cells:
        assert cell.run.taught is not None
        name, _, scored, *numbers = _taught_row(report, cell)
        rows.append([name, scored, str(cell.run.taught.sessions), *numbers])
    return Table(
        "table_figure4",
        "Figure 4 in numbers: F1 by training sessions",
        ("model", "taught and scored on", "sessions", "ours", "increase", "gap closed %", "paper", "paper: increase",
         "paper: gap closed %", "difference"),  # fmt: skip
        rows,
        [*_notes(report, cells), _comparison_note()],
    )


def candidates(report: Report) -> Table | None:
    """Every score that the paper's F1 may be."""
    if not report.paper:
        return None
    rows = []
    for cell in report.paper:
        for without_null in (False, True):
            if without_null and cell.run.scores_without_null is None:
                continue
            paper = value_for(cell.run, "f1")
            head, number = cell.score(report.f1, without_null=without_null), paper and paper.value
            means = [mean_of(cell.score(name, without_null=without_null)) for name in CANDIDATES]
            rows.append(
                [
                    _name(cell),
                    dataset_name(cell.run.dataset),
                    "left out" if without_null else "as it is",
                    str(len(cell.runs)),
                    shown(number),
                    *map(shown, means),
                    signed(minus(mean_of(head), number)),
                    shown(percent(head and head.session_std)),
                    shown(percent(head and head.seed_std)),
                ]
            )
    return Table(
        "table_candidates",
        "Every candidate for the paper's F1",
        ("model", "scored on", "null class", "runs", "paper", *(NAMES[name] for name in CANDIDATES), "difference",
         "std over sessions", "std over seeds"),  # fmt: skip
        rows,
        [*_notes(report, report.paper), f"The difference and the deviations are those of {NAMES[report.f1]}."],
    )


def _wide_columns() -> tuple[str, ...]:
    return ("model", *(f"{name} {what}" for name in DATASETS.values() for what in ("ours", "paper", "difference")))


def _wide_rows(
    cells: Sequence[Cell], models: Sequence[tuple[str, str]], metric: str, ours: Callable[[Cell], str]
) -> list[list[str]]:
    """A row for each model and variant, a group of columns for each dataset; the paper's models are there without runs, too."""
    names = [(MODELS[model].rpartition("/")[2], source) for model, source in models]
    found: dict[Row, dict[str, Cell]] = {}
    for cell in cells:
        source = "" if cell.run.taught is None else cell.run.taught.dataset
        found.setdefault((model_name(cell.run), source, cell.variant), {})[cell.run.dataset] = cell
    places: dict[tuple[str, str], list[Row]] = {name: [] for name in names}
    for row in found:
        places.setdefault(row[:2], []).append(row)
    rows = []
    for (name, source), own in places.items():
        paper = dict(zip(names, models, strict=True)).get((name, source))
        told: set[str] = set()
        for row in own or [(name, source, "")]:
            shown_row = [_label(*row)]
            for dataset in DATASETS:
                cell = found.get(row, {}).get(dataset)
                value = None
                if cell is not None:
                    value = value_for(cell.run, metric)
                elif paper is not None and dataset not in told and not any(dataset in found[other] for other in own):
                    value = results().get(Key(metric, paper[0], source, None, dataset))  # the paper's alone, once
                told.add(dataset)
                shown_row += _three(None if cell is None else ours(cell), value)
            rows.append(shown_row)
    return rows


def _three(ours: str | None, paper: Value | None) -> list[str]:
    own = Decimal(ours.partition(" ")[0]) if ours else None
    return [
        ours or "",
        "" if paper is None else with_spread(paper.value, paper.spread),
        "" if paper is None else signed(minus(own, paper.value)),
    ]


def _label(name: str, source: str, variant: str) -> str:
    label = f"{name} taught on {dataset_name(source)}" if source else name
    return f"{label} [{variant}]" if variant else label


def _name(cell: Cell) -> str:
    taught = cell.run.taught
    if taught is None:
        return row_name(cell)
    count = "" if taught.everything else f" ({taught.sessions} sessions)"
    return row_name(cell, f"taught on {dataset_name(taught.dataset)}{count}")


def _taught_row(report: Report, cell: Cell) -> list[str]:
    """Model, source, dataset; ours, its increase and share of the gap; the paper's; the difference."""
    taught, paper = cell.run.taught, value_for(cell.run, "f1")
    assert taught is not None
    plain = report.plain_of(cell)
    own = mean_of(cell.score(report.f1))
    lesson = ["", "", ""]
    model = paper_model(cell.run)
    if paper is not None and model is not None:
        key = Key("f1", model, taught.dataset, None if taught.everything else taught.sessions, cell.run.dataset)
        lesson = _paper_lesson(key, paper)
    return [
        row_name(cell),
        dataset_name(taught.dataset),
        dataset_name(cell.run.dataset),
        shown(own),
        signed(minus(own, mean_of(plain.score(report.f1)) if plain else None)),
        shown(percent(report.gap_closed(cell, report.f1))),
        *lesson,
        signed(minus(own, paper.value if paper else None)),
    ]


def _paper_lesson(key: Key, value: Value) -> list[str]:
    """The paper's number, and what follows from its own table 1."""
    plain = results()[Key("f1", key.model, "", None, key.dataset)].value
    teacher = results()[Key("f1", TEACHER, "", None, key.dataset)].value
    closed = (value.value - plain) / (teacher - plain) * 100
    return [shown(value.value), signed(value.value - plain), shown(rounded(closed))]


def _cross(cell: Cell) -> bool:
    return cell.run.taught is not None and cell.run.taught.dataset != cell.run.dataset


def _comparison_note() -> str:
    return (
        "Increase: over the same student as it is. Gap closed: the share of the way from the student as it is to the teacher. Both are "
        "empty where such a run, with the same settings, is not among these."
    )


def _notes(report: Report, cells: Sequence[Cell]) -> list[str]:
    text = f"In %: {NAMES[report.f1]}, {report.reading} reading of the answers, mean over sessions"
    seeds = max(len(cell.runs) for cell in cells)
    text += f" and over up to {seeds} seeds" if seeds > 1 else ""
    notes = [f"{text}. {CITATION}, where F1 is not named more exactly."]
    if report.f1 != report.headline:
        notes.append(f"metrics.headline is {report.headline}, which is no F1; the paper's numbers are.")
    return [*notes, *engine_note(cells)]
