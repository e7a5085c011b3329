"""The report of a home of which nobody has said what is right."""

from __future__ import annotations

from pathlib import Path

import pytest

from har_llm.report.build import build_report
from har_llm.report.grouping import make_report
from har_llm.report.tables.activities import activities_table
from har_llm.report.terminal.tables import show_report
from tests.report.run_folders import row, rows, written

SCORE_WORDS = ("F1", "f1_", "gap closed", "std", "trained on", "wrong", "gold")


def test_a_report_without_scores_says_what_is_done_and_for_how_long(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = [("08:00:00", 1), ("09:00:00", 2), ("09:30:00", "no_answer")]
    events = [row("s", n, (), said, date="2012-02-28", time=time) for n, (time, said) in enumerate(told)]
    run = written(tmp_path / "run", events)
    standing, tables = build_report([run], tmp_path / "report", headline="f1_weighted", parsing="strict")
    (table,) = [one for one in tables if not one.folded]
    assert table.cells("activity") == ["cooking", "eating"] and table.cells("in all") == ["60 min", "30 min"]
    assert "1 of 3 events (33.33 %) without an activity: 1 no answer." in table.notes[-1]
    show_report(standing, tables, tmp_path / "report")
    for text in (capsys.readouterr().out, (tmp_path / "report" / "report.md").read_text(encoding="utf-8")):
        assert table.title in text and [word for word in SCORE_WORDS if word in text] == []


def test_a_run_with_scores_or_with_times_that_are_none_has_no_row(tmp_path: Path) -> None:
    scored = written(tmp_path / "scored", rows({"s": [(1, 1)]}))
    hostile = written(tmp_path / "hostile", [row("s", 0, (), 1, time="soon")])
    assert activities_table(make_report([scored, hostile], "accuracy", "strict")) is None
