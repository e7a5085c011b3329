"""lora.training's settings in TRL's and PEFT's words, and the arguments that only the user lists."""

from __future__ import annotations

from typing import Any

import pytest

from har_llm.common.errors import ConfigError, EngineError
from har_llm.distill.extra_args import DECIDED, DECIDED_BY
from har_llm.distill.training_config import LINEAR, TrainingSettings
from har_llm.distill.training_job import TrainingJob

pytestmark = pytest.mark.slow  # importing TRL takes as long as a hundred fast tests


def job(trainer: str = "trl", **settings: Any) -> TrainingJob:
    return TrainingJob(
        base="student",
        dtype="float32",
        trust_remote_code=False,
        template_options={},
        max_length=None,
        leave_out_long=False,
        rows="rows.jsonl",
        folder="adapter",
        checkpoints="checkpoints",
        settings=TrainingSettings(**settings),
        trainer=trainer,
    )


def made(trainer: str = "trl", **settings: Any) -> Any:
    from har_llm.distill.trl_arguments import arguments

    return arguments(job(trainer, **settings))


def given(**extra_args: Any) -> Any:
    return made(extra_args=extra_args)


def known() -> list[set[str]]:
    from peft import LoraConfig
    from trl import SFTConfig

    from har_llm.distill.trl_arguments import declared

    return [set(declared(SFTConfig)), set(declared(LoraConfig))]


def test_a_name_belongs_to_one_library_only() -> None:
    trainer, lora = known()
    assert not trainer & lora


def test_settings_reach_the_libraries_that_have_them() -> None:
    trainer, lora = made(r=16, max_steps=9, batch_size=8, per_device_train_batch_size=2, learning_rate=1e-3, seed=3)
    assert lora == {"r": 16, "lora_alpha": 32, "lora_dropout": 0.0, "target_modules": list(LINEAR)}
    assert (trainer.max_steps, trainer.gradient_accumulation_steps, trainer.learning_rate) == (9, 4, 1e-3)
    assert (trainer.seed, trainer.lr_scheduler_type, trainer.output_dir) == (3, "linear", "checkpoints")


def test_further_arguments_reach_the_library_that_has_them() -> None:
    trainer, lora = given(neftune_noise_alpha=5, use_rslora=True, lr_scheduler_type="cosine", rank_pattern={"q_proj": 8})
    assert (trainer.neftune_noise_alpha, trainer.lr_scheduler_type) == (5, "cosine")
    assert lora["use_rslora"] is True and lora["rank_pattern"] == {"q_proj": 8}
    assert not hasattr(trainer, "use_rslora") and "neftune_noise_alpha" not in lora


@pytest.mark.parametrize(
    ("name", "meant"), [("neftune_noise_alfa", "neftune_noise_alpha"), ("use_rs_lora", "use_rslora"), ("xyzzy", "")]
)
def test_a_name_that_neither_has_is_refused(name: str, meant: str) -> None:
    with pytest.raises(EngineError) as told:
        given(**{name: 1})
    sentence = f"lora.training.extra_args.{name} is not an argument of TRL's SFTConfig or PEFT's LoraConfig."
    assert str(told.value) == sentence + (f" Did you mean {meant}?" if meant else "")


def test_every_argument_that_har_llm_sets_is_refused_when_the_config_is_read() -> None:
    names = set().union(*known())
    decided = {*DECIDED, *(name for of in DECIDED_BY.values() for name in of)}
    assert decided <= names, "named as the libraries name them"
    for name in names:
        with pytest.raises(EngineError) as told:
            given(**{name: [["none"]]})  # of no type that an argument has
        if "har_llm sets itself" in str(told.value):
            with pytest.raises(ConfigError, match="har_llm sets itself"):
                TrainingSettings(extra_args={name: None}).check()


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("neftune_noise_alpha", "five", "Input should be a valid number"),
        ("max_grad_norm", True, "Input should be a valid number"),
        ("use_rslora", 1, "Input should be a valid boolean"),
        ("modules_to_save", ["lm_head", 3], "Input should be a valid string"),
        ("rank_pattern", [8], "Input should be an object"),
        ("eva_config", {"rho": 0.5}, "Value error, `rho` must be >= 1.0"),
        ("bias", "every", "Input should be 'none', 'all' or 'lora_only'"),
    ],
)
def test_a_value_of_the_wrong_type_is_refused_with_the_type(name: str, value: Any, rule: str) -> None:
    with pytest.raises(EngineError) as told:
        given(**{name: value})
    assert str(told.value) == f"lora.training.extra_args.{name} is {value!r}: {rule}."


def test_values_that_a_library_documents_are_taken() -> None:
    from peft import LoraConfig

    _, lora = given(
        layer_replication=[[0, 2], [1, 3]],
        layers_to_transform=[0, 1],
        eva_config={"rho": 1.5},
        lr_scheduler_kwargs={"num_cycles": 1},
        neftune_noise_alpha=5,
        optim_args="beta=1",
        modules_to_save=None,
        trainable_token_indices={"embed_tokens": [0, 1]},
    )
    assert LoraConfig(**lora).eva_config.rho == 1.5


@pytest.mark.parametrize(
    ("extra", "says"),
    [({"lr_scheduler_type": "cosin"}, "cosin"), ({"use_dora": True, "lora_bias": True}, "not supported for DoRA")],
)
def test_a_library_says_what_it_does_not_take(extra: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        given(**extra)


@pytest.mark.parametrize(
    ("loss", "settings", "trainer"),
    [
        ("chunked_nll", {}, "trl"),
        ("nll", {}, "unsloth"),
        ("nll", {"target_modules": ["q_proj", "lm_head"]}, "trl"),
        ("nll", {"extra_args": {"modules_to_save": ["lm_head"]}}, "trl"),
        ("dft", {"extra_args": {"loss_type": "dft"}}, "trl"),
    ],
)
def test_the_loss_is_computed_in_chunks_where_that_is_possible(loss: str, settings: dict[str, Any], trainer: str) -> None:
    assert made(trainer, **settings).trainer.loss_type == loss
