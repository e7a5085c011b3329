"""LoRA training with TRL's SFTTrainer and PEFT, in the process that `distill.worker` starts."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from peft import LoraConfig
from transformers import logging as transformers_logging
from transformers import set_seed
from transformers.training_args import OptimizerNames
from trl import SFTTrainer

from har_llm.common.errors import EngineError
from har_llm.common.numbers import counted
from har_llm.distill.checkpoints import resume_point
from har_llm.distill.extra_args import does_not_run
from har_llm.distill.training_job import TrainingJob
from har_llm.distill.training_messages import Tell, TrainingStart
from har_llm.distill.training_rows import check_labels, longest_row, training_rows
from har_llm.distill.trl_arguments import Arguments, arguments
from har_llm.distill.trl_callback import LossCallback
from har_llm.engines.chat import ChatTokenizer
from har_llm.engines.weights import Outline, load_model

Load = Callable[[TrainingJob, int, Arguments], tuple[Any, LoraConfig | None]]
"""Takes the most tokens of an example and the arguments of TRL and PEFT; returns the student, and the config of the LoRA
weights to add, or None if it has them already."""


def train(job: TrainingJob, tell: Tell) -> None:
    """Train and write the adapter to job.folder. `tell` gets the examples that are too long, what is trained, and every
    loss."""
    train_with(_load, job, tell)


def train_with(load: Load, job: TrainingJob, tell: Tell) -> None:
    """Train the model that `load` returns. Raises EngineError."""
    try:
        _train(load, job, tell)
    except MemoryError:
        raise EngineError(_memory_advice(job)) from None
    except (RuntimeError, TypeError, ValueError, AttributeError, ImportError) as error:
        if _memory_ran_out(error):
            raise EngineError(_memory_advice(job)) from None
        if extra_args := job.settings.extra_args:
            raise does_not_run(extra_args, error) from error
        raise


def _train(load: Load, job: TrainingJob, tell: Tell) -> None:
    transformers_logging.disable_progress_bar()
    made, longest = arguments(job), longest_row(job)
    chat = ChatTokenizer(job.base, trust_remote_code=job.trust_remote_code)
    rows = training_rows(chat, job, longest, tell)
    model, lora = load(job, longest, made)
    set_seed(job.settings.seed)  # LoRA's initial weights are drawn before the trainer sets its own seed
    trainer = SFTTrainer(
        model=model,
        args=made.trainer,
        train_dataset=Dataset.from_list(rows),
        processing_class=chat.tokenizer,
        peft_config=lora,
        callbacks=[LossCallback(tell)],
    )
    _train_in_float32(trainer.model)
    _check_batch(trainer.args, job)
    check_labels(trainer.data_collator, rows[0])
    _check_layers(trainer.model, job)
    optimizer = OptimizerNames(trainer.args.optim).value
    resume = resume_point(Path(job.checkpoints), optimizer)
    trainable, total = trainer.model.get_nb_trainable_parameters()  # it takes account of packed 4-bit weights
    tell(TrainingStart(trainable, total, sum(len(row["input_ids"]) for row in rows), optimizer, resume.step, resume.note))
    trainer.train(resume_from_checkpoint=None if resume.checkpoint is None else str(resume.checkpoint))
    trainer.model.save_pretrained(job.folder)


def _train_in_float32(model: Any) -> None:
    """Have the LoRA weights of a 4-bit model in float32 too, as Unsloth has them. TRL puts them into bfloat16, which loses
    small steps and which GPUs that need float16 lack."""
    for weight in model.parameters():
        if weight.requires_grad:
            weight.data = weight.data.float()


def _check_layers(model: Any, job: TrainingJob) -> None:
    """Raise EngineError if engines would not find the layers that are trained, as the adapter names them."""
    with tempfile.TemporaryDirectory() as untrained:
        model.save_pretrained(untrained)
        Outline(job.base, trust_remote_code=job.trust_remote_code).check_adapter(untrained)


def _check_batch(arguments: Any, job: TrainingJob) -> None:
    """Raise EngineError if a step would take another number of examples than the recipe says, as on several GPUs."""
    made = arguments.train_batch_size * arguments.gradient_accumulation_steps * arguments.world_size
    if made != job.settings.batch_size:
        raise EngineError(
            f"A step would take {counted(made, 'example')}, but lora.training.batch_size is {job.settings.batch_size}; let "
            f"the training see one GPU only (CUDA_VISIBLE_DEVICES)."
        )


def _memory_ran_out(error: Exception) -> bool:
    # torch has no error of its own for main memory
    return isinstance(error, torch.OutOfMemoryError) or "DefaultCPUAllocator" in str(error)


def _memory_advice(job: TrainingJob) -> str:
    """What helps against too little memory; first what changes no adapter, so that the training can resume."""
    at_once, size = job.settings.per_device_train_batch_size, "lora.training.per_device_train_batch_size"
    ways = []
    if at_once > 1:
        ways.append(f"{size}=1 resumes from the last checkpoint with fewer at once")
    if not job.settings.load_in_4bit:
        ways.append("lora.training.load_in_4bit=true restarts with a smaller base model")
    ways.append("smaller windows (window.events) give shorter examples")
    return f"Memory ran out with {counted(at_once, 'example')} at once ({size}): {'; '.join(ways)}."


def _load(job: TrainingJob, longest: int, made: Arguments) -> tuple[Any, LoraConfig]:
    options: dict[str, Any] = {}
    if job.settings.load_in_4bit:
        from transformers import BitsAndBytesConfig

        options["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=getattr(torch, job.dtype)
        )
    model = load_model(job.base, dtype=getattr(torch, job.dtype), trust_remote_code=job.trust_remote_code, **options)
    return model, LoraConfig(**made.lora, task_type="CAUSAL_LM")
