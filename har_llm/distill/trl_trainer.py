"""LoRA training with TRL's SFTTrainer and PEFT, in the process that `python -m har_llm.distill.worker` begins."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from peft import LoraConfig as PeftConfig
from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback, set_seed
from transformers import logging as transformers_logging
from trl import SFTConfig, SFTTrainer

from har_llm.distill.job import TrainingJob
from har_llm.errors import EngineError

CHECKPOINT_FILES = ("adapter_model.safetensors", "optimizer.pt", "scheduler.pt", "rng_state.pth", "trainer_state.json")
OUT_OF_MEMORY = (
    "The GPU has too little memory for {} examples at once; set lora.training.device_batch_size=1, or "
    "lora.training.base=4bit, or make windows smaller. The training goes on from its last checkpoint."
)
NOT_LEARNED = -100
"""A label that the loss passes over."""
Tell = Callable[[dict[str, Any]], None]


def train(job: TrainingJob, tell: Tell) -> None:
    """Train and write the adapter to job.folder; `tell` hears what is trained and the loss of every step."""
    try:
        train_with(_load(job), _peft(job), job, tell)
    except torch.cuda.OutOfMemoryError:
        raise EngineError(OUT_OF_MEMORY.format(job.settings.device_batch_size)) from None


def train_with(model: Any, peft: PeftConfig | None, job: TrainingJob, tell: Tell) -> None:
    """Train a model that is loaded already; without `peft`, one that has its LoRA weights already."""
    transformers_logging.disable_progress_bar()
    set_seed(job.settings.seed)  # LoRA's first weights are drawn before the trainer sets its own
    tokenizer = AutoTokenizer.from_pretrained(job.base, trust_remote_code=job.trust_remote_code)
    rows = [_tokens(tokenizer, row, job) for row in job.read_rows()]
    _check_lengths(rows, job)
    trainer = SFTTrainer(
        model=model,
        args=_arguments(job),
        train_dataset=Dataset.from_list(rows),
        processing_class=tokenizer,
        peft_config=peft,
        callbacks=[_Reporter(tell)],
    )
    trainable = sum(weight.numel() for weight in trainer.model.parameters() if weight.requires_grad)
    total = sum(weight.numel() for weight in trainer.model.parameters())
    tell({"about": {"trainable_parameters": trainable, "parameters": total, "rows": len(rows)}})
    checkpoint = last_checkpoint(Path(job.checkpoints))
    trainer.train(resume_from_checkpoint=None if checkpoint is None else str(checkpoint))
    trainer.model.save_pretrained(job.folder)


def _tokens(tokenizer: Any, row: dict[str, Any], job: TrainingJob) -> dict[str, list[int]]:
    """The prompt exactly as the student will be sent it, then the teacher's text and the end of the turn.

    Not tokenised together: when the student writes, the prompt's tokens are fixed too. Nor by the chat template, which
    may drop or reformat reasoning.
    """
    prompt = tokenizer.apply_chat_template(row["prompt"], tokenize=False, add_generation_prompt=True, **job.template_options)
    before = tokenizer(prompt, add_special_tokens=False)["input_ids"]
    text = tokenizer(row["completion"][0]["content"], add_special_tokens=False)["input_ids"]
    after = [*text, tokenizer.eos_token_id]
    ignored = before if job.settings.loss_on == "all" else [NOT_LEARNED] * len(before)
    return {"input_ids": before + after, "labels": ignored + after}


def _check_lengths(rows: Sequence[dict[str, list[int]]], job: TrainingJob) -> None:
    long = [place for place, row in enumerate(rows) if len(row["input_ids"]) > job.max_length]
    if long:
        longest = max(len(rows[place]["input_ids"]) for place in long)
        raise EngineError(
            f"{len(long)} of {len(rows)} examples are longer than {job.max_length} tokens (the longest has {longest}), and "
            f"would be learned without their end; raise lora.training.max_length, or make windows smaller."
        )


def _load(job: TrainingJob) -> Any:
    options: dict[str, Any] = {}
    if job.settings.base == "4bit":
        from transformers import BitsAndBytesConfig

        options["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=getattr(torch, job.dtype)
        )
    return AutoModelForCausalLM.from_pretrained(
        job.base,
        dtype=getattr(torch, job.dtype),
        use_safetensors=True,
        trust_remote_code=job.trust_remote_code,
        local_files_only=True,
        **options,
    )


def _peft(job: TrainingJob) -> PeftConfig:
    settings = job.settings
    return PeftConfig(
        r=settings.rank,
        lora_alpha=settings.alpha,
        lora_dropout=settings.dropout,
        target_modules=list(settings.targets),
        task_type="CAUSAL_LM",
    )


def _arguments(job: TrainingJob) -> SFTConfig:
    settings, on_gpu = job.settings, torch.cuda.is_available()
    optimizer = settings.optimizer
    if optimizer == "auto":
        optimizer = "adamw_8bit" if on_gpu else "adamw_torch"
    return SFTConfig(
        output_dir=job.checkpoints,
        max_steps=settings.steps,
        per_device_train_batch_size=settings.device_batch_size,
        gradient_accumulation_steps=settings.batch_size // settings.device_batch_size,
        learning_rate=settings.learning_rate,
        lr_scheduler_type="linear",
        warmup_steps=settings.warmup_steps,
        weight_decay=settings.weight_decay,
        optim=optimizer,
        seed=settings.seed,
        bf16=on_gpu and job.dtype == "bfloat16",
        use_cpu=not on_gpu,
        gradient_checkpointing=on_gpu,
        logging_steps=1,
        save_strategy="steps",
        save_steps=settings.checkpoint_steps,
        save_total_limit=2,
        report_to=[],
        disable_tqdm=True,
        max_length=None,
        packing=False,
        loss_type="nll",  # TRL's default kernel needs a GPU
        dataset_kwargs={"skip_prepare_dataset": True},
        remove_unused_columns=False,
    )


class _Reporter(TrainerCallback):  # type: ignore[misc]
    def __init__(self, tell: Tell):
        self._tell = tell

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
        if logs and "loss" in logs:
            loss = float(logs["loss"])
            if not math.isfinite(loss):
                raise EngineError(
                    f"The loss is {loss} at step {state.global_step}; lower lora.training.learning_rate and run again."
                )
            self._tell({"step": state.global_step, "loss": loss, "learning_rate": float(logs.get("learning_rate", 0.0))})


def last_checkpoint(folder: Path) -> Path | None:
    """The last checkpoint that was written whole; a torn one, from a kill, is removed."""
    found = sorted(folder.glob("checkpoint-*"), key=lambda path: int(path.name.rpartition("-")[2]), reverse=True)
    for checkpoint in found:
        try:
            json.loads((checkpoint / "trainer_state.json").read_text(encoding="utf-8"))
            if all((checkpoint / name).is_file() for name in CHECKPOINT_FILES):
                return checkpoint
        except (OSError, ValueError):
            pass
        shutil.rmtree(checkpoint, ignore_errors=True)
    return None
