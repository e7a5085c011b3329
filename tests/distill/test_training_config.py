"""The training's settings, against the figures of the paper."""

from __future__ import annotations

import math
from typing import Any

import pytest

from har_llm.common.errors import ConfigError
from har_llm.distill.training_config import TrainingSettings


def test_the_papers_windows_give_the_papers_epochs() -> None:
    settings = TrainingSettings()
    assert settings.max_steps == 500 and settings.batch_size == 8 and settings.learning_rate == 2e-4
    assert (settings.epochs(126), settings.epochs_begun(126)) == (500 / 16, 32)
    assert (settings.epochs(544), settings.epochs_begun(544)) == (500 / 68, 8)
    assert settings.extent(126) == "500 steps of 8, epochs: 31.2 (32 begun)"
    assert settings.extent(400) == "500 steps of 8, epochs: 10", "none is half done"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"r": 0}, "lora.training.r is 0; it must be above 0"),
        ({"learning_rate": -1.0}, "lora.training.learning_rate is -1.0"),
        ({"learning_rate": math.nan}, "lora.training.learning_rate is nan; it must be above 0 and finite"),
        ({"learning_rate": math.inf}, "lora.training.learning_rate is inf"),
        ({"seed": -1}, "lora.training.seed is -1; it must be from 0 to 4294967295"),
        ({"seed": 2**32}, "lora.training.seed is 4294967296"),
        ({"lora_dropout": 1.0}, "lora.training.lora_dropout is 1.0; it must be from 0.0 to 0.9"),
        ({"warmup_steps": 501}, "lora.training.warmup_steps is 501; it must be from 0 to 500"),
        ({"per_device_train_batch_size": 3}, "lora.training.batch_size is 8; it must be a multiple"),
        ({"target_modules": []}, "lora.training.target_modules is empty"),
        ({"max_length": 0}, "lora.training.max_length is 0"),
        ({"optim": "sgd"}, "lora.training.optim is 'sgd'"),
        (
            {"extra_args": {"seed": 1}},
            "lora.training.extra_args.seed is an argument that har_llm sets itself; set lora.training.seed instead",
        ),
        ({"extra_args": {"output_dir": "x"}}, "sets itself; set paths.outputs instead"),
        ({"extra_args": {"report_to": "wandb"}}, "sets itself; set tracker instead"),
        ({"extra_args": {"gradient_accumulation_steps": 4}}, "sets itself; set lora.training.batch_size instead"),
        (
            {"extra_args": {"init_lora_weights": "pissa_niter_16"}},
            "'pissa_niter_16', which also changes the student's own",
        ),
        ({"extra_args": {"hub_token": "x"}}, "sets itself; set the environment variable HF_TOKEN instead"),
        ({"extra_args": {"task_type": "CAUSAL_LM"}}, "sets itself; leave it out"),
        ({"extra_args": {"max_grad_norm": math.inf}}, "lora.training.extra_args.max_grad_norm is inf; it must be a finite"),
    ],
)
def test_wrong_settings_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message.replace("(", r"\(")):
        TrainingSettings(**settings).check()


def test_what_changes_no_adapter_is_in_no_key() -> None:
    one, two = TrainingSettings(), TrainingSettings(per_device_train_batch_size=1, save_steps=9)
    assert one.identity() == two.identity() != TrainingSettings(seed=1).identity()


def test_further_arguments_are_wholly_in_the_key() -> None:
    plain, extra = TrainingSettings(), TrainingSettings(extra_args={"use_rslora": True, "max_grad_norm": 0.5})
    extra.check()
    assert extra.identity() == plain.identity() | {"extra_args": {"use_rslora": True, "max_grad_norm": 0.5}}
