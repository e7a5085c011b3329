"""The folds of a cross-validation are one run of a report, on all sessions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from har_llm.report.cells import cells_of
from har_llm.report.folds import pool_folds
from har_llm.report.grouping import make_report
from har_llm.report.scored_run import ScoredRun
from har_llm.report.standing import standings
from har_llm.report.tables.all import make_tables
from har_llm.runs.directory import RunResult
from tests.report.run_folders import A_RIGHT, A_WRONG, ACTIVITIES, rows, written

FOLDS = ({"s1": A_RIGHT}, {"s2": A_WRONG, "s3": A_WRONG}, {"s4": A_RIGHT})
"""By fold."""


def fold(folder: Path, number: int, *, folds: int = 3, **changes: Any) -> RunResult:
    """Which the run's own config does not have to say: metrics.json does."""
    choices = {
        "window": {"kind": "FixedWindows"},
        "prompt": {},
        "generation": {},
        "split": {"kind": "KFoldSplit", "part": "test", "folds": folds, "fold": number},
    }
    made = {"sessions": changes.pop("held", FOLDS[number]), "name": f"{changes.get('model', 'student')}-{number}"}
    digest = f"of fold {number} and seed {changes.get('seed', 0)}"
    name = f"{made['name']}-seed{changes.get('seed', 0)}"
    return written(folder / name, rows(made["sessions"]), choices=choices, generations_digest=digest, **changes)


def scored(*runs: RunResult) -> list[ScoredRun]:
    return [ScoredRun(run, "strict") for run in runs]


def test_folds_are_one_cell_with_the_sessions_of_all(tmp_path: Path) -> None:
    runs = scored(*(fold(tmp_path, number) for number in (2, 0, 1)))
    (pooled,), notes = pool_folds(runs)
    assert pooled.sessions == ("s1", "s2", "s3", "s4") and not notes
    metrics = pooled.metrics
    assert (metrics.sessions, metrics.events, metrics.windows) == (4, 16, 12)
    (cell,), _ = cells_of([pooled])
    assert cell.score("accuracy").mean == pytest.approx((1 + 0.25 + 0.25 + 1) / 4), "over sessions, not over folds"
    assert cell.score("accuracy").session_std == pytest.approx(0.4330127)
    assert cell.pooled("accuracy") == pytest.approx(10 / 16)
    assert cell.per_event("completion_tokens") == pytest.approx(3000 / 12 * 12 / 16)
    assert cell.variant == "" and cell.count == 3


def test_a_missing_fold_is_said(tmp_path: Path) -> None:
    report = make_report([fold(tmp_path, 0), fold(tmp_path, 2)], "accuracy", "strict")
    assert [cell.variant for cell in report.cells] == ["2 of 3 folds"]
    assert any(note.endswith("student-0-seed0: 2 of 3 folds.") for note in report.notes)


def test_seeds_and_models_are_pooled_apart(tmp_path: Path) -> None:
    runs = [fold(tmp_path, n, seed=seed) for seed in (0, 1) for n in range(3)]
    other = [fold(tmp_path, n, model="teacher", model_id="owner/teacher") for n in range(3)]
    report = make_report([*runs, *other], "accuracy", "strict")
    assert sorted((cell.run.metrics.model, len(cell.runs), cell.count) for cell in report.cells) == [
        ("student", 2, 6),
        ("teacher", 1, 3),
    ]
    (standing,) = standings(report)
    assert standing.title.endswith("4 sessions, 16 events")
    listed = next(table for table in make_tables(report) if table.name == "table_runs")
    assert len(listed.rows) == 9, "each directory is listed"


def test_folds_with_the_same_sessions_are_not_pooled(tmp_path: Path) -> None:
    runs = scored(fold(tmp_path, 0), fold(tmp_path, 1, held=FOLDS[0]))
    found, notes = pool_folds(runs)
    assert found == runs
    assert notes == ["These folds are not pooled, because some have the same sessions: student-0-seed0, student-1-seed0."]


def test_folds_of_two_homes_of_one_name_are_not_pooled(tmp_path: Path) -> None:
    """Where the data lie is no setting that tells runs apart, and activities may have been renamed between folds."""
    other = {**ACTIVITIES, 3: "feeding the cat"}
    runs = scored(fold(tmp_path, 0), fold(tmp_path, 2, activities=other))
    found, notes = pool_folds(runs)
    assert [run.missing_folds for run in found] == ["1 of 3 folds"] * 2 and len(notes) == 2
