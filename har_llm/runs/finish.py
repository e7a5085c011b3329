"""A run whose generations are all kept: parsed, scored, and its directory put in place."""

from __future__ import annotations

from pathlib import Path

from har_llm.runs.generations import parse_windows
from har_llm.runs.run import PreparedRun
from har_llm.runs.store import GenerationStore
from har_llm.runs.write import write_run


def finish(run: PreparedRun, store: GenerationStore | None = None) -> Path:
    """The run directory. Raises MissingError where some generations are not made."""
    return write_run(run, parse_windows(run, store))
