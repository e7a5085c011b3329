"""A sealed folder is known to be as it was written, and by other tools too."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from har_llm.common.checksums import SUMS, broken, seal

NAMES = ("a.json", "b.jsonl")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in NAMES:
        (tmp_path / name).write_text(name)
    seal(tmp_path, NAMES)
    return tmp_path


def test_a_sealed_folder_is_whole_for_us_and_for_sha256sum(folder: Path) -> None:
    (folder / "notes.md").write_text("of a user")
    assert broken(folder, NAMES) is None
    assert subprocess.run(["sha256sum", "--check", "--strict", SUMS], cwd=folder, capture_output=True).returncode == 0


@pytest.mark.parametrize("name", NAMES)
def test_a_file_that_was_changed_in_place_is_named(folder: Path, name: str) -> None:
    assert broken(folder, NAMES) is None
    (folder / name).write_text(name.upper())
    assert broken(folder, NAMES) == f"{name}: it is not as it was written, by {SUMS}"


@pytest.mark.parametrize("name", [*NAMES, SUMS])
def test_a_file_that_is_gone_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    assert broken(folder, NAMES) == f"{name}: No such file or directory"
    (folder / name).mkdir()
    assert broken(folder, NAMES) == f"{name}: Is a directory"


@pytest.mark.parametrize("content", [b"", b"\xff\0", b"no digest  a.json\n", b"a.json\n"])
def test_a_damaged_list_of_digests_confirms_nothing(folder: Path, content: bytes) -> None:
    (folder / SUMS).write_bytes(content)
    assert broken(folder, NAMES) == f"{SUMS}: it does not hold the digests of the files beside it"


def test_a_file_of_another_size_is_not_read(folder: Path) -> None:
    os.truncate(folder / "a.json", 2**36)
    assert broken(folder, NAMES) == f"a.json: it is not as it was written, by {SUMS}"


def test_a_file_that_nobody_sealed_is_not_known(folder: Path) -> None:
    (folder / "c").touch()
    assert broken(folder, [*NAMES, "c"]) == f"c: it is not as it was written, by {SUMS}"
