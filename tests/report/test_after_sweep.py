"""task=report, and the report at the end of a sweep, as whole commands and as what they are made of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from har_llm.common.errors import MissingError
from har_llm.report import build
from har_llm.report.build import report_sweep, sweep_name
from har_llm.report.grouping import SYNTHETIC, make_report
from har_llm.report.tables.all import ON_PAPER_ONLY, make_tables
from har_llm.report.terminal.tables import show_report
from har_llm.sweep.job import Job
from tests.composing import experiment
from tests.report.fabricated import fabricated, miniature
from tests.runs.test_run import gold_script
from tests.test_tasks import SMALL, har_llm


@pytest.fixture
def script(tmp_path: Path) -> str:
    return f"engine.path={gold_script(tmp_path / 'gold.jsonl')}"


@pytest.fixture
def jobs(tmp_path: Path) -> list[Job]:
    """Two jobs of a sweep that are done, and one that failed."""
    composed = experiment(f"paths.outputs={tmp_path / 'outputs'}")
    runs = [fabricated(tmp_path / "outputs" / "runs", f1) for f1 in (0.4, 0.5)]
    done = [Job(f"job {place}", composed, folder=run.folder) for place, run in enumerate(runs)]
    return [*done, Job("failed", composed, error=MissingError("There is no data."))]


def reports(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "outputs" / "reports").glob("*"))


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
    assert "1 runs." in (tmp_path / "outputs" / "report" / "report.md").read_text()


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


@pytest.mark.parametrize(
    ("experiments", "name"),
    [(["table1"] * 3, "table1"), (["table1", "table2", "table1"], "table1-table2"), (["a/b", "a/b"], "a_b")],
)
def test_names_of_reports(experiments: list[str], name: str) -> None:
    assert sweep_name(experiments, []) == name


def test_without_an_experiment_the_same_runs_have_the_same_name() -> None:
    one, two = Path("a/run1"), Path("b/run2")
    names = {sweep_name([""], folders) for folders in ([one, two], [two, one], [Path("elsewhere/run1"), two])}
    assert len(names) == 1 and names != {sweep_name([""], [one])}
    assert sweep_name(["table1", ""], [one]) == sweep_name([], [one])


def test_jobs_that_failed_are_left_out(tmp_path: Path, jobs: list[Job], capsys: pytest.CaptureFixture[str]) -> None:
    report_sweep(jobs)
    (folder,) = reports(tmp_path)
    assert "2 runs." in (folder / "report.md").read_text()
    assert "Table 1: F1 of models as they are" in capsys.readouterr().out


def test_a_job_whose_config_is_wrong_takes_no_name_away(tmp_path: Path, jobs: list[Job]) -> None:
    for job in jobs:
        job.choice = "table1"
    report_sweep([*jobs, Job("wrong", error=MissingError("No."))])
    assert [folder.name for folder in reports(tmp_path)] == ["table1"]


def test_where_all_failed_there_is_no_report(tmp_path: Path, jobs: list[Job]) -> None:
    report_sweep(jobs[2:])
    report_sweep([])
    assert reports(tmp_path) == []


@pytest.mark.parametrize(
    ("error", "reason"),
    [(MissingError("The disk is full."), "The disk is full."), (ZeroDivisionError("oops"), "ZeroDivisionError: oops")],
)
def test_a_report_that_fails_fails_no_sweep(
    jobs: list[Job], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: Exception, reason: str
) -> None:
    def fail(*given: Any, **named: Any) -> None:
        raise error

    monkeypatch.setattr(build, "build_report", fail)
    report_sweep(jobs)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: the report of this sweep was not built ({reason}). The runs are complete; task=report ")
    assert str(jobs[0].folder) in line


def test_ctrl_c_during_a_report_is_ctrl_c(jobs: list[Job], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*given: Any, **named: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(build, "read_runs", interrupt)
    with pytest.raises(KeyboardInterrupt):
        report_sweep(jobs)


def test_the_terminal_shows_the_tables_that_fit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = [*miniature(tmp_path), fabricated(tmp_path)]
    tables = make_tables(make_report(runs, "f1_weighted", "strict"))
    show_report(tables, tmp_path)
    shown = capsys.readouterr().out
    for table in tables:
        assert (table.title in shown) == (table.name not in ON_PAPER_ONLY)
    assert SYNTHETIC in shown and "simulated_house" in shown
    assert max(map(len, shown.splitlines()[:-1])) <= 120


def test_names_are_shown_not_obeyed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = fabricated(tmp_path, dataset="[bold]x[/]\x1b[2J", provenance=SYNTHETIC)
    show_report(make_tables(make_report([run], "f1_weighted", "strict")), tmp_path)
    shown = capsys.readouterr().out
    assert "[bold]x[/]" in shown and "\x1b[2J" not in shown
