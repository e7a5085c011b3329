"""LoRA training with Unsloth on a GPU. Only the model is loaded here; `trl_trainer` does the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import unsloth  # before trl, peft and transformers, because it patches them

import torch  # isort: skip

from har_llm.distill import trl_trainer  # isort: skip
from har_llm.common.errors import EngineError

if TYPE_CHECKING:
    from har_llm.distill.training_job import TrainingJob
    from har_llm.distill.training_messages import Tell
    from har_llm.distill.trl_arguments import Arguments


def train(job: TrainingJob, tell: Tell) -> None:
    """As `trl_trainer.train`."""
    trl_trainer.train_with(_load, job, tell)


def _load(job: TrainingJob, longest: int, made: Arguments) -> tuple[Any, None]:
    settings = job.settings
    checkpointing = "unsloth" if made.trainer.gradient_checkpointing else False
    base, _ = unsloth.FastLanguageModel.from_pretrained(
        model_name=job.base,
        max_seq_length=longest,
        dtype=getattr(torch, job.dtype),
        load_in_4bit=settings.load_in_4bit,
        use_exact_model_name=True,  # otherwise Unsloth may load its own copy, in another precision
        trust_remote_code=job.trust_remote_code,
        local_files_only=True,
        use_gradient_checkpointing=checkpointing,
    )
    model = unsloth.FastLanguageModel.get_peft_model(
        base,
        **made.lora,
        use_gradient_checkpointing=checkpointing,
        random_state=settings.seed,
    )
    check_base(model.peft_config["default"].base_model_name_or_path, job.base)
    return model, None


def check_base(loaded: str, wanted: str) -> None:
    """Raise EngineError if Unsloth loaded another model than the one that was named."""
    if loaded != wanted:
        raise EngineError(f"Unsloth loaded {loaded!r} instead of {wanted!r}; use lora.trainer=trl.")
