"""task=validate as a whole command: all faults, and a failure."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.commands import har_llm

pytestmark = pytest.mark.slow


def test_validate_lists_all_faults_and_fails(tmp_path: Path) -> None:
    instance = tmp_path / "data/marble/A1a/instance1"
    (instance / "subject-1").mkdir(parents=True)
    (instance / "environmental.csv").write_text('sensor_id,sensor_status,ts,subject_id\nX9,"ON",1,"1"\nR1,"UP",2,"1"\n')
    (instance / "subject-1/labels.csv").write_text("ts_start,ts_end,act\n0,9,DANCING\n")
    done = har_llm(tmp_path, "dataset=marble", "task=validate", expect=1)
    for fault in ("environmental.csv:2: ", "environmental.csv:3: ", "labels.csv:2: "):
        assert fault in done.stdout
    assert "faults" in done.stderr
    run = har_llm(tmp_path, "dataset=marble", "model=tiny_student", expect=1)
    assert "environmental.csv:2: " in run.stderr
