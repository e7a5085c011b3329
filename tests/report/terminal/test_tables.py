"""The report's tables in the terminal: those that fit, with names shown as they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from har_llm.report.grouping import make_report
from har_llm.report.standing import standings
from har_llm.report.tables.all import make_tables
from har_llm.report.terminal.tables import show_report
from tests.report.fabricated import SYNTHETIC, fabricated, miniature


def test_the_terminal_shows_the_tables_that_fit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = [*miniature(tmp_path), fabricated(tmp_path)]
    report = make_report(runs, "f1_weighted", "strict")
    tables = make_tables(report)
    show_report(standings(report), tables, tmp_path)
    shown = capsys.readouterr().out
    for table in tables:
        assert (table.title in shown) == (not table.folded)
    assert SYNTHETIC in shown and "simulated_house" in shown
    assert shown.count("best language model") == len(standings(report)), "the answers stand there once, below the tables"
    assert shown.index("best language model") > max(shown.index(table.title) for table in tables if not table.folded)
    assert max(map(len, shown.splitlines()[:-1])) <= 120


def test_names_are_shown_not_obeyed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = fabricated(tmp_path, dataset="[bold]x[/]\x1b[2J", provenance=SYNTHETIC)
    report = make_report([run], "f1_weighted", "strict")
    show_report(standings(report), make_tables(report), tmp_path)
    shown = capsys.readouterr().out
    assert "[bold]x[/]" in shown and "\x1b[2J" not in shown
