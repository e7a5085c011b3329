"""Parses and scores a run whose generations are all stored, and writes its directory."""

from __future__ import annotations

from pathlib import Path

from har_llm.runs.generations import parse_windows
from har_llm.runs.run import PreparedRun
from har_llm.runs.store import GenerationStore
from har_llm.runs.write import write_run


def finish(run: PreparedRun, store: GenerationStore) -> Path:
    """The run directory. Raises MissingError if generations are missing."""
    return write_run(run, parse_windows(run, store))
