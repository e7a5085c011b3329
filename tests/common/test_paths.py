"""Paths as users write them, and what others are shown of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from har_llm.common.errors import ConfigError
from har_llm.common.paths import expanded, parts_apart, published_id


def test_the_home_folder_is_filled_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert expanded("~/data") == expanded(Path("~/data")) == tmp_path / "data"


@pytest.mark.parametrize("path", ["~nobody_here/x", "~no\0body", "a/~b", "", "/absolute"])
def test_any_other_path_stays_and_nothing_is_raised(path: str) -> None:
    assert expanded(path) == Path(path)


@pytest.mark.parametrize("path", ["x" * 256, "a/" + "é" * 128 + "/b", "a/" * 2049])
def test_a_path_that_no_file_system_takes_is_one_sentence(path: str) -> None:
    with pytest.raises(
        ConfigError, match=r"^The (path|name) '.{60}'\.\.\. has [0-9,]+ bytes; [0-9,]+ is the most, so shorten"
    ):
        expanded(path)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("/srv/models/mine/", "mine"),
        ("~/mine.gguf", "mine.gguf"),
        ("../mine", "mine"),
        ("C:\\models\\mine", "mine"),
        ("org/name", "org/name"),
        ("embedded:tiny", "embedded:tiny"),
        (".hidden", ".hidden"),
        ("/", "/"),
    ],
)
def test_of_a_path_the_last_part_is_shown(text: str, shown: str) -> None:
    assert published_id(text) == shown


def test_paths_are_told_apart_by_where_they_part() -> None:
    assert parts_apart([Path("/x/a/run"), Path("/x/b/run")]) == ["a/run", "b/run"]
    assert parts_apart([Path("/x/a"), Path("/x/a/b")]) == ["a", "b"]
