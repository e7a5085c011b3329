"""One experiment of a command, and what became of it. Imports nothing: the command line needs it before anything else."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from har_llm.common.errors import HarError
    from har_llm.config import Experiment
    from har_llm.runs.run import PreparedRun


@dataclass
class Job:
    title: str
    """What tells it from the others of its sweep: its overrides. Empty for a single one."""
    experiment: Experiment | None = None
    run: PreparedRun | None = None
    folder: Path | None = None
    """The run directory, when it is complete."""
    fresh: bool = False
    """Whether this command completed it."""
    error: HarError | None = None
    choice: str | None = None
    """The option of conf/experiment that it belongs to."""
    reported: bool = False
    """Whether the user has been shown why it failed."""
