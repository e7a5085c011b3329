"""The help lists what there is, a user's own options included."""

from __future__ import annotations

from pathlib import Path

from har_llm.cli import conf_folder, help_text
from har_llm.tasks import TASKS


def groups(text: str) -> dict[str, list[str]]:
    lines = [line.split(maxsplit=1) for line in text.splitlines() if line.startswith("  ") and ", " in line]
    return {words[0]: words[1].split(", ") for words in lines if len(words) == 2}


def test_models_are_listed_by_size() -> None:
    models = groups(help_text([]))["model"]
    sizes = [name for name in models if name.startswith("qwen3")]
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
