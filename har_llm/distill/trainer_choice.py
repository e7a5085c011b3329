"""Chooses the trainer for this machine and checks that its packages are installed; imports nothing heavy."""

from __future__ import annotations

import importlib.util

from har_llm.common.errors import ConfigError, MissingError
from har_llm.common.extras import installed_by
from har_llm.common.hardware import check_dtype, gpus, has_gpu, roomiest
from har_llm.distill.config import Distilled

EMBEDDINGS = ("lm_head", "embed_tokens")


def chosen_trainer(lora: Distilled, dtype: str) -> str:
    """trl or unsloth. `dtype`: of the student."""
    if lora.trainer != "auto":
        return lora.trainer
    return "unsloth" if has_gpu() and installed("unsloth") and not _unlike(lora, dtype) else "trl"


def _unlike(lora: Distilled, dtype: str) -> str:
    """What Unsloth would train in another way than the settings say; empty if it would not."""
    for name in lora.training.target_modules:
        if name in EMBEDDINGS:
            return f"lora.training.target_modules has {name}, which Unsloth trains whole, without LoRA weights"
    if dtype == "float32":
        return "model.dtype is 'float32', but Unsloth computes in 16 bits"
    return ""


def check_tools(lora: Distilled, dtype: str) -> None:
    """Raise ConfigError or MissingError, before the teacher generates anything, if the student could not be trained here.

    `dtype`: of the student.
    """
    if lora.trainer == "unsloth" and not has_gpu():
        raise MissingError("lora.trainer is 'unsloth', but there is no GPU here; set lora.trainer=trl, which needs none.")
    if lora.trainer == "unsloth" and not installed("unsloth"):
        raise MissingError(
            f"lora.trainer=unsloth needs the package unsloth (Linux): {installed_by('unsloth')}; or set lora.trainer=trl."
        )
    if lora.trainer == "unsloth" and (fault := _unlike(lora, dtype)):
        raise ConfigError(f"lora.trainer is 'unsloth', and {fault}; set lora.trainer=trl.")
    if found := gpus():
        check_dtype(dtype, [roomiest(found)])
    if installed("bitsandbytes"):
        return
    training = lora.training
    if training.load_in_4bit:
        raise MissingError("lora.training.load_in_4bit=true needs the package bitsandbytes; install it, or set it to false.")
    if training.optim == "adamw_8bit" or (training.optim == "auto" and has_gpu()):
        raise MissingError(
            f"lora.training.optim is {training.optim!r}, which is 8-bit AdamW here and needs the package "
            f"bitsandbytes; install it, or set lora.training.optim=adamw_torch, which takes some more memory."
        )


def installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None
