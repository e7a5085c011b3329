from __future__ import annotations

from pathlib import Path

import pytest

from har_llm.report.terminal.beside import strongest_ahead
from har_llm.report.terminal.run import show_run
from har_llm.report.terminal.sweep import show_sweep
from har_llm.runs.directory import RunResult
from har_llm.sweep.job import Job
from tests.composing import experiment
from tests.scripted_runs import SMALL, done, gold_script

pytestmark = pytest.mark.slow

SHOWN = {"headline": "f1_weighted", "parsing": "strict"}
BASELINES = ("majority", "sensor_majority")


@pytest.fixture
def beside(tmp_path: Path) -> list[RunResult]:
    return [done(tmp_path, f"model={name}")[0] for name in BASELINES]


def test_the_strongest_baseline_that_is_ahead_is_named(
    tmp_path: Path, beside: list[RunResult], capsys: pytest.CaptureFixture[str]
) -> None:
    weak, _ = done(tmp_path, f"engine.path={gold_script(tmp_path / 'weak.jsonl', wrong=99)}")
    show_run(weak, beside, fresh=True, **SHOWN)
    shown = capsys.readouterr().out
    assert "The baseline sensor_majority (supervised) is ahead of tiny_student." in shown
    assert "majority (supervised)  " in shown and "\nmodel " in shown
    show_run(beside[0], fresh=True, **SHOWN)
    shown = capsys.readouterr().out
    assert "majority (supervised): a baseline, trained on the gold activities of 2 sessions (" in shown
    for word in ("temperature", "thinking", "prompt ", "tokens", "synthetic model", "unresolved"):
        assert word not in shown


def test_none_is_named_where_the_model_is_ahead(
    tmp_path: Path, script: str, beside: list[RunResult], capsys: pytest.CaptureFixture[str]
) -> None:
    strong, _ = done(tmp_path, script)
    show_run(strong, beside, fresh=True, **SHOWN)
    shown = capsys.readouterr().out
    assert "Beside baselines on the same events" in shown and "is ahead of" not in shown


def test_baselines_on_other_events_are_not_held_against_a_run(tmp_path: Path, beside: list[RunResult]) -> None:
    weak, _ = done(tmp_path, f"engine.path={gold_script(tmp_path / 'weak.jsonl', wrong=99)}", "limit=5")
    assert strongest_ahead(weak.metrics, [one.metrics for one in beside], **SHOWN) is None


def test_a_sweep_shows_them_and_says_of_which_jobs_they_are_ahead(
    tmp_path: Path, script: str, beside: list[RunResult], capsys: pytest.CaptureFixture[str]
) -> None:
    weak = f"engine.path={gold_script(tmp_path / 'weak.jsonl', wrong=99)}"
    jobs = [Job(title, experiment(*SMALL)) for title in ("weak", "strong")]
    jobs[0].result, jobs[1].result = (done(tmp_path, one)[0] for one in (weak, script))
    show_sweep(jobs, beside)
    shown = capsys.readouterr().out
    assert "The baseline sensor_majority (supervised) on simulated_flat is ahead of weak." in shown
    assert "majority (supervised) on" in shown
