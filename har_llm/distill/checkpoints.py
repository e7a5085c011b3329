"""Finds the checkpoint from which a training resumes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

CHECKPOINT_FILES = ("adapter_model.safetensors", "optimizer.pt", "scheduler.pt", "rng_state.pth", "trainer_state.json")
OPTIMIZER_FILE = "optimizer.txt"
"""The file beside the checkpoints that names the optimizer of the machine that wrote them (see lora.training.optim=auto)."""


def resume_point(folder: Path, optimizer: str) -> tuple[Path | None, str | None]:
    """The checkpoint to resume from, and why the training restarts if its checkpoints are those of another optimizer."""
    checkpoint, note, restarts = last_checkpoint(folder), folder / OPTIMIZER_FILE, None
    other = note.read_text(encoding="utf-8").strip() if note.is_file() else ""
    if checkpoint is not None and other not in ("", optimizer):
        shutil.rmtree(folder)
        checkpoint = None
        restarts = (
            f"it restarts from step 1, because its checkpoints are those of {other} and the optimizer here is {optimizer}; "
            f"set lora.training.optim to use one optimizer on all machines (which makes another adapter)"
        )
    folder.mkdir(parents=True, exist_ok=True)
    note.write_text(optimizer + "\n", encoding="utf-8")
    return checkpoint, restarts


def last_checkpoint(folder: Path) -> Path | None:
    """The last complete checkpoint; incomplete ones, which a kill has left, are removed."""
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
