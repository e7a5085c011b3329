"""A comparison on disk: whole, safe to paste and to open, where the settings say."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from har_llm.common.errors import ConfigError
from har_llm.config import PathsConfig, ReportConfig, Settings
from har_llm.report.compare.comparison import Comparison, build
from har_llm.report.compare.pairing import pair
from har_llm.report.compare.write import LISTED, folder_of, render, write
from tests.report.run_folders import ACTIVITIES, row, rows, written


def comparison(tmp_path: Path, count: int = 3, name: str = "a", text: str = "kitchen fridge") -> Comparison:
    events = [[row("s1", n, [1], said, event=text) for n in range(count)] for said in (1, 2)]
    runs = (written(tmp_path / one, given) for one, given in ((name, events[0]), ("b", events[1])))
    return build(pair(*runs, "strict"), "accuracy")


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_it_goes_beside_the_runs_or_where_report_path_says(tmp_path: Path) -> None:
    made = comparison(tmp_path)
    paths = PathsConfig(outputs="there")
    assert folder_of(Settings(paths=paths), made) == Path("there/comparisons/a--b")
    assert folder_of(Settings(paths=paths, report=ReportConfig(path="here")), made) == Path("here/comparisons/a--b")


def test_long_names_are_shortened_and_stay_apart(tmp_path: Path) -> None:
    names = [folder_of(Settings(), comparison(tmp_path / end, name="é" * 100 + end)).name for end in ("x", "y")]
    assert len(set(names)) == 2 and all(len(name.encode()) < 255 for name in names)


def test_all_files_are_written_and_written_again(tmp_path: Path) -> None:
    made, folder = comparison(tmp_path, LISTED + 5), tmp_path / "out" / "a--b"
    write(made, folder)
    write(made, folder)
    assert {path.name for path in folder.iterdir()} == {"comparison.md", "comparison.json", "events.csv"}
    assert json.loads((folder / "comparison.json").read_text()) == made.content
    found = read_csv(folder / "events.csv")
    assert len(found) == LISTED + 5
    assert found[1]["gold"] == "1. cooking" and found[1]["B"] == "2. eating" and found[1]["outcome"] == "only A right"
    text = (folder / "comparison.md").read_text()
    assert text.count("only A right |") == LISTED + 1, "the listed events, and their count"
    assert "The other 5 are in events.csv." in text


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=r"cannot be written .*; set report.path to a folder"):
        write(comparison(tmp_path), tmp_path / "file" / "x")


def test_the_report_says_what_counts(tmp_path: Path) -> None:
    a = written(tmp_path / "a", rows({"s1": [(1, 2), (2, 2)]}), provenance="synthetic model")
    b = written(tmp_path / "b", rows({"s1": [(1, 1), (2, 2)]}), provenance="synthetic model")
    text = render(build(pair(a, b, "strict"), "accuracy"))
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
    made = comparison(tmp_path, text=evil)
    folder = tmp_path / "out"
    write(made, folder)
    assert ACTIVITIES[1] in (folder / "comparison.md").read_text()
    (line,) = [one for one in (folder / "comparison.md").read_text().splitlines() if one.startswith("| s1 | 1 | 08")]
    assert line.replace("\\|", "").count("|") == 9
    assert "<b>" not in line and "@all" not in line and "http://" not in line and "\x1b" not in line
    cell = read_csv(folder / "events.csv")[1]["event"]
    assert cell.startswith("'=HYPERLINK") and "\x1b" not in cell


def test_rows_of_the_spreadsheet_say_that_they_are_synthetic(tmp_path: Path) -> None:
    a, b = (written(tmp_path / n, rows({"s": [(1, x)]}), provenance="synthetic model") for n, x in (("a", 1), ("b", 2)))
    write(build(pair(a, b, "strict"), "accuracy"), tmp_path / "out")
    assert [one["label"] for one in read_csv(tmp_path / "out" / "events.csv")] == ["A and B: synthetic model"]
