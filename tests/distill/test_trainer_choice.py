"""What a training needs is asked before a teacher writes: GPU, Unsloth, bitsandbytes."""

from __future__ import annotations

import pytest

from har_llm.common.errors import ConfigError, MissingError
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
    assert trainer_choice.chosen_trainer(Distilled(), "bfloat16") == chosen
    assert [trainer_choice.chosen_trainer(Distilled(trainer=name), "bfloat16") for name in ("trl", "unsloth")] == [
        "trl",
        "unsloth",
    ]


@pytest.mark.parametrize(
    ("training", "dtype", "message"),
    [
        (TrainingSettings(target_modules=["q_proj", "lm_head"]), "bfloat16", "target_modules has lm_head, which Unsloth"),
        (TrainingSettings(), "float32", "model.dtype is 'float32', but Unsloth computes in 16 bits; set lora.trainer=trl"),
    ],
)
def test_what_unsloth_would_train_in_another_way_is_trained_with_trl(
    monkeypatch: pytest.MonkeyPatch, training: TrainingSettings, dtype: str, message: str
) -> None:
    machine(monkeypatch, "unsloth", "bitsandbytes", gpu=True)
    assert trainer_choice.chosen_trainer(Distilled(training=training), dtype) == "trl"
    trainer_choice.check_tools(Distilled(training=training), dtype)
    with pytest.raises(ConfigError, match=message):
        trainer_choice.check_tools(Distilled(training=training, trainer="unsloth"), dtype)


@pytest.mark.parametrize(
    ("lora", "packages", "gpu", "message"),
    [
        (Distilled(trainer="unsloth"), ("unsloth", "bitsandbytes"), False, "there is no GPU here; set lora.trainer=trl"),
        (Distilled(trainer="unsloth"), ("bitsandbytes",), True, r"pip install -e '\.\[unsloth\]'"),
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
        trainer_choice.check_tools(lora, "bfloat16")


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
    trainer_choice.check_tools(lora, "bfloat16")
