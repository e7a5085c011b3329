"""lora.training's settings in TRL's and PEFT's words, and the arguments that only the user lists."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from har_llm.common.errors import ConfigError, EngineError
from har_llm.distill.extra_args import DECIDED, DECIDED_BY
from har_llm.distill.training_config import LINEAR, TrainingSettings
from tests.distill.trainings import job

pytestmark = pytest.mark.slow  # importing TRL takes as long as a hundred fast tests


def made(trainer: str = "trl", **settings: Any) -> Any:
    from har_llm.distill.trl_arguments import arguments

    return arguments(replace(job(Path("rows.jsonl"), Path("training"), **settings), trainer=trainer))


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
    assert (trainer.seed, trainer.lr_scheduler_type, trainer.output_dir) == (3, "linear", "training/checkpoints")


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float32"])
def test_a_gpu_computes_in_the_format_of_the_model(monkeypatch: pytest.MonkeyPatch, dtype: str) -> None:
    """In float16 with a scaled loss, without which small gradients become 0: TRL scales it for fp16 only."""
    from har_llm.distill import trl_arguments

    class Unchecked(trl_arguments.SFTConfig):
        def __post_init__(self) -> None:
            """It would ask the GPU."""

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(trl_arguments, "SFTConfig", Unchecked)
    trainer, _ = trl_arguments.arguments(replace(job(Path("rows.jsonl"), Path("training")), dtype=dtype))
    assert (trainer.bf16, trainer.fp16, trainer.use_cpu) == (dtype == "bfloat16", dtype == "float16", False)


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


@pytest.mark.parametrize(
    ("size", "parameters"), [("0.6B", 20_185_088), ("1.7B", 34_865_152)], ids=["Qwen3-0.6B", "Qwen3-1.7B"]
)
def test_the_papers_models_get_as_many_trainable_parameters_as_in_the_paper(size: str, parameters: int) -> None:
    """Built without weights, from the figures of their configurations."""
    from peft import LoraConfig, get_peft_model
    from transformers import Qwen3Config, Qwen3ForCausalLM

    shapes = {"0.6B": (1024, 3072), "1.7B": (2048, 6144)}
    hidden, inner = shapes[size]
    config = Qwen3Config(
        vocab_size=151_936,
        hidden_size=hidden,
        intermediate_size=inner,
        num_hidden_layers=28,
        num_attention_heads=16,
        num_key_value_heads=8,
        head_dim=128,
        tie_word_embeddings=True,
    )
    with torch.device("meta"):
        model = get_peft_model(Qwen3ForCausalLM(config), LoraConfig(**made(r=32, lora_alpha=32).lora))
    trainable = sum(weight.numel() for weight in model.parameters() if weight.requires_grad)
    base = sum(weight.numel() for weight in model.parameters()) - trainable
    assert trainable == parameters
    assert base == {"0.6B": 596_049_920, "1.7B": 1_720_574_976}[size]
