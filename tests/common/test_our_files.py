"""Only what we have written, as we wrote it, is replaced or removed."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path

import pytest

from har_llm.common import our_files
from har_llm.common.our_files import LIST, replace_files


def put(folder: Path, **files: str) -> None:
    """Replace the folder's files by these, by name without their ending."""
    staging = folder.parent / "staging"
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(parents=True)
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (staging / f"{name}.md").write_text(text)
    replace_files(staging, folder)


def held(folder: Path) -> dict[str, str]:
    return {path.stem: path.read_text() for path in folder.iterdir() if path.name != LIST}


def test_our_own_files_are_replaced_and_removed(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    put(folder, a="1", b="1")
    put(folder, a="2", c="2")
    assert held(folder) == {"a": "2", "c": "2"}


def test_what_somebody_wrote_or_changed_stays(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    put(folder, a="1", b="1")
    (folder / "b.md").write_text("changed")
    (folder / "mine.md").write_text("mine")
    put(folder, a="2")
    assert held(folder) == {"a": "2", "b": "changed", "mine": "mine"}
    for name in ("b", "mine"):
        with pytest.raises(FileExistsError) as raised:
            put(folder, a="3", **{name: "3"})
        assert raised.value.strerror == f"its {name}.md is not as har_llm has written it"
        assert held(folder) == {"a": "2", "b": "changed", "mine": "mine"}


def test_a_link_a_folder_or_a_pipe_is_not_ours(tmp_path: Path) -> None:
    folder, elsewhere = tmp_path / "folder", tmp_path / "elsewhere.md"
    folder.mkdir()
    (folder / "link.md").symlink_to(elsewhere)
    (folder / "inner.md").mkdir()
    os.mkfifo(folder / "pipe.md")
    for name in ("link", "inner", "pipe"):
        with pytest.raises(FileExistsError):
            put(folder, **{name: "1"})


def test_a_list_of_somebody_elses_removes_nothing(tmp_path: Path) -> None:
    folder, victim = tmp_path / "folder", tmp_path / "victim.md"
    folder.mkdir()
    victim.write_text("mine")
    (folder / "notes.md").write_text("mine")
    mine = hashlib.sha256(b"mine").hexdigest()
    for listed in (
        ["notes.md"],
        {"notes.md": ["0" * 64]},
        {"notes.md": mine},
        {"../victim.md": [mine], str(victim): [mine], "": [mine], ".": [mine]},
        "x",
        None,
    ):
        (folder / LIST).write_text(json.dumps(listed))
        put(folder, a="1")
        assert held(folder) == {"a": "1", "notes": "mine"} and victim.read_text() == "mine"
        (folder / "a.md").unlink()


def test_what_a_kill_leaves_between_two_files_is_known_as_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "folder"
    put(folder, a="1", b="1", old="1")
    replace, moved = Path.replace, list[str]()

    def killed(path: Path, target: Path) -> Path:
        if path.parent.name == "staging":
            moved.append(path.name)
            if len(moved) == 2:
                raise KeyboardInterrupt
        return replace(path, target)

    monkeypatch.setattr(our_files.Path, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        put(folder, a="2", b="2")
    assert held(folder) == {"a": "2", "b": "1"}
    put(folder, a="3", b="3")
    assert held(folder) == {"a": "3", "b": "3"}


def test_a_file_that_has_become_endless_is_not_read(tmp_path: Path) -> None:
    put(tmp_path / "folder", a="1")
    os.truncate(tmp_path / "folder" / "a.md", 2**36)
    with pytest.raises(FileExistsError):
        put(tmp_path / "folder", a="2")
