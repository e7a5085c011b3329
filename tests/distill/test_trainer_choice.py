"""What a training needs is asked before a teacher writes: GPU, Unsloth, bitsandbytes."""

from __future__ import annotations

import pytest

from har_llm.common.errors import MissingError
from har_llm.distill import trainer_choice
from har_llm.distill.config import Distilled
from har_llm.distill.training_config import TrainingSettings


def machine(monkeypatch: pytest.MonkeyPatch, *packages: str, gpu: bool) -> None:
    monkeypatch.setattr(trainer_choice, "has_gpu", lambda: gpu)
    monkeypatch.setattr(trainer_choice, "installed", lambda package: package in packages)


@pytest.mark.parametrize(
    ("packages", "gpu", "chosen"), [(("unsloth",), True, "unsloth"), (("unsloth",), False, "trl"), ((), True, "trl")]
)
def test_unsloth_is_the_default_where_it_can_run(
    monkeypatch: pytest.MonkeyPatch, packages: tuple[str, ...], gpu: bool, chosen: str
) -> None:
    machine(monkeypatch, *packages, gpu=gpu)
    assert trainer_choice.chosen_trainer("auto") == chosen
    assert trainer_choice.chosen_trainer("trl") == "trl" and trainer_choice.chosen_trainer("unsloth") == "unsloth"


@pytest.mark.parametrize(
    ("lora", "packages", "gpu", "message"),
    [
        (Distilled(trainer="unsloth"), ("unsloth", "bitsandbytes"), False, "there is no GPU here; set lora.trainer=trl"),
        (Distilled(trainer="unsloth"), ("bitsandbytes",), True, r"pip install 'har-llm\[unsloth\]'"),
        (
            Distilled(training=TrainingSettings(load_in_4bit=True)),
            (),
            False,
            "load_in_4bit=true needs the package bitsandbytes",
        ),
        (Distilled(), (), True, "optim is 'auto', which is 8-bit AdamW here"),
        (Distilled(training=TrainingSettings(optim="adamw_8bit")), (), False, "optim is 'adamw_8bit'"),
    ],
)
def test_what_is_missing_is_said(
    monkeypatch: pytest.MonkeyPatch, lora: Distilled, packages: tuple[str, ...], gpu: bool, message: str
) -> None:
    machine(monkeypatch, *packages, gpu=gpu)
    with pytest.raises(MissingError, match=message):
        trainer_choice.check_tools(lora)


@pytest.mark.parametrize(
    ("lora", "packages", "gpu"),
    [
        (Distilled(), (), False),
        (Distilled(training=TrainingSettings(optim="adamw_torch")), (), True),
        (Distilled(trainer="unsloth", training=TrainingSettings(load_in_4bit=True)), ("unsloth", "bitsandbytes"), True),
    ],
)
def test_a_training_that_has_all_it_needs_is_let_go_on(
    monkeypatch: pytest.MonkeyPatch, lora: Distilled, packages: tuple[str, ...], gpu: bool
) -> None:
    machine(monkeypatch, *packages, gpu=gpu)
    trainer_choice.check_tools(lora)
