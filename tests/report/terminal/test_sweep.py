from __future__ import annotations

from pathlib import Path

import pytest

from har_llm.report.terminal.sweep import show_sweep
from har_llm.sweep.job import Job
from tests.composing import experiment
from tests.scripted_runs import SMALL, done


def test_seeds_that_change_nothing_are_named(tmp_path: Path, script: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Three seeds of a greedy model are no three samples."""
    jobs = []
    for seed in (0, 1, 2):
        job = Job(f"seed={seed}", experiment(*SMALL, f"seed={seed}"))
        job.result, _ = done(tmp_path, script, "limit=1", f"seed={seed}")
        jobs.append(job)
    show_sweep(jobs[:1])
    assert "Seeds" not in capsys.readouterr().out
    show_sweep(jobs)
    assert "Seeds 0, 1, 2 gave the same generations: they change nothing." in capsys.readouterr().out
