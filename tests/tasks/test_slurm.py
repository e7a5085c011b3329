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
from tests.scripted_runs import SMALL


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
