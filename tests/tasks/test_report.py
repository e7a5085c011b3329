"""task=report, and the report at the end of a sweep, as whole commands."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.commands import har_llm, reports
from tests.report.fabricated import SYNTHETIC
from tests.scripted_runs import SMALL

pytestmark = pytest.mark.slow


def test_a_sweep_ends_with_a_report_and_a_report_can_be_asked_for(tmp_path: Path, script: str) -> None:
    swept = har_llm(tmp_path, "-m", *SMALL, script, "limit=1,2")
    (folder,) = reports(tmp_path)
    assert folder.name.startswith("sweep-") and f"Report: outputs/reports/{folder.name}/report.html" in swept.stdout
    assert f"The paper in miniature ({SYNTHETIC})" in swept.stdout and "partial: first 2 windows only" in swept.stdout
    text = (folder / "report.md").read_text()
    assert "2 runs." in text and SYNTHETIC in text and "answers from a script" in text
    asked = har_llm(tmp_path, "task=report", "metrics.headline=accuracy", "metrics.parsing=lenient", "report.path=mine")
    assert "Report: mine/report.html" in asked.stdout and not asked.stderr
    assert "Accuracy (`metrics.headline=accuracy`), lenient parsing" in (tmp_path / "mine" / "report.md").read_text()
    har_llm(tmp_path, "task=report", f"runs=[{next((tmp_path / 'outputs' / 'runs').iterdir())}]")
    assert "1 run." in (tmp_path / "outputs" / "report" / "report.md").read_text()


def test_a_single_run_builds_no_report_and_a_sweep_can_do_without(tmp_path: Path, script: str) -> None:
    har_llm(tmp_path, *SMALL, script, "limit=1")
    har_llm(tmp_path, "-m", *SMALL, script, "limit=1,2", "report.after_sweep=false")
    har_llm(tmp_path, "-m", *SMALL, script, "limit=1,2", "task=plan")
    assert reports(tmp_path) == []


def test_where_there_is_no_run_the_task_says_so(tmp_path: Path) -> None:
    done = har_llm(tmp_path, "task=report", expect=1)
    assert done.stderr == (
        "error: outputs/runs holds no finished run; run something first, or name run directories with runs=[...].\n"
    )
    assert not list(tmp_path.iterdir())


def test_an_experiments_report_has_its_name(tmp_path: Path, script: str) -> None:
    (tmp_path / "conf" / "experiment").mkdir(parents=True)
    (tmp_path / "conf" / "experiment" / "mine.yaml").write_text(
        "# @package _global_\nhydra: {mode: MULTIRUN, sweeper: {params: {limit: '1,2'}}}\n"
    )
    har_llm(tmp_path, *SMALL, script, "experiment=mine", "hydra.searchpath=[file://conf]")
    assert [folder.name for folder in reports(tmp_path)] == ["mine"]


def test_a_file_in_place_of_the_folder_is_refused_before_runs_are_looked_for(tmp_path: Path) -> None:
    (tmp_path / "mine.html").touch()
    done = har_llm(tmp_path, "task=report", "report.path=mine.html", expect=1)
    assert done.stderr == (
        "error: The report cannot be written to mine.html (it is no folder); set report.path to another folder.\n"
    )
