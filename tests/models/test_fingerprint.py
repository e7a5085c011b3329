"""A model on this machine is known by every byte of its files; a large file is read once."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from har_llm.models import fingerprint as module
from har_llm.models.fingerprint import fingerprint

SIZE = 5 * 2**20


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(module, "SMALL_FILE", 2**20)
    monkeypatch.setattr("huggingface_hub.constants.HF_HOME", str(tmp_path / "hf"))
    (tmp_path / "model.safetensors").write_bytes(bytes(SIZE))
    return tmp_path / "model.safetensors"


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files that are read whole, in order."""
    module._kept.cache_clear()
    files: list[Path] = []
    digest = module.file_digest
    monkeypatch.setattr(module, "file_digest", lambda path: files.append(path) or digest(path))
    return files


def forget() -> None:
    """As in another process."""
    module._kept.cache_clear()


@pytest.mark.parametrize("place", [0, 4096, 2 * 2**20 + 7, SIZE - 1])
def test_every_byte_of_a_large_file_counts_even_if_its_time_of_change_is_set_back(file: Path, place: int) -> None:
    before, state = fingerprint({"a": file}), file.stat()
    with file.open("r+b") as stream:
        stream.seek(place)
        stream.write(b"x")
    os.utime(file, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert fingerprint({"a": file}) != before != fingerprint({"b": file})


def test_a_large_file_is_read_once_by_all_processes(file: Path, read: list[Path]) -> None:
    (link := file.with_name("link")).symlink_to(file)
    first = fingerprint({"a": file})
    assert fingerprint({"a": link}) == first and read == [file]
    forget()
    assert fingerprint({"a": file}) == first and read == [file]
    file.write_bytes(bytes(SIZE - 1) + b"x")
    assert fingerprint({"a": file}) != first and read == [file, file]


def test_a_read_that_takes_long_is_said_once(
    file: Path, read: list[Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fingerprint({"a": file})
    assert capsys.readouterr() == ("", "") and read == [file]
    monkeypatch.setattr(module, "LONG_READ", 4 * 2**20)
    file.write_bytes(bytes(SIZE - 1) + b"x")
    for _ in range(2):
        forget()
        fingerprint({"a": file})
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "reading model.safetensors once (5 MB), by whose content the model is known\n")


@pytest.mark.parametrize(
    "damage", [lambda kept: kept.write_bytes(b"\xff"), lambda kept: kept.write_text("1 2 3 4 5 " + 64 * "0"), Path.unlink]
)
def test_a_digest_that_is_not_of_this_file_is_not_believed(
    file: Path, read: list[Path], damage: Callable[[Path], object]
) -> None:
    first = fingerprint({"a": file})
    (kept,) = (file.parent / "hf" / "har_llm" / "digests").iterdir()
    damage(kept)
    forget()
    assert fingerprint({"a": file}) == first and len(read) == 2


def test_where_nothing_can_be_kept_it_is_read_again(file: Path, read: list[Path]) -> None:
    (file.parent / "hf").write_text("no folder")
    first = fingerprint({"a": file})
    forget()
    assert fingerprint({"a": file}) == first and len(read) == 2
