"""LoRA training with Unsloth on a GPU; what is trained on, and how, is `trl_trainer`'s."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import unsloth  # before trl, peft and transformers, which it changes as they are imported

import torch  # isort: skip

from har_llm.distill import trl_trainer  # isort: skip
from har_llm.common.errors import EngineError

if TYPE_CHECKING:
    from har_llm.distill.training_job import TrainingJob


def train(job: TrainingJob, tell: trl_trainer.Tell) -> None:
    """As `trl_trainer.train`."""
    trl_trainer.train_with(_load, None, job, tell)


def _load(job: TrainingJob, longest: int) -> Any:
    settings = job.settings
    base, _ = unsloth.FastLanguageModel.from_pretrained(
        model_name=job.base,
        max_seq_length=longest,
        dtype=getattr(torch, job.dtype),
        load_in_4bit=settings.load_in_4bit,
        use_exact_model_name=True,  # never a copy of its own, in other precision
        trust_remote_code=job.trust_remote_code,
        local_files_only=True,
    )
    model = unsloth.FastLanguageModel.get_peft_model(
        base,
        r=settings.r,
        lora_alpha=settings.lora_alpha,
        lora_dropout=settings.lora_dropout,
        target_modules=list(settings.target_modules),
        bias="none",
        use_gradient_checkpointing="unsloth",
        random_state=settings.seed,
    )
    check_base(model.peft_config["default"].base_model_name_or_path, job.base)
    return model


def check_base(loaded: str, wanted: str) -> None:
    """That the model is the one that was named. Raises EngineError."""
    if loaded != wanted:
        raise EngineError(f"Unsloth took {loaded!r} in place of {wanted!r}; use lora.trainer=trl.")
