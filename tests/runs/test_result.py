"""The files of a run directory, read back one row at a time."""

from __future__ import annotations

from pathlib import Path

import pytest

from har_llm.common.errors import MissingError
from har_llm.runs.directory import PREDICTIONS, WINDOWS, RunResult

ROWS = {PREDICTIONS: RunResult.predictions, WINDOWS: RunResult.windows}


def run_in(folder: Path, count: int = 3) -> RunResult:
    return RunResult(folder, {"events": count, "excluded_events": {}, "windows": count}, {}, {}, {})


@pytest.mark.parametrize("name", ROWS)
def test_rows_come_in_order_and_one_at_a_time(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text('{"id": 1}\n{"id": 2}\nnot read yet')
    rows = ROWS[name](run_in(tmp_path))
    assert [next(rows), next(rows)] == [{"id": 1}, {"id": 2}]
    with pytest.raises(MissingError, match=f"{name}:3 is damaged"):
        next(rows)


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("line", [b'{"id": 2', b"\xff\xfe{}", b"", b"{} {}", b"\0"])
def test_a_damaged_line_is_named_with_what_to_do(tmp_path: Path, name: str, line: bytes) -> None:
    (tmp_path / name).write_bytes(b'{"id": 1}\n' + line + b'\n{"id": 3}\n')
    with pytest.raises(
        MissingError, match=rf"{name}:2 is damaged \(.*\); delete .* and run the same command again"
    ) as caught:
        list(ROWS[name](run_in(tmp_path)))
    assert str(tmp_path) in str(caught.value)


@pytest.mark.parametrize("name", ROWS)
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(MissingError, match=rf"{name} cannot be read \(No such file or directory\); delete"):
        list(ROWS[name](run_in(tmp_path)))
    (tmp_path / name).mkdir()
    with pytest.raises(MissingError, match="cannot be read"):
        list(ROWS[name](run_in(tmp_path)))


@pytest.mark.parametrize("name", ROWS)
def test_an_empty_file_has_no_rows(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    assert list(ROWS[name](run_in(tmp_path, 0))) == []


@pytest.mark.parametrize("name", ROWS)
def test_a_file_that_was_cut_after_a_line_is_named_with_what_to_do(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text('{"id": 1}\n{"id": 2}\n')
    with pytest.raises(MissingError, match=rf"{name} has 2 rows instead of 3; delete .* and run the same command again"):
        list(ROWS[name](run_in(tmp_path)))
