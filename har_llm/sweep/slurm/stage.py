"""What submitit sends to a Slurm job."""

from __future__ import annotations

from typing import Any

import submitit


class Stage(submitit.helpers.Checkpointable):  # type: ignore[misc]
    """A function that can be called again: Slurm requeues it when its time is up, and it goes on where it was."""

    def __init__(self, function: Any):
        self._function = function

    def __call__(self, *arguments: Any) -> None:
        self._function(*arguments)
