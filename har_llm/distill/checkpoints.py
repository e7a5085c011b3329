"""Seals the checkpoints of a training, and finds the one from which it resumes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from har_llm.common.checksums import SUMS, broken, seal
from har_llm.common.files import make_folder, read_bounded, remove, write_whole

CHECKPOINT_FILES = (
    "adapter_config.json",
    "adapter_model.safetensors",
    "optimizer.pt",
    "scheduler.pt",
    "rng_state.pth",
    "trainer_state.json",
)
OPTIMIZER_FILE = "optimizer.txt"
"""The file beside the checkpoints that names the optimizer of the machine that wrote them (see lora.training.optim=auto)."""


class Resume(NamedTuple):
    """Where a training begins."""

    checkpoint: Path | None
    """None for the start."""
    note: str | None
    """Why not at the last checkpoint, in words; None if it is that, or if there is none."""

    @property
    def step(self) -> int:
        """The steps that are done."""
        return 0 if self.checkpoint is None else _step(self.checkpoint)


def seal_checkpoint(folder: Path, step: int) -> None:
    """Confirm that the checkpoint of a step is complete. All of it is on disk when this returns."""
    checkpoint = folder / f"checkpoint-{step}"
    seal(checkpoint, _names(checkpoint))


def resume_point(folder: Path, optimizer: str) -> Resume:
    """The checkpoint to resume from. Those that are damaged, incomplete, or of another optimizer are removed."""
    make_folder(folder)
    found, note = last_checkpoint(folder), folder / OPTIMIZER_FILE
    try:
        other = read_bounded(note).decode("utf-8", "replace").strip()
    except OSError:
        other = ""
    if found.checkpoint is not None and other not in ("", optimizer):
        remove(folder)
        found = Resume(
            None,
            f"it restarts from step 1, because its checkpoints are those of {other} and the optimizer here is {optimizer}; "
            f"set lora.training.optim to use one optimizer on all machines (which makes another adapter)",
        )
    if note.is_dir():
        remove(note)
    write_whole(note, optimizer + "\n")
    return found


def last_checkpoint(folder: Path) -> Resume:
    """The last whole checkpoint. The later ones, which a kill has left incomplete or which are damaged, are removed."""
    damaged = None
    for checkpoint in sorted(folder.glob("checkpoint-*"), key=_step, reverse=True):
        fault = broken(checkpoint, {*CHECKPOINT_FILES, *_names(checkpoint)})
        if fault is None:
            goes_on = f"it goes on from step {_step(checkpoint)}, because {damaged}"
            return Resume(checkpoint, None if damaged is None else goes_on)
        if (checkpoint / SUMS).exists():  # else a kill came before it was complete
            damaged = damaged or f"{checkpoint.name} is damaged ({fault})"
        remove(checkpoint)
    return Resume(None, None if damaged is None else f"it restarts from step 1, because {damaged}")


def _step(checkpoint: Path) -> int:
    """0 for what is no checkpoint of a trainer."""
    number = re.fullmatch(r"checkpoint-(\d{1,18})", checkpoint.name)
    return 0 if number is None else int(number[1])


def _names(checkpoint: Path) -> list[str]:
    return sorted(path.name for path in checkpoint.glob("*") if path.name != SUMS)
