"""LoRA training with Unsloth on a GPU; what is trained on, and how, is `trl_trainer`'s."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import unsloth  # before trl, peft and transformers, which it changes as they are imported

import torch  # isort: skip

from har_llm.distill import trl_trainer  # isort: skip
from har_llm.errors import EngineError

if TYPE_CHECKING:
    from har_llm.distill.job import TrainingJob


def train(job: TrainingJob, tell: trl_trainer.Tell) -> None:
    """As `trl_trainer.train`."""
    try:
        trl_trainer.train_with(_load(job), None, job, tell)
    except torch.cuda.OutOfMemoryError:
        raise EngineError(trl_trainer.OUT_OF_MEMORY.format(job.settings.device_batch_size)) from None


def _load(job: TrainingJob) -> Any:
    settings = job.settings
    model, _ = unsloth.FastLanguageModel.from_pretrained(
        model_name=job.base,
        max_seq_length=job.max_length,
        dtype=getattr(torch, job.dtype),
        load_in_4bit=settings.base == "4bit",
        use_exact_model_name=True,  # never a copy of its own, in other precision
        trust_remote_code=job.trust_remote_code,
    )
    return unsloth.FastLanguageModel.get_peft_model(
        model,
        r=settings.rank,
        lora_alpha=settings.alpha,
        lora_dropout=settings.dropout,
        target_modules=list(settings.targets),
        bias="none",
        use_gradient_checkpointing="unsloth",
        random_state=settings.seed,
    )
