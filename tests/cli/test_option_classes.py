"""Which setting is meant by a name that is written a group too high."""

from __future__ import annotations

import pytest
from hydra import compose, initialize_config_dir

from har_llm.cli.option_classes import chosen_by_default, meant_by, nearly_meant, settings_chosen
from har_llm.common.shipped import CONFIG, HYDRA_VERSION, conf_folder

pytestmark = pytest.mark.slow

CHOSEN = [
    ("dataset", "events"),
    ("dataset", "home_assistant"),
    ("dataset", "casas_aruba"),
    ("engine", "openai"),
    ("lora", "distilled"),
    ("model", "custom"),
    ("tracker", "wandb"),
]


@pytest.mark.parametrize(("group", "option"), CHOSEN)
def test_each_setting_of_a_chosen_option_is_found_without_its_group(group: str, option: str) -> None:
    names = [one.partition(".")[2] for one in settings_chosen({group: option})]
    assert len(names) > 5
    assert {name: meant_by(name, {group: option}) for name in names} == {name: [f"{group}.{name}"] for name in names}


def test_a_name_that_many_have_is_that_of_the_task_or_nothing_is_clear() -> None:
    assert meant_by("path", {"task": "export"}) == ["export.path"]
    assert len(meant_by("path", {})) > 2


def test_a_misspelt_one_is_looked_for_in_what_was_chosen_only() -> None:
    assert nearly_meant("timezon", {"dataset": "events"}) == ["dataset.timezone"]
    assert nearly_meant("timezon", {"split": "kfold"}) == nearly_meant("timezon", {}) == []


def test_the_defaults_are_what_hydra_chooses() -> None:
    with initialize_config_dir(str(conf_folder()), version_base=HYDRA_VERSION):
        choices = compose(CONFIG, return_hydra_config=True).hydra.runtime.choices
    own = {
        group: "null" if option is None else option for group, option in choices.items() if not group.startswith("hydra/")
    }
    assert chosen_by_default() == {group: option for group, option in own.items() if "@" not in group}
