"""The message that starts a training in its process."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from har_llm.distill.training_config import TrainingSettings


@dataclass(frozen=True)
class TrainingJob:
    base: str
    """Folder of the student."""
    dtype: str
    trust_remote_code: bool
    template_options: dict[str, Any]
    reasoning_marks: list[str] | None
    """Those of the student, if it has marks of its own."""
    max_length: int | None
    """Most tokens of an example; None = the context that the student's own configuration names."""
    leave_out_long: bool
    """Whether longer examples are left out; otherwise one of them stops the training."""
    rows: str
    """JSONL file of the examples, in TRL's prompt-completion format."""
    folder: str
    """Folder for the adapter."""
    checkpoints: str
    """Folder of the checkpoints; a training that finds some resumes from the last."""
    settings: TrainingSettings
    trainer: str
    """trl or unsloth."""

    def read_rows(self) -> Iterator[dict[str, Any]]:
        with Path(self.rows).open(encoding="utf-8") as stream:
            for line in stream:
                yield json.loads(line)

    def as_message(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def from_message(values: Mapping[str, Any]) -> TrainingJob:
        return TrainingJob(**{**values, "settings": TrainingSettings(**values["settings"])})
