"""Paths as users write them."""

from __future__ import annotations

from pathlib import Path

import pytest

from har_llm.common.paths import expanded


def test_the_home_folder_is_filled_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert expanded("~/data") == expanded(Path("~/data")) == tmp_path / "data"


@pytest.mark.parametrize("path", ["~nobody_here/x", "~no\0body", "a/~b", "", "/absolute"])
def test_any_other_path_stays_and_nothing_is_raised(path: str) -> None:
    assert expanded(path) == Path(path)
