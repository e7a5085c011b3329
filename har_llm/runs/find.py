"""Finds the run directories for a report or a comparison."""

from __future__ import annotations

import re
from collections.abc import Sequence
from glob import glob
from pathlib import Path

from har_llm.common.errors import ConfigError
from har_llm.common.files import obstacle
from har_llm.common.paths import expanded
from har_llm.common.text import suggestion
from har_llm.config.settings import Settings
from har_llm.runs.directory import METRICS_FILE, RunResult, read_run

LAST = "last"
"""Names the newest run in `runs`."""


def chosen_runs(settings: Settings) -> list[RunResult]:
    """The runs of chosen_folders. Raises ConfigError, MissingError."""
    return read_runs(chosen_folders(settings))


def chosen_folders(settings: Settings) -> list[Path]:
    """The run directories that settings.runs names, or all of paths.outputs, sorted by name. Raises ConfigError."""
    folder = expanded(settings.paths.outputs) / "runs"
    if settings.runs is None:
        found = run_folders(folder)
        if not found:
            raise _no_run(folder)
        return found
    if not settings.runs:
        raise ConfigError("runs is empty; name run directories, or leave it out for all of paths.outputs.")
    return [one for name in settings.runs for one in _named(name, folder)]


def _named(name: str, outputs: Path) -> list[Path]:
    """What one item of `runs` stands for: a path, or a name in `outputs`, either of them also as a pattern; or LAST."""
    places = (expanded(name), outputs / name)
    for place in places:
        if found := run_folders(place):
            return found
    for place in places:
        paths = sorted(glob(str(place)))  # noqa: PTH207 (Path.glob refuses absolute patterns)
        if found := [one for path in paths for one in run_folders(Path(path))]:
            return found
    known = run_folders(outputs)
    if name == LAST:
        if not known:
            raise _no_run(outputs)
        return [_last(known)]
    if "," in name:
        raise ConfigError(f"runs names {name!r}, which is no run directory; several are written runs=[{name.strip('[]')}].")
    if re.search(r"[*?[]", name):
        raise ConfigError(
            f"runs names {name!r}, and no run directory here or in {outputs} matches it; task=runs lists them."
        )
    raise ConfigError(
        f"runs names {name!r}, which is no run directory ({METRICS_FILE} is missing) and holds none, and {outputs} has none "
        f"of this name; task=runs lists them.{suggestion(name, (LAST, *(one.name for one in known)))}"
    )


def _no_run(outputs: Path) -> ConfigError:
    rule = f"{outputs} holds no finished run; run something first, or name run directories with runs=[...]."
    return ConfigError(obstacle(outputs) or rule)


def _last(folders: Sequence[Path]) -> Path:
    """The newest run; where that is a baseline, which may be there unasked, the newest of a model on its home and part."""
    newest = sorted(folders, key=lambda folder: (folder / METRICS_FILE).stat().st_mtime, reverse=True)
    if (last := read_run(newest[0]).metrics).baseline is None:
        return newest[0]
    others = ((one, read_run(one).metrics) for one in newest)
    home = last.dataset, last.part
    on_its_home = (one for one, its in others if its.baseline is None and (its.dataset, its.part) == home)
    return next(on_its_home, newest[0])


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
    if (folder / METRICS_FILE).exists():  # also what is no file, so that it is named as damaged
        return [folder]
    inside = (path for path in sorted([*folder.glob("*"), *folder.glob("runs/*")]) if not path.name.startswith("."))
    return [path for path in inside if (path / METRICS_FILE).exists()]


def read_runs(folders: Sequence[Path]) -> list[RunResult]:
    """The runs in order, each once. Raises MissingError for a damaged one."""
    return [read_run(folder) for folder in dict.fromkeys(folder.resolve() for folder in folders)]
