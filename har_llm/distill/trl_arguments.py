"""The arguments of TRL and PEFT: har_llm's settings under the libraries' names, and the user's lora.training.extra_args."""

from __future__ import annotations

import dataclasses
import json
from typing import Any, NamedTuple, get_type_hints

import torch
from peft import LoraConfig
from pydantic import TypeAdapter, ValidationError
from trl import SFTConfig

from har_llm.common.errors import EngineError
from har_llm.common.extra_args import with_extra
from har_llm.distill.extra_args import SETTING
from har_llm.distill.training_job import TrainingJob


class Arguments(NamedTuple):
    trainer: SFTConfig
    lora: dict[str, Any]
    """Arguments of PEFT's LoraConfig, without the task."""


def arguments(job: TrainingJob) -> Arguments:
    """The arguments of a training, checked without a model.

    Raises EngineError for an extra argument that neither library has or that has the wrong type. A wrong value raises the
    ValueError or TypeError of TRL or PEFT.
    """
    extra_args, trainer, lora = job.settings.extra_args, declared(SFTConfig), declared(LoraConfig)
    own = {**_trainer_arguments(job), **_lora_arguments(job)}
    given = with_extra(own, extra_args, {**trainer, **lora}, "TRL's SFTConfig or PEFT's LoraConfig", SETTING)
    for name in extra_args:
        _check_type(name, given[name], trainer[name] if name in trainer else lora[name])
    given = {**_defaults(job), **given}
    made = Arguments(
        SFTConfig(**{name: value for name, value in given.items() if name in trainer}),
        {name: value for name, value in given.items() if name in lora},
    )
    LoraConfig(**made.lora)  # only to check their values
    return made


def declared(config: type) -> dict[str, Any]:
    """The arguments of a dataclass and their types."""
    types = get_type_hints(config)
    return {one.name: types[one.name] for one in dataclasses.fields(config) if one.init}


def _check_type(name: str, value: Any, kind: Any) -> None:
    """Raise EngineError for a wrong type; the libraries' dataclasses would fail only at the first step, if at all."""
    try:
        TypeAdapter(kind).validate_json(json.dumps(value), strict=True)
    except ValidationError as error:
        rules = "; ".join(one["msg"] for one in error.errors())
        raise EngineError(f"{SETTING}.{name} is {value!r}: {rules}.") from None


def _lora_arguments(job: TrainingJob) -> dict[str, Any]:
    settings = job.settings
    return {
        "r": settings.r,
        "lora_alpha": settings.lora_alpha,
        "lora_dropout": settings.lora_dropout,
        "target_modules": list(settings.target_modules),
    }


def _trainer_arguments(job: TrainingJob) -> dict[str, Any]:
    settings, on_gpu = job.settings, torch.cuda.is_available()
    optimizer = settings.optim
    if optimizer == "auto":
        optimizer = "adamw_8bit" if on_gpu else "adamw_torch"
    return {
        "output_dir": job.checkpoints,
        "max_steps": settings.max_steps,
        "per_device_train_batch_size": settings.per_device_train_batch_size,
        "gradient_accumulation_steps": settings.batch_size // settings.per_device_train_batch_size,
        "learning_rate": settings.learning_rate,
        "warmup_steps": settings.warmup_steps,
        "weight_decay": settings.weight_decay,
        "optim": optimizer,
        "seed": settings.seed,
        "bf16": on_gpu and job.dtype == "bfloat16",
        "fp16": on_gpu and job.dtype == "float16",  # with a scaled loss, without which small gradients become 0
        "use_cpu": not on_gpu,
        "logging_steps": 1,
        "logging_nan_inf_filter": False,  # otherwise a loss that is not a number is shown as the mean of earlier steps
        "save_strategy": "steps",
        "save_steps": settings.save_steps,
        "save_total_limit": 2,
        "report_to": [],
        "disable_tqdm": True,
        "max_length": None,
        "packing": False,
        "dataset_kwargs": {"skip_prepare_dataset": True},
        "remove_unused_columns": False,
    }


def _defaults(job: TrainingJob) -> dict[str, Any]:
    """Arguments that extra_args may change."""
    return {
        "lr_scheduler_type": "linear",
        "gradient_checkpointing": torch.cuda.is_available(),
        "loss_type": _loss_type(job),
    }


def _loss_type(job: TrainingJob) -> str:
    """Both give the same loss. In chunks, a step never holds a row's logits over the whole vocabulary: gigabytes for
    Qwen3."""
    extra_args = job.settings.extra_args
    trained = {*job.settings.target_modules, *(extra_args.get("modules_to_save") or ())}
    # Unsloth and Liger have kernels of their own for this, which TRL's chunks would bypass; and chunks ignore an adapter of
    # the head.
    own_kernel = job.trainer == "unsloth" or extra_args.get("use_liger_kernel", False)
    return "nll" if own_kernel or "lm_head" in trained else "chunked_nll"
