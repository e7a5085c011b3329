"""The journal is read as it was written, up to a line that a kill has torn; a damaged one is refused."""

from __future__ import annotations

import os
import resource
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from har_llm.common.errors import MissingError
from har_llm.sweep.live.journal import Journal

LINES: list[dict[str, Any]] = [{"format": 1}, {"quiet": 1.5}, {"heard": [["a", "ä\t\n"]]}]


def written(folder: Path) -> Path:
    journal = Journal(folder / "journal.jsonl")
    journal.begin(LINES[0])
    for line in LINES[1:]:
        journal.add(line)
    journal.close()
    return folder / "journal.jsonl"


def test_it_is_read_as_it_was_written_and_begun_anew_with_a_state(tmp_path: Path) -> None:
    assert list(Journal(tmp_path / "journal.jsonl").read()) == []
    path = written(tmp_path)
    assert list(Journal(path).read()) == LINES
    Journal(path).begin({"format": 2})
    assert list(Journal(path).read()) == [{"format": 2}]


@settings(max_examples=60)
@given(st.integers(0, 200), st.integers(0, 255), st.booleans())
def test_a_kill_costs_the_last_line_and_damage_is_noticed(
    tmp_path_factory: pytest.TempPathFactory, place: int, byte: int, cut: bool
) -> None:
    path = written(tmp_path_factory.mktemp("journal"))
    content = path.read_bytes()
    place %= len(content)
    damaged = content[:place] if cut else content[:place] + bytes([byte]) + content[place + 1 :]
    path.write_bytes(damaged)
    try:
        found = list(Journal(path).read())
    except MissingError as error:
        assert not cut and "move it elsewhere to begin anew" in str(error)
    else:
        assert found == LINES[: len(found)] and (cut or damaged == content or len(found) == len(LINES) - 1)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (
            lambda path: os.truncate(path, 2**36),
            "it has 68,719,476,736 bytes, and at most",
        ),  # a hole, of gigabytes in memory
        (lambda path: (path.unlink(), path.symlink_to("/dev/zero")), "it is no regular file"),
        (lambda path: (path.unlink(), os.mkfifo(path)), "it is no regular file"),
        (lambda path: (path.unlink(), path.mkdir()), "Is a directory"),
    ],
)
def test_what_is_no_journal_is_refused_without_reading_it(
    tmp_path: Path, damage: Callable[[Path], object], words: str
) -> None:
    path = written(tmp_path)
    damage(path)
    with pytest.raises(MissingError, match=f"{words}.*move it elsewhere to begin anew"):
        list(Journal(path).read())


def test_a_disk_that_is_full_is_one_sentence_and_costs_nothing_that_was_written(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    journal.begin(LINES[0])
    size = (tmp_path / "journal.jsonl").stat().st_size
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    signals = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 5, before[1]))
        for write in (journal.add, journal.begin, journal.add):
            with pytest.raises(
                MissingError, match=r"cannot be written \(File too large\). What was accepted before is kept"
            ):
                write({"quiet": 2.5, "long": "x" * size})
        journal.close()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, signals)
    assert list(Journal(tmp_path / "journal.jsonl").read()) == LINES[:1]
