"""One experiment of a command, and its result. Imports nothing at run time, because the command line needs it at once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from har_llm.common.errors import HarError
    from har_llm.config.experiment import Experiment
    from har_llm.runs.directory import RunResult
    from har_llm.runs.run import PreparedRun


@dataclass
class Job:
    title: str
    """The overrides in which it differs from the other jobs of its sweep; empty for a single job."""
    experiment: Experiment | None = None
    run: PreparedRun | None = None
    result: RunResult | None = None
    """The run as its directory holds it, once it is complete."""
    fresh: bool = False
    """Whether this command completed it."""
    error: HarError | None = None
    choice: str | None = None
    """The chosen option of conf/experiment."""
    reported: bool = False
    """Whether its error has been shown to the user."""

    @property
    def folder(self) -> Path | None:
        """The run directory, once it is complete."""
        return None if self.result is None else self.result.folder
