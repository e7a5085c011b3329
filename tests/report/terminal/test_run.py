"""What is printed: everything important in 80 columns, and no markup or control characters of a model's text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from har_llm.report.compare.comparison import compare
from har_llm.report.compare.pairing import pair
from har_llm.report.compare.tables import make_tables
from har_llm.report.terminal import run
from har_llm.report.terminal.run import show_run
from har_llm.runs.directory import RunResult
from tests.report.run_folders import rows, written
from tests.runs.sampled_runs import answered, sampled

SESSIONS = {"s1": [(1, 1), (1, 2), (2, 2), (2, "omitted")], "s2": [(1, 1), (1, 2), (1, 2), (2, 1)]}


@pytest.fixture(autouse=True)
def eighty_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "console", lambda: Console(width=80, highlight=False))


def shown(capsys: pytest.CaptureFixture[str], folder: Path, *, fresh: bool = True, **changes: Any) -> str:
    result = written(folder / "run", changes.pop("events", rows(SESSIONS)), **changes)
    run.show_run(result, headline="accuracy", parsing="strict", fresh=fresh)
    return capsys.readouterr().out


def compared(capsys: pytest.CaptureFixture[str], a: RunResult, b: RunResult, folder: Path) -> str:
    pairing = pair(a, b, "strict")
    comparison = compare(pairing, "accuracy")
    run.show_comparison(comparison, make_tables(comparison, pairing), folder)
    return capsys.readouterr().out


def test_a_run_is_shown_with_all_that_an_issue_needs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = shown(capsys, tmp_path, provenance="synthetic model")
    assert out.startswith("student on small (test part): accuracy 37.50 %, std 17.68, over 2 sessions\nsynthetic model\n")
    for words in (
        "owner/student at ffffffffff",
        "vllm 0.32.0",
        "accuracy *",
        "omitted",
        "2. eating         3           4       25.00    33.33   28.57",
        "It is so.",
        "Gold      1. cooking",
        "Predicted 2. eating",
    ):
        assert words in out
    assert "truncated" not in out and "finished before" not in out
    assert all(len(line) <= 80 for line in out.splitlines()[:-1])
    assert out.splitlines()[-3:] == [*out.splitlines()[:2], f"Run directory: {tmp_path / 'run'}"], "what was asked, at last"


def test_a_run_that_was_finished_before_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "This run was finished before; nothing was generated" in shown(capsys, tmp_path, fresh=False)


def test_generations_of_another_server_than_the_one_that_would_be_asked_are_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A run keeps its name whichever server answers, so one of another model there was shown without a word."""
    made_by = {"engine": "OpenAI", "versions": {}, "further": {"server": "http://one:8000/v1"}}
    result = written(tmp_path / "run", rows(SESSIONS), environment={"generated_by": [made_by]})

    def said(server: str | None) -> str:
        run.show_run(result, headline="accuracy", parsing="strict", fresh=False, server=server)
        return " ".join(capsys.readouterr().out.split())

    assert "engine OpenAI at http://one:8000/v1" in said(None)
    assert "Made by http://one:8000/v1, not by http://two:8000/v1: a run is the same" in said("http://two:8000/v1")
    assert "Made by" not in said("http://one:8000/v1") and "Made by" not in said(None)


def test_where_nothing_is_missed_one_line_says_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = shown(capsys, tmp_path, events=rows({"s1": [(1, 1), (2, 2)]}))
    assert "No event was missed." in out and "by cause" not in out and "confusions" not in out


def test_of_many_activities_the_weakest_are_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    activities = {number: f"activity {number}" for number in range(1, 31)}
    events = rows({"s1": [(number, 30 if number < 15 else number) for number in range(1, 31)]})
    out = shown(capsys, tmp_path, events=events, activities=activities)
    assert "12. activity 12 " in out and "30. activity 30  " not in out.partition("weakest first")[2].partition("Most")[0]
    assert "... and 18 more (see the files)" in out


def test_text_moves_no_cursor_and_is_no_markup(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    evil = "[bold]x[/bold] [link=http://evil]y[/link] \x1b[2J"
    sample = {"reasoning": evil, "answer": evil, "session": evil, "gold": [evil], "predicted": {"strict": evil}}
    out = shown(capsys, tmp_path, sample=sample, dataset=evil, activities={1: evil, 2: "b", 3: "c"})
    assert "\x1b" not in out and "\\x1b[2J" in out and "[bold]x[/bold]" in out


def test_a_comparison_is_shown_with_its_warning_before_its_tables(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    a = written(tmp_path / "a", rows(SESSIONS), provenance="synthetic home")
    b = written(tmp_path / "b", rows({"s1": [(1, 1), (1, 1), (2, 2), (2, 2)], "s2": [(1, 1), (1, 1), (1, 2), (2, 1)]}))
    out = compared(capsys, a, b, tmp_path / "out")
    assert out.startswith("A: a\nB: b\nA (synthetic home)\n")
    assert out.index("B - A in accuracy: +37.50 points") < out.index("These are too few") < out.index("accuracy in % by")
    assert "s1, event 1, 08:00:01 kitchen fridge 1: only B right\n    gold 1. cooking | A 2. eating | B 1. cooking\n" in out
    assert all(len(line) <= 80 for line in out.splitlines()[:-1])
    assert out.splitlines()[-1] == f"Comparison: {tmp_path / 'out'}"
    assert out.rindex("B - A in accuracy: +37.50 points") > out.index("s1, event 1"), "the verdict once more, at last"


def test_of_many_differing_events_some_are_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a, b = (written(tmp_path / name, rows({"s": [(1, said)] * 30})) for name, said in (("a", 1), ("b", 2)))
    out = compared(capsys, a, b, tmp_path / "out")
    assert out.count("s, event ") == 12 and "... and 18 more (events.csv)" in out


def test_generations_that_were_cut_are_counted_among_all(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = answered(sampled(tmp_path, "decoding.samples=3"), "<think>\nand so on")
    show_run(result, headline="f1_weighted", parsing="strict", fresh=True)
    assert "6 of 6 generations cut" in capsys.readouterr().out
