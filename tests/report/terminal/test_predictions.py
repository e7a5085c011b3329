"""task=predict: the activities day by day, and no score."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from har_llm.report.terminal import predictions
from har_llm.report.terminal.predictions import DAYS, show_predictions
from tests.report.run_folders import row, rows, written


@pytest.fixture(autouse=True)
def eighty_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predictions, "console", lambda: Console(width=80, highlight=False))


def shown(capsys: pytest.CaptureFixture[str], folder: Path, *events: dict[str, Any], **changes: Any) -> str:
    show_predictions(written(folder / "run", events, **changes), parsing="strict", fresh=True)
    return capsys.readouterr().out


def test_days_and_the_time_of_each_activity(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = [("2012-02-28", "23:00:00", 1), ("2012-02-29", "07:00:00", 2), ("2012-02-29", "09:00:00", "no_answer")]
    events = [row("2012-02-28", n, [1], said, date=date, time=time) for n, (date, time, said) in enumerate(told)]
    out = shown(capsys, tmp_path, *events, provenance="synthetic home")
    assert out.startswith("student on small (test part): 3 events, 2 days\nsynthetic home\n")
    assert "\nTuesday 2012-02-28\n" in out and "\nWednesday 2012-02-29\n" in out
    for line in (
        ["23:00:00", "07:00:00", "8.0", "h", "cooking", "1"],
        ["07:00:00", "09:00:00", "2.0", "h", "eating", "1"],
        ["cooking", "8.0", "h", "4.0", "h", "80.00", "1"],
        ["1", "of", "3", "events", "(33.33", "%)", "without", "an", "activity:", "1", "no", "answer."],
        ["Segments:", str(tmp_path / "run" / "segments.csv")],
    ):
        assert line in [one.split() for one in out.splitlines()]
    for word in ("F1", "f1_", "wrong", "correct", "ccuracy", "Gold", "gold"):
        assert word not in out


def test_days_are_counted_and_not_sessions(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    days = [f"2012-03-{day:02}" for day in range(1, 11)]
    events = [
        row(f"{date}{part}", 0, [1], 1, date=date, time=time)
        for date in days
        for part, time in (("", "08:00:00"), (" 20:00", "20:30:00"))
    ]
    out = shown(capsys, tmp_path, *events)
    assert "\nThursday 2012-03-01\n" in out and "\nWednesday 2012-03-07\n" in out and "2012-03-08\n" not in out
    assert "... and 3 more days (segments.csv)" in out


def test_sessions_that_are_not_called_by_a_date_are_shown_with_the_day(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    events = [row(name, 0, [1], 1, date="2012-03-01", time="08:00:00") for name in ("A1m", "B1m")]
    out = shown(capsys, tmp_path, *events)
    assert "\nThursday 2012-03-01, A1m\n" in out and "\nThursday 2012-03-01, B1m\n" in out


def test_a_day_without_an_answer_counts_as_a_day(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = [("2012-02-28", 1), ("2012-02-29", "malformed"), ("2012-03-01", "malformed")]
    events = [row(date, 0, [1], said, date=date, time="08:00:00") for date, said in told]
    out = shown(capsys, tmp_path, *events)
    assert "3 events, 3 days" in out and "2 of 3 events (66.67 %) without an activity: 2 malformed." in out


def test_time_of_which_nobody_knows_what_was_done_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Between two events of an activity it is known."""
    told = [("08:00:00", "malformed"), ("09:00:00", 1), ("10:00:00", "malformed"), ("11:00:00", 1), ("12:00:00", 2)]
    events = [row("s", n, [], said, date="2012-02-28", time=time) for n, (time, said) in enumerate(told)]
    lines = [one.split() for one in shown(capsys, tmp_path, *events).splitlines()]
    assert ["(not", "known)", "60", "min", "60", "min", "25.00", "-"] in lines
    assert ["cooking", "3.0", "h", "3.0", "h", "75.00", "1"] in lines


def test_sessions_without_dates_are_shown_by_their_names(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = shown(capsys, tmp_path, *rows({f"s{number}": [(1, 1), (1, 2)] for number in range(DAYS + 2)}))
    assert f"\ns{DAYS - 1}\n" in out and f"\ns{DAYS}\n" not in out and "... and 2 more sessions (segments.csv)" in out


def test_files_of_the_other_parsing_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = written(tmp_path / "run", rows({"s": [(1, 1)]}))
    show_predictions(result, parsing="lenient", fresh=False)
    out = " ".join(capsys.readouterr().out.split())
    assert "segments.csv are of the strict parsing, with which this run was made; delete its directory" in out
    assert "finished before" in out and "task=report 'runs=[run]' draws the days." in out


def test_what_the_dataset_leaves_out_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = written(tmp_path / "run", rows({"s": [(1, 1)]}))
    description = replace(result.data.description, dropped_events={"tv_power reports numbers": 2})
    show_predictions(replace(result, data=replace(result.data, description=description)), parsing="strict", fresh=True)
    assert "\n2 events of the whole dataset left out: tv_power reports numbers.\n" in capsys.readouterr().out
