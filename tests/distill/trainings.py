"""Trainings of the embedded student."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from har_llm.distill.training_config import TrainingSettings
from har_llm.distill.training_job import TrainingJob
from har_llm.models import resolve
from tests.composing import experiment

if TYPE_CHECKING:
    import torch


@cache
def student() -> Path | None:
    return resolve.resolve(experiment("model=tiny_student").model).path


def job(
    rows: Path, folder: Path, *, max_length: int | None = 4096, leave_out_long: bool = False, **settings: Any
) -> TrainingJob:
    common = {
        "max_steps": 8,
        "batch_size": 4,
        "per_device_train_batch_size": 4,
        "learning_rate": 5e-3,
        "save_steps": 2,
        "r": 4,
    }
    return TrainingJob(
        base=str(student()),
        dtype="float32",
        trust_remote_code=False,
        template_options={"enable_thinking": True},
        reasoning_marks=None,
        max_length=max_length,
        leave_out_long=leave_out_long,
        rows=str(rows),
        folder=str(folder / "adapter"),
        checkpoints=str(folder / "checkpoints"),
        settings=TrainingSettings(**{**common, **settings}),
        trainer="trl",
    )


def adapter(folder: Path) -> dict[str, torch.Tensor]:
    from safetensors.torch import load_file

    return load_file(folder / "adapter" / "adapter_model.safetensors")
