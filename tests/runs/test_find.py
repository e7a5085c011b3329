"""Which runs a report is about, and what is said where there are none or damaged ones."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from har_llm.common.errors import ConfigError, MissingError
from har_llm.config.settings import PathsConfig, Settings
from har_llm.runs.find import chosen_runs, read_runs, run_folders, two_runs
from tests.report.fabricated import fabricated
from tests.report.run_folders import rows, written


def settings(tmp_path: Path, runs: list[str] | None = None) -> Settings:
    made = Settings(runs=runs)
    made.paths.outputs = str(tmp_path / "outputs")
    return made


@pytest.fixture
def two(tmp_path: Path) -> list[str]:
    """Two runs in outputs/runs, by name."""
    folder = tmp_path / "outputs" / "runs"
    return sorted(str(fabricated(folder, f1).folder.resolve()) for f1 in (0.4, 0.5))


def names(settings: Settings) -> list[str]:
    return [str(run.folder) for run in chosen_runs(settings)]


def test_all_of_paths_outputs(tmp_path: Path, two: list[str]) -> None:
    assert names(settings(tmp_path)) == two


def test_unfinished_ones_and_other_files_are_passed_over(tmp_path: Path, two: list[str]) -> None:
    runs = tmp_path / "outputs" / "runs"
    (runs / ".half-written").mkdir()
    (runs / ".half-written" / "metrics.json").write_text("{}")
    (runs / "no_run").mkdir()
    (runs / "notes.txt").touch()
    assert names(settings(tmp_path)) == two


def test_a_run_a_folder_of_runs_and_an_outputs_folder_can_be_named(tmp_path: Path, two: list[str]) -> None:
    outputs = tmp_path / "outputs"
    for chosen in ([str(outputs)], [str(outputs / "runs")], two):
        assert names(settings(tmp_path, chosen)) == two


def test_each_run_comes_once_in_the_order_named(tmp_path: Path, two: list[str]) -> None:
    link = tmp_path / "link"
    link.symlink_to(two[1])
    assert names(settings(tmp_path, [two[1], str(tmp_path / "outputs"), str(link)])) == [two[1], two[0]]


def test_the_home_folder_may_be_a_tilde(tmp_path: Path, two: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert names(settings(tmp_path, ["~/outputs"])) == two


def test_runs_of_the_outputs_are_named_by_name_pattern_or_last(tmp_path: Path, two: list[str]) -> None:
    name = Path(two[1]).name
    assert names(settings(tmp_path, [name])) == [two[1]]
    assert names(settings(tmp_path, ["mural-*"])) == two
    assert names(settings(tmp_path, [f"*{name[-6:]}"])) == [two[1]]
    assert names(settings(tmp_path, [str(tmp_path / "outputs" / "r*" / "mural-*")])) == two
    os.utime(Path(two[0]) / "metrics.json", (1e9, 1e9))
    assert names(settings(tmp_path, ["last"])) == [two[1]]


def test_the_last_run_is_no_baseline_beside_it(tmp_path: Path, two: list[str]) -> None:
    supervised = {"kind": "Majority", "mark": "supervised", "sessions": 1, "events": 1, "settings": {}}
    beside = fabricated(tmp_path / "outputs" / "runs", model="majority", baseline=supervised).folder
    for path in two:
        os.utime(Path(path) / "metrics.json", (1e9, 1e9))
    assert names(settings(tmp_path, ["last"]))[0] in two
    for path in two:
        shutil.rmtree(path)
    assert names(settings(tmp_path, ["last"])) == [str(beside.resolve())]


def test_the_last_run_is_on_the_home_of_the_newest(tmp_path: Path, two: list[str]) -> None:
    supervised = {"kind": "Majority", "mark": "supervised", "sessions": 1, "events": 1, "settings": {}}
    for path in two:
        os.utime(Path(path) / "metrics.json", (1e9, 1e9))
    cottage = fabricated(tmp_path / "outputs" / "runs", dataset="cottage", model="majority", baseline=supervised).folder
    assert names(settings(tmp_path, ["last"])) == [str(cottage.resolve())]


def test_a_name_that_is_near_is_named(tmp_path: Path, two: list[str]) -> None:
    with pytest.raises(ConfigError, match=f"Did you mean {Path(two[0]).name}"):
        chosen_runs(settings(tmp_path, [Path(two[0]).name[:-1]]))
    with pytest.raises(ConfigError, match=r"Did you mean last\?"):
        chosen_runs(settings(tmp_path, ["Last"]))


def test_names_without_brackets_are_answered_with_them(tmp_path: Path, two: list[str]) -> None:
    with pytest.raises(ConfigError, match=rf"several are written runs=\[{two[0]},last\]\."):
        chosen_runs(settings(tmp_path, [f"{two[0]},last"]))


def test_a_file_in_the_place_of_all_runs_is_named(tmp_path: Path) -> None:
    (tmp_path / "outputs").mkdir(parents=True)
    (tmp_path / "outputs" / "runs").touch()
    with pytest.raises(ConfigError, match=r"outputs/runs is no folder, but outputs belong there \(paths\.outputs\); move"):
        chosen_runs(settings(tmp_path, None))


@pytest.mark.parametrize(
    ("runs", "message"),
    [
        (None, r"outputs/runs holds no finished run; run something first, or name run directories with runs=\[\.\.\.\]\."),
        (
            ["nowhere"],
            r"runs names 'nowhere', which is no run directory \(metrics.json is missing\) and holds none, and .* has none",
        ),
        ([], r"runs is empty; name run directories, or leave it out for all of paths.outputs\."),
    ],
)
def test_where_there_is_no_run_it_says_what_to_do(tmp_path: Path, runs: list[str] | None, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        chosen_runs(settings(tmp_path, runs))


def test_one_that_does_not_exist_is_not_hidden_by_one_that_does(tmp_path: Path, two: list[str]) -> None:
    with pytest.raises(ConfigError, match="runs names 'nowhere'"):
        chosen_runs(settings(tmp_path, [two[0], "nowhere"]))


@pytest.mark.parametrize("name", ["metrics.json", "environment.json", "data.json", "sample.json"])
def test_a_damaged_run_is_named(tmp_path: Path, two: list[str], name: str) -> None:
    (Path(two[0]) / name).write_text('{"half":')
    with pytest.raises(MissingError, match=r"is damaged .*; run the command that made it again"):
        read_runs([Path(two[0])])


def test_run_folders_of_a_run_is_itself(two: list[str]) -> None:
    assert run_folders(Path(two[0])) == [Path(two[0])]
    assert json.loads((Path(two[0]) / "metrics.json").read_text())["dataset"] == "mural"


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
