"""What is written is there whole or not at all, whatever happens in between."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from har_llm.common import files
from har_llm.common.files import (
    LongLineError,
    line_blocks,
    open_bounded,
    put_in_place,
    read_bounded,
    staging_folder,
    write_whole,
)

WRITING_ON = """
import sys
from pathlib import Path
from har_llm.common.files import write_whole
while True:
    for letter in "ab":
        write_whole(Path(sys.argv[1]), letter * 5_000_000)
"""
KILLED_INSIDE = """
import os, signal, sys
from pathlib import Path
from har_llm.common.files import staging_folder
with staging_folder(Path(sys.argv[1])) as staging:
    (staging / "half").touch()
    os.kill(os.getpid(), signal.SIGKILL)
"""


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_written_and_written_again_and_nothing_lies_beside_it(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "file.json"
    for text in ("é\ud800\r\n", "two\n"):
        write_whole(file, text)
    assert file.read_bytes() == b"two\n" and names(file.parent) == ["file.json"]
    write_whole(file, "é\ud800\r\n")
    assert file.read_bytes() == b"\xc3\xa9\\ud800\r\n"


def test_a_file_that_cannot_be_written_is_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "file"
    write_whole(file, "before")

    def full(path: Path, content: bytes) -> int:
        path.open("wb").close()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        write_whole(file, "after")
    assert file.read_text() == "before" and names(tmp_path) == ["file"]


@pytest.mark.slow
@pytest.mark.parametrize("milliseconds", [0, 7, 23])
def test_a_file_is_whole_whenever_its_writer_is_killed(tmp_path: Path, milliseconds: int) -> None:
    file = tmp_path / "file"
    writer = subprocess.Popen([sys.executable, "-c", WRITING_ON, str(file)])
    while not file.exists():
        time.sleep(0.001)
        assert writer.poll() is None
    time.sleep(milliseconds / 1000)
    writer.kill()
    writer.wait()
    text = file.read_text()
    assert len(text) == 5_000_000 and len(set(text)) == 1


def test_a_link_to_a_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("é")
    (tmp_path / "link").symlink_to("file")
    assert read_bounded(tmp_path / "link") == "é".encode()


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, list[str]]]:
    """What was synced, by its inode, with the names that were in the test's folder then."""
    found: list[tuple[int, list[str]]] = []
    sync = os.fsync

    def note(handle: int) -> None:
        sync(handle)
        found.append((os.fstat(handle).st_ino, sorted(path.name[:5] for path in Path.cwd().iterdir())))

    monkeypatch.setattr(os, "fsync", note)
    return found


def test_what_is_written_whole_is_on_disk_before_and_its_name_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, synced: list[tuple[int, list[str]]]
) -> None:
    monkeypatch.chdir(tmp_path)
    write_whole(tmp_path / "file", "text")
    file, folder = ((tmp_path / name).stat().st_ino for name in ("file", ""))
    assert synced == [(file, [".file"]), (folder, ["file"])]


def test_a_folder_is_on_disk_with_its_files_before_it_is_renamed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, synced: list[tuple[int, list[str]]]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "made" / "inner").mkdir(parents=True)
    (tmp_path / "made" / "inner" / "file").touch()
    put_in_place(tmp_path / "made", tmp_path / "run")
    *before, last = synced
    places = ("run/inner", "run/inner/file", "run")
    assert [inode for inode, _ in before] == [(tmp_path / place).stat().st_ino for place in places]
    assert all(names == ["made"] for _, names in before) and last == (tmp_path.stat().st_ino, ["run"])


def test_a_folder_is_put_in_place_whole(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "run"
    with staging_folder(target) as staging:
        (staging / "file").touch()
        assert not target.exists() and staging.parent == target.parent
        put_in_place(staging, target)
    assert names(target) == ["file"] and names(target.parent) == ["run"]
    assert target.stat().st_mode == target.parent.stat().st_mode, "others may read it if they may read what is around it"


def test_of_two_folders_the_first_stays(tmp_path: Path) -> None:
    target = tmp_path / "run"
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).touch()
        put_in_place(tmp_path / name, target)
    assert names(target) == ["one"]


def test_a_folder_that_cannot_be_put_in_place_is_an_error(tmp_path: Path) -> None:
    with staging_folder(tmp_path / "run") as staging, pytest.raises(OSError):
        put_in_place(staging, tmp_path / "missing" / "run")


def test_where_filling_a_folder_fails_nothing_is_left(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), staging_folder(tmp_path / "run") as staging:
        (staging / "half").touch()
        raise ZeroDivisionError
    assert names(tmp_path) == []


def test_what_a_killed_process_leaves_is_removed_by_the_next_that_holds_the_place(tmp_path: Path) -> None:
    assert subprocess.run([sys.executable, "-c", KILLED_INSIDE, str(tmp_path / "run")], check=False).returncode == -9
    assert not (tmp_path / "run").exists() and all(name.startswith(".run") for name in names(tmp_path))
    others = [".run-notes", ".run2-0123abcd", "run-0123abcd"]
    for name in others:
        (tmp_path / name).mkdir()
    (tmp_path / ".run-0123abcd").touch()
    with staging_folder(tmp_path / "run") as staging:
        assert names(tmp_path) == sorted([*others, staging.name, ".run.lock"])
        put_in_place(staging, tmp_path / "run")
    assert names(tmp_path) == sorted([*others, "run"])


@pytest.mark.slow
def test_a_process_that_fills_a_folder_is_waited_for(tmp_path: Path) -> None:
    code = KILLED_INSIDE.replace("os.kill(os.getpid(), signal.SIGKILL)", "print(flush=True); sys.stdin.readline()")
    command = [sys.executable, "-c", code, str(tmp_path / "run")]
    first = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert first.stdin is not None and first.stdout is not None
    first.stdout.readline()
    (staging,) = tmp_path.glob(".run-*")
    second = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    with pytest.raises(subprocess.TimeoutExpired):
        second.wait(1)
    assert (staging / "half").exists()
    first.communicate(b"\n")
    assert second.wait(60) == 0 and names(tmp_path) == []


def test_only_a_regular_file_within_its_bound_is_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"12345")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "endless").symlink_to("/dev/zero")
    assert read_bounded(tmp_path / "file", 5) == b"12345"
    for name, code, words in (
        ("file", errno.EFBIG, "it has 5 bytes, and at most 4 are read"),
        ("pipe", errno.EINVAL, "it is no regular file"),
        ("endless", errno.EINVAL, "it is no regular file"),
        ("", errno.EISDIR, "Is a directory"),
        ("missing", errno.ENOENT, "No such file or directory"),
    ):
        with pytest.raises(OSError) as raised:
            read_bounded(tmp_path / name, 4)
        assert (raised.value.errno, raised.value.strerror) == (code, words)


def test_a_line_that_is_too_long_is_not_read_to_its_end_and_those_above_it_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "BLOCK", 5)
    monkeypatch.setattr(files, "LONGEST_LINE", 10)
    (tmp_path / "file").write_bytes(b"a\nbc\n" + b"x" * 1000 + b"\n")
    with open_bounded(tmp_path / "file") as stream:
        found = []
        with pytest.raises(LongLineError, match="longer than 10 bytes") as raised:
            for block in line_blocks(stream):
                found += block.splitlines()
        assert found == [b"a", b"bc"] and raised.value.read < 20


def test_the_last_line_may_have_no_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "BLOCK", 2)
    (tmp_path / "file").write_bytes(b"one\ntwo\nthree")
    with open_bounded(tmp_path / "file") as stream:
        assert list(line_blocks(stream)) == [b"one\n", b"two\n", b"three"]
