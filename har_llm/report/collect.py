"""Which run directories a report is about."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from har_llm.config import Settings
from har_llm.errors import ConfigError
from har_llm.paths import expanded
from har_llm.results import RunResult, read_run

MARK = "metrics.json"
"""Every run directory has one."""


def chosen_runs(settings: Settings) -> list[RunResult]:
    """The runs that `runs` names, or all of paths.outputs, each once, by name. Raises ConfigError, MissingError."""
    if settings.runs is None:
        folder = expanded(settings.paths.outputs) / "runs"
        found = run_folders(folder)
        if not found:
            raise ConfigError(
                f"{folder} holds no finished run; run something first, or name run directories with runs=[...]."
            )
    else:
        found = []
        for name in settings.runs:
            inside = run_folders(expanded(name))
            if not inside:
                raise ConfigError(
                    f"runs names {name!r}, which is no run directory ({MARK} is missing) and holds none; check the path."
                )
            found += inside
        if not found:
            raise ConfigError("runs is empty; name run directories, or leave it out for all of paths.outputs.")
    return read_runs(found)


def run_folders(folder: Path) -> list[Path]:
    """A run directory itself, or those in a folder of them or in an outputs folder."""
    if (folder / MARK).is_file():
        return [folder]
    inside = (path for path in sorted([*folder.glob("*"), *folder.glob("runs/*")]) if not path.name.startswith("."))
    return [path for path in inside if (path / MARK).is_file()]


def read_runs(folders: Sequence[Path]) -> list[RunResult]:
    """In order, each once. Raises MissingError for one that is damaged."""
    return [read_run(folder) for folder in dict.fromkeys(folder.resolve() for folder in folders)]
