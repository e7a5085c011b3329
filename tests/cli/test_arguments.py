"""What was typed reaches Hydra's grammar unharmed, and the rest of the command line is left as it was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import example, given
from hypothesis import strategies as st

from har_llm.cli.arguments import read_arguments
from har_llm.common.errors import ConfigError


def value(argument: str) -> Any:
    """The value that Hydra reads."""
    (read,) = read_arguments([argument])
    return OverridesParser.create().parse_override(read).value()


@given(st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"]), min_size=1).filter(lambda text: "${" not in text))
@example("~/x")
@example("/tmp/é数/a=b,(c)[d]{e}#;%*?")
@example("it's")
@example('a"b')
@example("back\\slash\\")
@example("\\'")
@example("123")
@example("true")
def test_a_path_is_read_as_it_was_typed(path: str) -> None:
    quoted = path == "null" or (path[0] == path[-1] and path[0] in "'\"")
    assert quoted or value(f"paths.data={path}") == path


def test_blanks_inside_a_path_are_kept() -> None:
    assert value("prompt.path=my prompt (1).txt") == "my prompt (1).txt"
    assert value("export.path=数 (1).yaml") == "数 (1).yaml"


@pytest.mark.parametrize(
    "typed, read",
    [
        ("paths.data=null", None),
        ("paths.data='quoted already'", "quoted already"),
        ("prompt.system=What's up? (tell me)", "What's up? (tell me)"),
        ("prompt.system=[INST] Answer as JSON: [", "[INST] Answer as JSON: ["),
        ("window.events=20", 20),
        ("model.reasoning_marks=[a,b]", ["a", "b"]),
        ("runs=outputs/my runs/X", ["outputs/my runs/X"]),
        ("runs=[a,b]", ["a", "b"]),
        ("++model.sampling.top_k=5", 5),
    ],
)
def test_a_value_is_quoted_only_where_it_must_be(typed: str, read: object) -> None:
    assert value(typed) == read


@pytest.mark.parametrize(
    "arguments",
    [
        ["-m", "model=qwen3_0.6b,tiny_teacher", "seed=range(3)", "model.id=a,b", "paths.outputs=a,b"],
        ["--cfg", "job", "--resolve", "model=tiny_student"],
        ["experiment=figure4", "seed=1,2", "hydra/launcher=har_llm_slurm", "~tracker"],
        ["+dataset@lora.source=marble", "lora=distilled", "bundle/paper=glob(marble_*,exclude=*_on_mural)"],
        ["hydra.searchpath=[file:///srv/conf]", "+setup=mine", "model.id=/srv/model"],
        ["bundle/real_small=as_it_is_smollm2_135m", "model.id=/srv/model"],
        ["experiment=table1", "model.id=/srv/model"],
    ],
)
def test_what_hydra_understands_is_left_as_it_is(arguments: list[str]) -> None:
    assert sorted(read_arguments(arguments)) == sorted(arguments)


def test_flags_come_first_with_their_values(tmp_path: Path) -> None:
    own = str(tmp_path)
    assert read_arguments(["seed=1", "-m", "limit=3", "-cd", own]) == ["-m", "-cd", own, "seed=1", "limit=3"]


def test_of_what_is_given_twice_the_last_counts_and_it_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    twice = ["dataset=marble", "seed=1", "dataset=mural", "seed=2"]
    assert read_arguments(twice) == twice
    assert capsys.readouterr().err == (
        "note: dataset is given 2 times; the last one counts, dataset=mural.\n"
        "note: seed is given 2 times; the last one counts, seed=2.\n"
    )


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (["paper", "null"], []),
        (["paper", "null", "paper"], ["experiment=paper"]),
        (["null", "paper"], ["experiment=paper"]),
        (["null"], []),
    ],
)
def test_an_experiment_of_null_is_none(given: list[str], kept: list[str]) -> None:
    assert read_arguments([f"experiment={one}" for one in given]) == kept


def test_options_of_a_users_own_folder_can_be_chosen(tmp_path: Path) -> None:
    (tmp_path / "dataset").mkdir()
    (tmp_path / "dataset" / "my_home.yaml").touch()
    own = ["--config-dir", str(tmp_path), "dataset=my_home"]
    assert read_arguments(own) == own
    with pytest.raises(ConfigError, match=r"marble, mural, my_home, .* Did you mean my_home"):
        read_arguments([*own[:2], "dataset=my-home"])


@pytest.mark.parametrize("folder", ["--config-path", "--config-dir"])
@pytest.mark.parametrize("settings", [["model=my_own", "mine=3"], ["model.id=/srv/model"]])
def test_a_config_of_a_users_own_may_have_any_settings(tmp_path: Path, folder: str, settings: list[str]) -> None:
    (tmp_path / "mine.yaml").touch()
    own = ["--config-name", "mine", folder, str(tmp_path), *settings]
    assert read_arguments(own) == own
    assert read_arguments(["--config-name", "config.yaml"]) == ["--config-name", "config.yaml"]
    with pytest.raises(ConfigError, match=r"--config-name is 'other', and there is no .*/other\.yaml"):
        read_arguments(["--config-name", "other", *own[2:]])


def test_a_config_may_be_in_a_package() -> None:
    own = ["--config-name", "mine", "--config-path", "pkg://my.conf"]
    assert read_arguments(own) == own
    for flag, folder in (("--config-dir", "pkg://my.conf"), ("--config-path", "file:///srv/conf")):
        with pytest.raises(ConfigError, match="there is no such folder"):
            read_arguments([flag, folder])


def test_of_two_names_of_a_config_the_last_counts(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").touch()
    path = ["--config-path", str(tmp_path)]
    assert read_arguments([*path, "-cn", "other", "--config-name", "mine"])
    with pytest.raises(ConfigError, match=r"'other'"):
        read_arguments([*path, "--config-name", "mine", "-cn", "other"])


def test_a_group_of_a_users_own_is_added_and_may_choose_a_model(tmp_path: Path) -> None:
    (tmp_path / "setup").mkdir()
    (tmp_path / "setup" / "mine.yaml").touch()
    own = ["--config-dir", str(tmp_path), "+setup=mine", "model.id=/srv/model"]
    assert read_arguments(own) == own


def test_an_option_that_is_called_like_a_setting_does_not_hide_it(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "limit.yaml").touch()
    own = ["--config-dir", str(tmp_path), "limit=5"]
    assert read_arguments(own) == own


def test_a_folder_is_found_from_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert read_arguments(["--config-dir=~", "seed=1"]) == ["--config-dir", str(tmp_path), "seed=1"]


def test_what_is_there_as_a_folder_may_be_meant_otherwise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("marble", "my run", "my.run"):
        (tmp_path / name).mkdir()
    for typed, said in (
        ("marble", "write dataset=marble"),
        ("my run", "write runs='my run' for a run"),
        ("my.run", "write runs=my.run for a run"),
        ("", "settings are written NAME=VALUE"),
        ("y" * 300, "settings are written NAME=VALUE"),
    ):
        with pytest.raises(ConfigError, match=said):
            read_arguments(["task=report", typed])
