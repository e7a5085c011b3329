"""Finds the run directories for a report or a comparison."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from har_llm.common.errors import ConfigError
from har_llm.common.paths import expanded
from har_llm.config import Settings
from har_llm.runs.directory import METRICS_FILE, RunResult, read_run


def chosen_runs(settings: Settings) -> list[RunResult]:
    """The runs that settings.runs names, or all of paths.outputs; each once, sorted by name. Raises ConfigError,
    MissingError."""
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
                    f"runs names {name!r}, which is no run directory ({METRICS_FILE} is missing) and holds none; check the "
                    f"path."
                )
            found += inside
        if not found:
            raise ConfigError("runs is empty; name run directories, or leave it out for all of paths.outputs.")
    return read_runs(found)


def two_runs(settings: Settings) -> tuple[RunResult, RunResult]:
    """Runs A and B of a comparison, in the order of settings.runs. Raises ConfigError if there are not exactly two."""
    found = chosen_runs(settings)
    if len(found) != 2:
        names = ", ".join(run.folder.name for run in found[:4]) + (", ..." if len(found) > 4 else "")
        where = "paths.outputs holds" if settings.runs is None else "runs names"
        what = "run directory" if len(found) == 1 else "different run directories"
        raise ConfigError(
            f"{where} {len(found)} {what} ({names}), but task=compare takes exactly two; write runs=[RUN_DIR_A,RUN_DIR_B]."
        )
    return found[0], found[1]


def run_folders(folder: Path) -> list[Path]:
    """The folder itself if it is a run directory, or the run directories in it, or those of an outputs folder."""
    if (folder / METRICS_FILE).is_file():
        return [folder]
    inside = (path for path in sorted([*folder.glob("*"), *folder.glob("runs/*")]) if not path.name.startswith("."))
    return [path for path in inside if (path / METRICS_FILE).is_file()]


def read_runs(folders: Sequence[Path]) -> list[RunResult]:
    """The runs in order, each once. Raises MissingError for a damaged one."""
    return [read_run(folder) for folder in dict.fromkeys(folder.resolve() for folder in folders)]
