"""A comparison on disk: whole, safe to paste and to open, where the settings say."""

from __future__ import annotations

import csv
import json
from dataclasses import asdict, fields
from pathlib import Path

import pytest
from pytest import approx

from har_llm.common.errors import ConfigError
from har_llm.common.our_files import LIST
from har_llm.common.tables import Table
from har_llm.config.settings import PathsConfig, ReportConfig, Settings
from har_llm.report.compare.comparison import Comparison, compare
from har_llm.report.compare.pairing import Pairing, pair
from har_llm.report.compare.tables import ComparisonTables, make_tables
from har_llm.report.compare.write import LISTED, render, write, write_event
from tests.report.run_folders import A_WRONG, ACTIVITIES, BETTER, paired, row, rows, several, written


def compared(pairing: Pairing) -> tuple[Comparison, ComparisonTables]:
    comparison = compare(pairing, "accuracy")
    return comparison, make_tables(comparison, pairing)


def one_session(tmp_path: Path, count: int = 3, name: str = "a", text: str = "kitchen fridge") -> Pairing:
    """A run that is right throughout, and one that never is."""
    events = [[row("s1", n, [1], said, event=text) for n in range(count)] for said in (1, 2)]
    runs = (written(tmp_path / one, given) for one, given in ((name, events[0]), ("b", events[1])))
    return pair(*runs, "strict")


def into(folder: Path) -> Settings:
    return Settings(report=ReportConfig(path=str(folder)))


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_it_goes_beside_the_runs_or_where_report_path_says(tmp_path: Path) -> None:
    made = compared(one_session(tmp_path))
    paths = PathsConfig(outputs=str(tmp_path / "there"))
    assert write(*made, Settings(paths=paths)) == tmp_path / "there" / "comparisons" / "a--b"
    elsewhere = Settings(paths=paths, report=ReportConfig(path=str(tmp_path / "here")))
    assert write(*made, elsewhere) == tmp_path / "here" / "comparisons" / "a--b"


def test_long_names_are_shortened_and_stay_apart(tmp_path: Path) -> None:
    runs = (one_session(tmp_path / end, name="é" * 100 + end) for end in ("x", "y"))
    names = [write(*compared(pairing), into(tmp_path)).name for pairing in runs]
    assert len(set(names)) == 2 and all(len(name.encode()) < 255 for name in names)


def test_all_files_are_written_and_written_again(tmp_path: Path) -> None:
    comparison, tables = compared(one_session(tmp_path, LISTED + 5))
    folder = write(comparison, tables, into(tmp_path))
    assert write(comparison, tables, into(tmp_path)) == folder
    assert {path.name for path in folder.iterdir()} == {"comparison.md", "comparison.json", "events.csv", LIST}
    found = read_csv(folder / "events.csv")
    assert len(found) == LISTED + 5
    assert found[1]["gold"] == "1. cooking" and found[1]["B"] == "2. eating" and found[1]["outcome"] == "only A right"
    text = (folder / "comparison.md").read_text()
    assert text.count("only A right |") == LISTED + 1, "the listed events, and their count"
    assert "The other 5 are in events.csv." in text


def test_the_json_holds_every_number_and_sentence(tmp_path: Path) -> None:
    comparison, tables = compared(paired(tmp_path, several(6, A_WRONG), BETTER))
    content = json.loads((write(comparison, tables, into(tmp_path)) / "comparison.json").read_text())
    assert list(content) == [one.name for one in fields(Comparison)]
    assert (content["a"], content["b"], content["verdict"]) == ("a", "b", comparison.verdict)
    assert content["metrics"]["accuracy"] == {
        **asdict(comparison.metrics["accuracy"]),
        "ci95": [approx(0.2653, abs=1e-4), approx(0.7347, abs=1e-4)],
    }
    assert content["by_session"]["s3"]["a"]["accuracy"] == 0.25
    assert content["events_left_out"] == {"a": 0, "b": 0}


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=r"cannot be written .*; set report.path to a folder"):
        write(*compared(one_session(tmp_path)), into(tmp_path / "file"))


def test_a_file_of_the_users_is_not_replaced(tmp_path: Path) -> None:
    folder = tmp_path / "comparisons" / "a--b"
    folder.mkdir(parents=True)
    (folder / "events.csv").write_text("mine")
    with pytest.raises(ConfigError, match=r"\(its events\.csv is not as har_llm has written it\); set report\.path to"):
        write(*compared(one_session(tmp_path)), into(tmp_path))
    assert [path.read_text() for path in folder.iterdir()] == ["mine"]


def test_the_report_says_what_counts(tmp_path: Path) -> None:
    a = written(tmp_path / "a", rows({"s1": [(1, 2), (2, 2)]}), provenance="synthetic model")
    b = written(tmp_path / "b", rows({"s1": [(1, 1), (2, 2)]}), provenance="synthetic model")
    text = render(*compared(pair(a, b, "strict")))
    assert text.startswith(
        "## Comparison\n\n- A: a\n- B: b\n\n**A and B: synthetic model**\n\n**B - A in accuracy: +50.00 points"
    )
    for line in (
        "| accuracy \\* | 50.00 | 100.00 | +50.00 | - | 1.000 |",
        "| s1 | 2 | 50.00 | 100.00 | +50.00 |",
        "| only B right | 1 | 50.00 |",
        "| s1 | 0 | 08:00:00 | kitchen fridge 0 | 1. cooking | 2. eating | 1. cooking | only B right |",
    ):
        assert line in text.splitlines()
    assert "- Too few sessions to tell: with 1, p cannot be below 1.000" in text


def test_hostile_text_is_text_in_every_format(tmp_path: Path) -> None:
    evil = '=HYPERLINK("http://evil")|<b>\n@all\x1b[2J'
    folder = write(*compared(one_session(tmp_path, text=evil)), into(tmp_path))
    assert ACTIVITIES[1] in (folder / "comparison.md").read_text()
    (line,) = [one for one in (folder / "comparison.md").read_text().splitlines() if one.startswith("| s1 | 1 | 08")]
    assert line.replace("\\|", "").count("|") == 9
    assert "<b>" not in line and "@all" not in line and "http://" not in line and "\x1b" not in line
    cell = read_csv(folder / "events.csv")[1]["event"]
    assert cell.startswith("'=HYPERLINK") and "\x1b" not in cell


def test_rows_of_the_spreadsheet_say_that_they_are_synthetic(tmp_path: Path) -> None:
    a, b = (written(tmp_path / n, rows({"s": [(1, x)]}), provenance="synthetic model") for n, x in (("a", 1), ("b", 2)))
    folder = write(*compared(pair(a, b, "strict")), into(tmp_path))
    assert [one["label"] for one in read_csv(folder / "events.csv")] == ["A and B: synthetic model"]


def test_the_table_of_an_event_comes_in_three_formats(tmp_path: Path) -> None:
    table = Table(
        "event", "Event s/1/3: a <b>door</b>", ["run", "answer", "reasoning (extract)"], [["a", "1. x", "So | it is"]]
    )
    runs = one_session(tmp_path)
    folder = write_event(table, "s/1/3", [runs.a, runs.b], into(tmp_path))
    assert folder.name == "event-s_1-3--a--b"
    assert sorted(path.name for path in folder.iterdir()) == [LIST, "event.csv", "event.md", "event.tex"]
    assert "&lt;b&gt;" in (folder / "event.md").read_text() and "So \\| it is" in (folder / "event.md").read_text()
