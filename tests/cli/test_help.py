"""The help lists what there is, a user's own options too."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from har_llm.cli.help import help_text
from har_llm.common.shipped import conf_folder
from har_llm.config.experiment import GROUPS
from har_llm.tasks import TASKS
from tests.composing import OPTIONS


def groups(text: str) -> dict[str, list[str]]:
    """The options of each group; long lines are continued on the next."""
    listed = re.sub(r"\n {5,}", " ", text.partition("Groups and their options")[2].partition("Tasks")[0])
    rows = (line.split(maxsplit=1) for line in listed.splitlines() if line.startswith("  "))
    return {row[0]: row[1].split(", ") for row in rows}


def test_every_group_is_listed_with_its_options() -> None:
    listed = groups(help_text([]))
    assert set(GROUPS) < set(listed)
    for group, names in OPTIONS.items():
        assert sorted(listed[group]) == names
    assert all(len(line) <= 120 for line in help_text([]).splitlines())


@pytest.mark.parametrize("width", [70, 80, 200])
def test_it_is_as_wide_as_the_terminal_and_breaks_no_word(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    """Lines of 120 characters were broken by a terminal of 80, in the middle of names."""
    whole = help_text([])
    monkeypatch.setenv("COLUMNS", str(width))
    assert max(map(len, help_text([]).splitlines())) <= min(width, 120)
    assert help_text([]).split() == whole.split()


def test_models_are_listed_by_size() -> None:
    sizes = [name for name in groups(help_text([]))["model"] if re.fullmatch(r"qwen3_[\d.]+b", name)]
    assert sizes == ["qwen3_0.6b", "qwen3_1.7b", "qwen3_4b", "qwen3_8b", "qwen3_14b", "qwen3_32b"]


def test_a_users_own_options_are_listed(tmp_path: Path) -> None:
    (tmp_path / "dataset").mkdir()
    (tmp_path / "dataset" / "my_home.yaml").touch()
    for arguments in (["--config-dir", str(tmp_path)], [f"--config-dir={tmp_path}"], ["-cd", str(tmp_path)]):
        listed = groups(help_text(arguments))["dataset"]
        assert "my_home" in listed and "marble" in listed
    assert "my_home" not in help_text(["--config-dir"])


def test_conf_is_beside_the_package_in_a_checkout() -> None:
    assert (conf_folder() / "config.yaml").is_file()


def test_every_task_is_named_with_what_it_does() -> None:
    lines = help_text([]).splitlines()
    for name, task in TASKS.items():
        (line,) = [line for line in lines if line.startswith(f"  {name} ") and line.endswith(".")]
        assert line.split(maxsplit=1)[1] == (task.__doc__ or "").splitlines()[0]
