"""Which setting is meant by a name that is written a group too high."""

from __future__ import annotations

import pytest

from har_llm.cli.option_classes import meant_by, nearly_meant, settings_chosen

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
