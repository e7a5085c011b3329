"""Where a training that was killed goes on."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

CHECKPOINT_FILES = ("adapter_model.safetensors", "optimizer.pt", "scheduler.pt", "rng_state.pth", "trainer_state.json")
OPTIMIZER_FILE = "optimizer.txt"
"""Beside the checkpoints: what lora.training.optim=auto was on the machine that wrote them."""


def resume_point(folder: Path, optimizer: str) -> tuple[Path | None, str | None]:
    """The checkpoint to go on from; and why the training begins anew, where a machine with another optimizer began it."""
    checkpoint, note, anew = last_checkpoint(folder), folder / OPTIMIZER_FILE, None
    other = note.read_text(encoding="utf-8").strip() if note.is_file() else ""
    if checkpoint is not None and other not in ("", optimizer):
        shutil.rmtree(folder)
        checkpoint = None
        anew = (
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
