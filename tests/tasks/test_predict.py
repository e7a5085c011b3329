"""task=predict as a whole command."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.commands import MARK, har_llm, run_folders
from tests.scripted_runs import SMALL

pytestmark = pytest.mark.slow


def test_every_session_is_predicted_once_and_then_shown(tmp_path: Path, script: str) -> None:
    choices = [*SMALL, script, "split.part=all", "task=predict"]
    first = har_llm(tmp_path, *choices)
    assert "simulated_flat (all sessions)" in first.stdout and MARK in first.stdout
    (folder,) = run_folders(tmp_path)  # no baselines
    assert first.stdout.splitlines()[-1] == f"Segments: {folder.relative_to(tmp_path) / 'segments.csv'}"
    assert not [word for word in ("F1", "f1_", "wrong", "correct", "ccuracy") if word in first.stdout + first.stderr]
    again = har_llm(tmp_path, *choices)
    assert "finished before" in again.stdout and not again.stderr
