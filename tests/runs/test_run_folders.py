"""Which runs a comparison is about."""

from __future__ import annotations

from pathlib import Path

import pytest

from har_llm.common.errors import ConfigError
from har_llm.config import PathsConfig, Settings
from har_llm.runs.find import two_runs
from tests.report.run_folders import rows, written


def made(outputs: Path, *names: str) -> list[str]:
    return [str(written(outputs / "runs" / name, rows({"s": [(1, 1)]})).folder) for name in names]


def test_two_runs_in_the_order_in_which_they_are_named(tmp_path: Path) -> None:
    a, b = made(tmp_path, "a", "b")
    assert [run.folder.name for run in two_runs(Settings(runs=[b, a]))] == ["b", "a"]
    assert [run.folder.name for run in two_runs(Settings(paths=PathsConfig(outputs=str(tmp_path))))] == ["a", "b"]


def test_any_other_number_is_refused_with_what_to_write(tmp_path: Path) -> None:
    one, *others = made(tmp_path, "a", "b", "c", "d", "e")
    advice = r"but task=compare takes exactly two; write runs=\[RUN_DIR_A,RUN_DIR_B\]"
    with pytest.raises(ConfigError, match=rf"runs names 1 run directory \(a\), {advice}"):
        two_runs(Settings(runs=[one]))
    with pytest.raises(ConfigError, match=rf"runs names 1 run directory \(a\), {advice}"):
        two_runs(Settings(runs=[one, one + "/."]))
    with pytest.raises(ConfigError, match=rf"runs names 3 different run directories \(a, b, c\), {advice}"):
        two_runs(Settings(runs=[one, *others[:2]]))
    with pytest.raises(
        ConfigError, match=rf"paths.outputs holds 5 different run directories \(a, b, c, d, \.\.\.\), {advice}"
    ):
        two_runs(Settings(paths=PathsConfig(outputs=str(tmp_path))))
