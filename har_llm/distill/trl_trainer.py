"""LoRA training with TRL's SFTTrainer and PEFT, in the process that `distill.worker` starts."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from peft import LoraConfig
from transformers import AutoModelForCausalLM, TrainerCallback, set_seed
from transformers import logging as transformers_logging
from transformers.training_args import OptimizerNames
from trl import SFTTrainer

from har_llm.common.errors import EngineError, first_line
from har_llm.distill.extra_args import SETTING
from har_llm.distill.training_job import TrainingJob
from har_llm.distill.trl_arguments import arguments
from har_llm.engines.chat import DEFAULT_CONTEXT, ChatTokenizer, readable_tokens

CHECKPOINT_FILES = ("adapter_model.safetensors", "optimizer.pt", "scheduler.pt", "rng_state.pth", "trainer_state.json")
OPTIMIZER_FILE = "optimizer.txt"
"""Beside the checkpoints: what lora.training.optim=auto was on the machine that wrote them."""
NOT_LEARNED = -100
"""A label that the loss passes over."""
Tell = Callable[[dict[str, Any]], None]
Load = Callable[[TrainingJob, int, dict[str, Any]], tuple[Any, LoraConfig | None]]
"""Given the longest example's tokens and the arguments of LoraConfig: the student, and the config of LoRA weights that it is
still to get; None where it has them."""


def train(job: TrainingJob, tell: Tell) -> None:
    """Train and write the adapter to job.folder; `tell` hears which examples are too long, what is trained, every loss."""
    train_with(_load, job, tell)


def train_with(load: Load, job: TrainingJob, tell: Tell) -> None:
    """Train what `load` gives. Raises EngineError."""
    try:
        _train(load, job, tell)
    except MemoryError:
        raise EngineError(out_of_memory(job)) from None
    except (RuntimeError, TypeError, ValueError, AttributeError, ImportError) as error:
        if _out_of_memory(error):
            raise EngineError(out_of_memory(job)) from None
        if job.settings.extra_args:
            raise EngineError(
                f"The training does not run with {SETTING}={job.settings.extra_args}: {first_line(error)}"
            ) from error
        raise


def _train(load: Load, job: TrainingJob, tell: Tell) -> None:
    transformers_logging.disable_progress_bar()
    given = arguments(job)
    chat = ChatTokenizer(job.base, trust_remote_code=job.trust_remote_code)
    longest = _longest(job)
    rows = _short_enough([_tokens(chat, row, job) for row in job.read_rows()], longest, job, tell)
    model, lora = load(job, longest, given.lora)
    set_seed(job.settings.seed)  # LoRA's first weights are drawn before the trainer sets its own
    trainer = SFTTrainer(
        model=model,
        args=given.trainer,
        train_dataset=Dataset.from_list(rows),
        processing_class=chat.tokenizer,
        peft_config=lora,
        callbacks=[_Reporter(tell)],
    )
    _check_batch(trainer.args, job)
    _check_labels(trainer, rows[0])
    trainable, total = trainer.model.get_nb_trainable_parameters()  # knows how 4-bit weights are packed
    optimizer = OptimizerNames(trainer.args.optim).value
    checkpoint, anew = _checkpoint(Path(job.checkpoints), optimizer)
    about = {"trainable_parameters": trainable, "parameters": total, "optimizer": optimizer, **anew}
    tell({"about": {**about, "tokens": sum(len(row["input_ids"]) for row in rows)}})
    trainer.train(resume_from_checkpoint=None if checkpoint is None else str(checkpoint))
    trainer.model.save_pretrained(job.folder)


def _out_of_memory(error: BaseException) -> bool:
    # torch has no error of its own for main memory
    return isinstance(error, torch.OutOfMemoryError) or "DefaultCPUAllocator" in str(error)


def out_of_memory(job: TrainingJob) -> str:
    """What to do about it: first what changes no adapter, so that the training goes on from its last checkpoint."""
    settings, at_once = job.settings, job.settings.per_device_train_batch_size
    ways = []
    if at_once > 1:
        ways.append("lora.training.per_device_train_batch_size=1 goes on from the last checkpoint with fewer at once")
    if not settings.load_in_4bit:
        ways.append("lora.training.load_in_4bit=true begins anew with a smaller base")
    ways.append("smaller windows (window.events) make shorter examples")
    plural = "s" if at_once > 1 else ""
    size = "lora.training.per_device_train_batch_size"
    return f"Memory ran out with {at_once} example{plural} at once ({size}): {'; '.join(ways)}."


def _tokens(chat: ChatTokenizer, row: dict[str, Any], job: TrainingJob) -> dict[str, list[int]]:
    """The prompt exactly as the student will be sent it, then the teacher's text and the end of the turn.

    Not tokenised together: when the student writes, the prompt's tokens are fixed too. Nor by the chat template, which
    may drop or reformat reasoning.
    """
    before = chat.tokens(chat.render(row["prompt"], job.template_options))
    after = [*chat.tokens(row["completion"][0]["content"]), chat.tokenizer.eos_token_id]
    ignored = [NOT_LEARNED] * len(before) if job.settings.completion_only_loss else before
    return {"input_ids": before + after, "labels": ignored + after}


def _longest(job: TrainingJob) -> int:
    """Never more than the student can read: Unsloth would stretch its positions, and make another model of it."""
    readable = _readable(job)
    if job.max_length is None:
        return readable or DEFAULT_CONTEXT
    return min(job.max_length, readable or job.max_length)


def _readable(job: TrainingJob) -> int | None:
    """Most tokens that the student can read, by its own configuration; None where that does not say."""
    return readable_tokens(job.base, trust_remote_code=job.trust_remote_code)


def _short_enough(
    rows: Sequence[dict[str, list[int]]], longest: int, job: TrainingJob, tell: Tell
) -> list[dict[str, list[int]]]:
    """The rows that can be learned whole. Which ones are longer is told first, by their place in the file."""
    lengths = [len(row["input_ids"]) for row in rows]
    long = [[place, length] for place, length in enumerate(lengths) if length > longest]
    if long:
        readable = _readable(job)
        tell({"too_long": long, "longest": longest, "more": readable is None or longest < readable})
    if long and (not job.leave_out_long or len(long) == len(rows)):
        raise EngineError(
            f"{len(long)} of {len(rows)} examples are longer than {longest} tokens (the longest has {max(lengths)}), and "
            f"would be learned without their end; make windows smaller."
        )
    return [row for row, length in zip(rows, lengths, strict=True) if length <= longest]


def _check_batch(arguments: Any, job: TrainingJob) -> None:
    """That a step is made of as many examples as the recipe says: on several GPUs it would be made of more."""
    made = arguments.train_batch_size * arguments.gradient_accumulation_steps * arguments.world_size
    if made != job.settings.batch_size:
        raise EngineError(
            f"A step would learn from {made} examples, but lora.training.batch_size is {job.settings.batch_size}; let the "
            f"training see one GPU only (CUDA_VISIBLE_DEVICES)."
        )


def _check_labels(trainer: Any, row: dict[str, list[int]]) -> None:
    """That what reaches the loss is what was meant to: libraries have masked every label before (unsloth #2771)."""
    (labels,) = trainer.data_collator([row])["labels"].tolist()
    if [label for label in labels if label != NOT_LEARNED] != [label for label in row["labels"] if label != NOT_LEARNED]:
        raise EngineError(
            "The trainer would not learn what it was given: its labels of the first example are others. Use the versions "
            "of requirements-gpu.lock."
        )


def _load(job: TrainingJob, longest: int, lora: dict[str, Any]) -> tuple[Any, LoraConfig]:
    options: dict[str, Any] = {}
    if job.settings.load_in_4bit:
        from transformers import BitsAndBytesConfig

        options["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=getattr(torch, job.dtype)
        )
    model = AutoModelForCausalLM.from_pretrained(
        job.base,
        dtype=getattr(torch, job.dtype),
        use_safetensors=True,
        trust_remote_code=job.trust_remote_code,
        local_files_only=True,
        **options,
    )
    return model, LoraConfig(**lora, task_type="CAUSAL_LM")


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


def _checkpoint(folder: Path, optimizer: str) -> tuple[Path | None, dict[str, str]]:
    """Where the training goes on from; or why it begins anew, where a machine with another optimizer began it."""
    checkpoint, note, anew = last_checkpoint(folder), folder / OPTIMIZER_FILE, {}
    other = note.read_text(encoding="utf-8").strip() if note.is_file() else ""
    if checkpoint is not None and other not in ("", optimizer):
        shutil.rmtree(folder)
        checkpoint = None
        anew["anew"] = (
            f"it begins anew, because its checkpoints are those of {other} and the optimizer here is {optimizer}; "
            f"lora.training.optim chooses one for all machines, and another adapter"
        )
    folder.mkdir(parents=True, exist_ok=True)
    note.write_text(optimizer + "\n", encoding="utf-8")
    return checkpoint, anew


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
