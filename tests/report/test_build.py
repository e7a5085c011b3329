"""A report's folder: everything in it, in every format, marked for what it is; nothing of the user's is touched."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from har_llm.common.errors import ConfigError, MissingError
from har_llm.common.our_files import LIST
from har_llm.report import build
from har_llm.report.build import build_report, report_sweep, sweep_name
from har_llm.runs.directory import RunResult
from har_llm.sweep.job import Job
from tests.commands import reports
from tests.composing import experiment
from tests.report.fabricated import SYNTHETIC, fabricated, miniature, the_papers_programme, trained

pytestmark = pytest.mark.slow


def built(runs: list[RunResult], folder: Path, headline: str = "f1_weighted", parsing: str = "strict") -> Path:
    build_report(runs, folder, headline=headline, parsing=parsing)
    return folder


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The miniature's report."""
    folder = tmp_path_factory.mktemp("small")
    return built([*miniature(folder / "runs")], folder / "report")


def test_every_table_and_figure_is_there_in_every_format(tmp_path: Path) -> None:
    runs = [*the_papers_programme(tmp_path / "runs"), *miniature(tmp_path / "runs")]
    folder = built(runs, tmp_path / "deep" / "report")
    tables = (
        "table1",
        "table2",
        "table4",
        "table_figure4",
        "table_candidates",
        "table_miniature",
        "table_cost",
        "table_runs",
    )
    figures = [
        f"{kind}{end}" for kind in ("figure3", "figure4", "figure_tokens", "figure_seconds") for end in ("", "_miniature")
    ]
    expected = {f"{name}.{kind}" for name in tables for kind in ("md", "tex", "csv")}
    expected |= {f"{name}.{kind}" for name in figures for kind in ("png", "pdf")}
    assert {path.name for path in folder.iterdir()} == expected | {"report.md", "report.html", LIST}
    text = (folder / "report.md").read_text()
    for name in tables:
        title, *rest = (folder / f"{name}.md").read_text().splitlines()
        assert f"#{title}\n" + "\n".join(rest).rstrip() in text
    for name in figures:
        assert f"]({name}.png)" in text
    assert SYNTHETIC in text and "metrics.headline=f1_weighted" in text and "strict parsing" in text
    assert {path.name for path in (tmp_path / "deep").iterdir()} == {"report"}


def test_what_is_synthetic_says_so_in_every_file(small: Path) -> None:
    for path in small.iterdir():
        if path.suffix in (".md", ".tex", ".csv"):
            assert SYNTHETIC in path.read_text(), path.name
        if path.suffix == ".pdf":
            assert SYNTHETIC.encode() in path.read_bytes(), path.name
        if path.suffix == ".csv":
            header, *rows = csv.reader(path.read_text().splitlines())
            assert rows and all(row[header.index("what it is")] == SYNTHETIC for row in rows)


def test_the_miniature_is_beside_no_number_of_the_papers(small: Path) -> None:
    assert not [path.name for path in small.iterdir() if path.name.startswith(("table1", "table2", "table4"))]
    assert "2601.07469" not in (small / "report.md").read_text()


def test_the_same_runs_give_the_same_bytes(small: Path, tmp_path: Path) -> None:
    again = built([*miniature(tmp_path / "runs")], tmp_path / "report")
    for path in again.iterdir():
        assert path.read_bytes() == (small / path.name).read_bytes(), path.name


def test_no_file_of_events_is_needed(tmp_path: Path) -> None:
    run = fabricated(tmp_path)
    assert not (run.folder / "predictions.jsonl").exists()
    assert (built([run], tmp_path / "report") / "table1.csv").is_file()


def test_a_new_report_takes_the_old_ones_place_and_leaves_what_is_not_its_own(tmp_path: Path) -> None:
    folder = tmp_path / "report"
    built([fabricated(tmp_path, adapter=trained("mural")), fabricated(tmp_path)], folder)
    assert (folder / "table2.tex").exists()
    (folder / "table_mine.tex").write_text("mine")
    (folder / "paper.md").write_text("mine")
    built([fabricated(tmp_path, 0.3)], folder)
    assert not list(folder.glob("table2.*"))
    assert (folder / "table_mine.tex").read_text() == (folder / "paper.md").read_text() == "mine"
    assert not [path.name for path in folder.iterdir() if path.name.startswith(".report-")]


def test_a_file_of_the_users_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / "report.md").write_text("mine")
    with pytest.raises(
        ConfigError, match=r"\(its report\.md is not as har_llm has written it\); set report\.path to another folder\."
    ):
        built([fabricated(tmp_path)], tmp_path / "report")
    assert [path.name for path in (tmp_path / "report").iterdir()] == ["report.md"]
    assert (tmp_path / "report" / "report.md").read_text() == "mine"


def test_a_report_that_fails_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = built([fabricated(tmp_path)], tmp_path / "report")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    monkeypatch.setattr(build, "write_page", lambda *given, **named: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        built([fabricated(tmp_path, 0.9)], folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=r"The report cannot be written to .*; set report\.path to another folder\."):
        built([fabricated(tmp_path)], tmp_path / "file" / "report")


def test_hostile_names_break_no_format(tmp_path: Path) -> None:
    nasty = "=|&%_$#{}\\^~<script>\x1b[2J\ud800\n\u202e中"
    runs = [
        fabricated(tmp_path, provenance="synthetic home", model=nasty, dataset=nasty, parameters=5, model_id="x"),
        fabricated(tmp_path, model=nasty, decoding=nasty, config={"window": {"events": "a|b\n=c"}}),
        fabricated(tmp_path, engines=[{"engine": nasty, "versions": {}, "hardware": nasty}]),
        fabricated(tmp_path, adapter={"name": nasty, "label": nasty, "id": nasty, "revision": nasty}),
    ]
    folder = built(runs, tmp_path / "report")
    for path in folder.iterdir():
        if path.suffix in (".md", ".tex", ".csv"):
            text = path.read_text(encoding="utf-8")
            assert not [c for c in text if not c.isprintable() and c != "\n"], path.name
            assert "<script>" not in text or path.suffix == ".csv"
            if path.suffix == ".csv":
                assert len({len(row) for row in csv.reader(text.splitlines())}) == 1


@pytest.fixture
def jobs(tmp_path: Path) -> list[Job]:
    """Two jobs of a sweep that are done, and one that failed."""
    composed = experiment(f"paths.outputs={tmp_path / 'outputs'}")
    runs = [fabricated(tmp_path / "outputs" / "runs", f1) for f1 in (0.4, 0.5)]
    done = [Job(f"job {place}", composed, result=run) for place, run in enumerate(runs)]
    return [*done, Job("failed", composed, error=MissingError("There is no data."))]


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

    monkeypatch.setattr(build, "build_report", interrupt)
    with pytest.raises(KeyboardInterrupt):
        report_sweep(jobs)
