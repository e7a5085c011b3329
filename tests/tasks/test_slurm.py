"""Sweeps on Slurm: what is done before anything is submitted."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from har_llm.sweep.job import Job
from har_llm.sweep.slurm.settings import SlurmSettings
from har_llm.tasks import run_on_slurm
from tests.composing import experiment
from tests.scripted_runs import SMALL, done


def test_baselines_are_computed_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    common = (*SMALL, f"paths.outputs={tmp_path}", "limit=2", "report.after_sweep=false")
    jobs = [Job(name, experiment(*common, f"model={name}")) for name in ("tiny_student", "majority")]
    submitted = []

    def submit(asked: Sequence[Job], *_: Any) -> None:
        submitted.extend(job.title for job in asked if job.result is None)

    monkeypatch.setattr("har_llm.sweep.slurm.submit.run_jobs", submit)
    run_on_slurm(jobs, SlurmSettings())
    assert submitted == ["tiny_student"]
    assert "majority" in capsys.readouterr().out


def test_predictions_are_shown_without_baselines(
    tmp_path: Path, script: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    result, _ = done(tmp_path, script, "limit=2")
    job = Job("", experiment(*SMALL, script, "limit=2", "task=predict", f"paths.outputs={tmp_path / 'outputs'}"))

    def submit(asked: Sequence[Job], *_: Any) -> None:
        asked[0].result = result

    monkeypatch.setattr("har_llm.sweep.slurm.submit.run_jobs", submit)
    run_on_slurm([job], SlurmSettings())
    assert f"Segments: {result.folder / 'segments.csv'}" in capsys.readouterr().out
    assert list(result.folder.parent.iterdir()) == [result.folder]
