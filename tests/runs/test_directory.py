"""A run directory is written and read back: whole, damaged, of another version, with any text."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from har_llm.common.checksums import SUMS
from har_llm.common.errors import MissingError
from har_llm.runs.directory import (
    ENVIRONMENT,
    FILES,
    FOR_PEOPLE,
    METRICS_FILE,
    PREDICTIONS,
    WINDOWS,
    RunResult,
    damage,
    read_run,
)
from har_llm.runs.find import run_folders
from har_llm.runs.prepare import prepare
from har_llm.runs.result import FORMAT
from har_llm.runs.run import PreparedRun
from har_llm.runs.write import write_run
from tests.composing import experiment
from tests.report.run_folders import row, rows, written
from tests.scripted_runs import SMALL, done, gold_script

ROWS = {PREDICTIONS: RunResult.predictions, WINDOWS: RunResult.windows}
WINDOW: dict[str, Any] = {"session": "s1", "messages": [], "ids": [0], "generations": []}
LINE = {PREDICTIONS: row("s1", 0, [1], 1), WINDOWS: WINDOW}


def line(name: str, number: int) -> str:
    """A row of the file, by its event or window."""
    return json.dumps({**LINE[name], ("id" if name == PREDICTIONS else "window"): number}) + "\n"


def run_in(folder: Path, count: int = 3) -> RunResult:
    """A run whose files of rows a test writes."""
    made = written(folder / "made", rows({"s1": [(1, 1)]}))
    return replace(made, folder=folder, metrics=replace(made.metrics, events=count, windows=count))


def number_of(value: Any) -> int:
    return int(value.id if hasattr(value, "id") else value.window)


@pytest.mark.parametrize("name", ROWS)
def test_rows_come_in_order_and_one_at_a_time(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(line(name, 1) + line(name, 2) + "not read yet")
    found = ROWS[name](run_in(tmp_path))
    assert [number_of(next(found)), number_of(next(found))] == [1, 2]
    with pytest.raises(MissingError, match=f"{name}:3 is damaged"):
        next(found)


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("damaged", [b'{"id": 2', b"\xff\xfe{}", b"", b"{} {}", b"\0"])
def test_a_damaged_line_is_named_with_what_to_do(tmp_path: Path, name: str, damaged: bytes) -> None:
    (tmp_path / name).write_bytes(line(name, 1).encode() + damaged + b"\n" + line(name, 3).encode())
    with pytest.raises(MissingError, match=rf"{name}:2 is damaged \(.*\); run the command that made it again") as caught:
        list(ROWS[name](run_in(tmp_path)))
    assert str(tmp_path) in str(caught.value)


@pytest.mark.parametrize("name", ROWS)
def test_a_hole_of_gigabytes_is_not_read_to_its_end(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(line(name, 1))
    os.truncate(tmp_path / name, 2**36)
    with pytest.raises(MissingError, match=rf"{name}:2 is damaged"):
        list(ROWS[name](run_in(tmp_path)))


@pytest.mark.parametrize("name", ROWS)
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    result = run_in(tmp_path)
    with pytest.raises(MissingError, match=rf"{name} cannot be read \(No such file or directory\); run the command that"):
        list(ROWS[name](result))
    (tmp_path / name).mkdir()
    with pytest.raises(MissingError, match="cannot be read"):
        list(ROWS[name](result))


@pytest.mark.parametrize("name", ROWS)
def test_an_empty_file_has_no_rows(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    assert list(ROWS[name](run_in(tmp_path, 0))) == []


@pytest.mark.parametrize("name", ROWS)
def test_a_file_that_was_cut_after_a_line_is_named_with_what_to_do(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(line(name, 1) + line(name, 2))
    with pytest.raises(MissingError, match=rf"{name} has 2 rows instead of 3; run the command that made it again"):
        list(ROWS[name](run_in(tmp_path)))


@pytest.mark.parametrize("name", ROWS)
def test_a_row_of_another_form_is_named_with_its_field(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(line(name, 1) + json.dumps({**json.loads(line(name, 2)), "session": 7}) + "\n")
    with pytest.raises(MissingError, match=rf"{name}:2 does not hold what this version of har_llm writes \(session: "):
        list(ROWS[name](run_in(tmp_path)))


def test_texts_that_utf8_cannot_hold_are_read_as_they_were_written(tmp_path: Path) -> None:
    result = written(tmp_path / "run", [row("s\udcff", 0, [1], 1, event="half \ud800 a character")])
    (found,) = result.predictions()
    assert (found.session, found.event) == ("s\udcff", "half \ud800 a character")


@pytest.mark.parametrize("format", [None, FORMAT - 1, str(FORMAT)])
def test_a_directory_of_another_format_is_refused_by_it(tmp_path: Path, format: Any) -> None:
    result = written(tmp_path / "run", rows({"s1": [(1, 1)]}))
    content = json.loads((result.folder / METRICS_FILE).read_text()) | {"format": format}
    (result.folder / METRICS_FILE).write_text(json.dumps(content))
    with pytest.raises(MissingError, match=f"has the format {format!r}, and this version of har_llm reads {FORMAT}; d"):
        read_run(result.folder)


def test_a_format_that_is_a_long_text_is_not_told_in_full(tmp_path: Path) -> None:
    result = written(tmp_path / "run", rows({"s1": [(1, 1)]}))
    content = json.loads((result.folder / METRICS_FILE).read_text()) | {"format": ["x" * 4000] * 50}
    (result.folder / METRICS_FILE).write_text(json.dumps(content))
    with pytest.raises(MissingError, match="has the format") as raised:
        read_run(result.folder)
    assert len(str(raised.value)) < 1000


def test_a_run_that_says_something_unknown_about_its_provenance_is_refused(tmp_path: Path) -> None:
    """It would stand beside real results, or name files of a report."""
    with pytest.raises(MissingError, match=r"\(provenance: Value error, '\.\./x' is none of null, 'synthetic home'"):
        written(tmp_path / "run", rows({"s1": [(1, 1)]}), provenance="../x")


@pytest.mark.parametrize("file", ["metrics.json", "environment.json", "data.json", "sample.json"])
@pytest.mark.parametrize("content", ["{", "[]", f'{{"format": {FORMAT}}}'])
def test_a_file_that_is_damaged_or_of_another_form_is_named(tmp_path: Path, file: str, content: str) -> None:
    result = written(tmp_path / "run", rows({"s1": [(1, 1)]}))
    (result.folder / file).write_text(content)
    with pytest.raises(MissingError, match=r"run the command that made it again"):
        read_run(result.folder)


@pytest.mark.parametrize("file", ["metrics.json", "config.yaml", "environment.json", "predictions.jsonl"])
def test_of_a_folder_in_the_place_of_a_file_is_said_that_it_is_to_be_moved(tmp_path: Path, file: str) -> None:
    folder = written(tmp_path / "run", rows({"s1": [(1, 1)]})).folder
    (folder / file).unlink(missing_ok=True)
    (folder / file).mkdir()
    (found,) = run_folders(tmp_path)
    with pytest.raises(MissingError, match=rf"; move {file}, which is a folder, elsewhere, and run the command that made"):
        read_run(found)


def content_of(folder: Path) -> dict[str, bytes]:
    """Without what tells when it was written."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name not in (ENVIRONMENT, SUMS)}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> PreparedRun:
    folder = tmp_path_factory.mktemp("made")
    overrides = (f"engine.path={gold_script(folder / 'gold.jsonl')}", "limit=1")
    done(folder, *overrides)
    return prepare(experiment(*SMALL, f"paths.outputs={folder / 'outputs'}", *overrides))


@pytest.mark.parametrize("file", [*FILES, SUMS])
def test_a_text_that_was_changed_in_place_is_noticed(made: PreparedRun, tmp_path: Path, file: str) -> None:
    folder = shutil.copytree(made.folder, tmp_path / "run")
    assert damage(folder) is None
    (folder / file).write_text((folder / file).read_text().replace("0", "1", 1))
    assert damage(folder) is not None
    with pytest.raises(MissingError, match=r"run the command that made it again"):
        read_run(folder)


@pytest.mark.slow
@pytest.mark.parametrize("file", [*FILES, SUMS, *FOR_PEOPLE])
def test_a_gutted_run_is_not_finished_and_is_made_anew_of_the_kept_generations(made: PreparedRun, file: str) -> None:
    before = content_of(made.folder)
    (made.folder / "notes.md").write_text("a user's")
    (made.folder / file).unlink()
    assert not made.finished
    write_run(made, made.open_store())
    assert made.finished
    assert content_of(made.folder) == {**before, "notes.md": b"a user's"}


def test_a_folder_in_the_place_of_a_file_is_not_removed(made: PreparedRun) -> None:
    (made.folder / PREDICTIONS).unlink()
    (made.folder / PREDICTIONS).mkdir()
    with pytest.raises(MissingError, match=r"predictions\.jsonl is a folder, where a file belongs; move it elsewhere"):
        write_run(made, made.open_store())
    (made.folder / PREDICTIONS).rmdir()


def test_a_damaged_run_directory_says_what_to_do(tmp_path: Path, script: str) -> None:
    result, _ = done(tmp_path, script, "limit=1")
    (result.folder / "metrics.json").write_text("{")
    with pytest.raises(MissingError, match=r"is damaged \(.*\); run the command that made it again"):
        read_run(result.folder)


NESTED = "a: &a0 [x, x]\n" + "".join(f"b{n}: &a{n + 1} [{', '.join([f'*a{n}'] * 9)}]\n" for n in range(9))
"""Aliases that stand for a billion values: making them takes hours and all memory."""


@pytest.mark.parametrize(
    "content", ["a: [", "a: 2026-01-02", "a: &x [*x]", NESTED, "- 1", "a: \xff", "!!python/name:os.system"]
)
def test_a_config_that_is_damaged_or_not_plain_is_named(tmp_path: Path, content: str) -> None:
    folder = written(tmp_path / "run", rows({"s1": [(1, 1)]})).folder
    (folder / "config.yaml").write_bytes(content.encode("latin-1"))
    with pytest.raises(MissingError, match=r"is damaged \(config\.yaml.*; run the command that made it again"):
        read_run(folder)
