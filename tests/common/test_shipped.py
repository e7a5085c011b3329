"""What conf/ says by itself, also while Hydra reads a command line."""

from __future__ import annotations

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra

from har_llm.common.shipped import CONFIG, conf_folder, shipped, shipped_option
from tests.composing import OPTIONS

pytestmark = pytest.mark.slow


def test_the_settings_of_a_choice_are_plain_and_whole() -> None:
    found = shipped("window.events=7", "lora=none")
    assert found["window"]["events"] == 7 and found["window"]["min_events"] == 1 and type(found["window"]) is dict


def test_they_are_those_of_the_package_while_hydra_reads_a_command_line() -> None:
    shipped.cache_clear()
    with initialize_config_dir(str(conf_folder()), version_base="1.3"):
        running = GlobalHydra.instance().hydra
        assert shipped("dataset=mural")["dataset"]["name"] == "mural"
        assert GlobalHydra.instance().hydra is running
        assert compose(CONFIG, ["window.events=3"]).window.events == 3


@pytest.mark.parametrize("choice", [f"prompt={name}" for name in OPTIONS["prompt"]] + ["model=qwen3_0.6b", "model=custom"])
def test_an_option_by_itself_is_as_with_all_others(choice: str) -> None:
    group, _, name = choice.partition("=")
    assert shipped_option(group, name) == shipped(choice)[group]
