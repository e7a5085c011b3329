"""When a report is built: by task=report, and at the end of a sweep."""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from har_llm.common.errors import HarError
from har_llm.common.paths import expanded
from har_llm.config import Settings
from har_llm.runs.find import chosen_runs, read_runs

if TYPE_CHECKING:
    from har_llm.runs.result import RunResult
    from har_llm.sweep.job import Job


def report_runs(settings: Settings) -> None:
    """The report that task=report asks for. Raises ConfigError, MissingError."""
    runs = chosen_runs(settings)
    folder = expanded(settings.report.path) if settings.report.path else expanded(settings.paths.outputs) / "report"
    _build(runs, folder, settings)


def report_sweep(jobs: Sequence[Job]) -> None:
    """The report of a sweep's runs, as far as they are complete. Where it fails the sweep's results stand all the same."""
    folders = [job.folder for job in jobs if job.folder is not None]
    settings = next((job.experiment.settings for job in jobs if job.experiment is not None and job.folder is not None), None)
    if settings is None or not settings.report.after_sweep:
        return
    folder = (
        expanded(settings.paths.outputs)
        / "reports"
        / sweep_name([job.choice for job in jobs if job.experiment is not None], folders)
    )
    try:
        _build(read_runs(folders), folder, settings)
    except Exception as error:  # also what is a fault of ours: hours of work must not end in its traceback
        reason = error if isinstance(error, HarError) else f"{type(error).__name__}: {error}"
        again = f"task=report 'runs=[{','.join(map(str, folders))}]'" if len(folders) <= 3 else "task=report"
        print(f"error: the report of this sweep was not built ({reason}). The runs are complete; {again} tries it again.",
              file=sys.stderr)  # fmt: skip


def sweep_name(experiments: Sequence[str | None], folders: Sequence[Path]) -> str:
    """The experiments' names where every job has one; otherwise the same name for the same runs."""
    named = [name for name in experiments if name]
    if named and len(named) == len(experiments):
        return "-".join(re.sub(r"[^A-Za-z0-9._-]", "_", name) for name in dict.fromkeys(named))
    names = "\n".join(sorted(folder.name for folder in folders))
    return f"sweep-{hashlib.sha256(names.encode()).hexdigest()[:10]}"


def _build(runs: Sequence[RunResult], folder: Path, settings: Settings) -> None:
    from har_llm.report.build import build_report
    from har_llm.report.terminal.tables import show_report

    headline, reading = settings.metrics.headline, settings.metrics.reading
    build_report(runs, folder, headline=headline, reading=reading)
    show_report(runs, folder, headline=headline, reading=reading)
