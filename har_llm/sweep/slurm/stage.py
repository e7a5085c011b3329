"""The object that submitit sends to a Slurm job."""

from __future__ import annotations

from typing import Any

import submitit


class Stage(submitit.helpers.Checkpointable):  # type: ignore[misc]
    """A function that Slurm may call again after its time limit; it then resumes its work."""

    def __init__(self, function: Any):
        self._function = function

    def __call__(self, *arguments: Any) -> None:
        self._function(*arguments)
