"""task=runs lists what was run, when, with which score, and where it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from har_llm.common.errors import MissingError
from har_llm.config.settings import PathsConfig, Settings
from har_llm.report.terminal.runs import show_runs
from tests.report.fabricated import SYNTHETIC, fabricated

LONG = "a folder with a name that is longer than many terminals are wide, and has blanks in it"


def test_each_run_has_its_date_score_and_path_and_a_damaged_one_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outputs = tmp_path / LONG
    run = fabricated(outputs / "runs", 0.25, dataset="home", provenance=SYNTHETIC, partial=True, limit=1)
    broken = fabricated(outputs / "runs", 0.5)
    (broken.folder / "metrics.json").write_text("{}")
    with pytest.raises(MissingError, match=broken.folder.name):
        show_runs(Settings(paths=PathsConfig(outputs=str(outputs))))
    shown = capsys.readouterr().out
    assert "1 finished run, the newest last; strict parsing" in shown
    words = " ".join(shown.split())
    assert "2026-11-29 16:20:05" in words and "25.00" in words and SYNTHETIC in words
    assert f"run directory: {run.folder.resolve()}" in [line.strip() for line in shown.splitlines()]
