"""Lists finished runs on a terminal (task=runs)."""

from __future__ import annotations

from har_llm.common.console import console, show_table
from har_llm.common.errors import MissingError
from har_llm.common.numbers import counted, percent
from har_llm.common.tables import Table
from har_llm.config.settings import MetricsConfig, Settings
from har_llm.runs.directory import RunResult, read_run
from har_llm.runs.facts import described, label
from har_llm.runs.find import chosen_folders

WHERE = "run directory"


def show_runs(settings: Settings) -> None:
    """A line for each chosen run, the newest last. Raises MissingError, after the list, for damaged ones."""
    found, damaged = [], []
    for folder in chosen_folders(settings):
        try:
            found.append(read_run(folder.resolve()))
        except MissingError as error:
            damaged.append(str(error))
    metrics = settings.metrics
    rows = [_row(run, metrics) for run in sorted(found, key=lambda run: (run.environment.written, run.folder.name))]
    title = f"{counted(len(found), 'finished run')}, the newest last; {metrics.parsing} parsing"
    columns = ("written (UTC)", "what", f"{metrics.headline} in %", WHERE)
    show_table(console(), Table("runs", title, columns, rows, whole=(WHERE,)))
    if damaged:
        raise MissingError("\n".join(damaged))


def _row(run: RunResult, settings: MetricsConfig) -> list[str]:
    marks = label(run.metrics)
    what = f"{described(run.metrics)}{marks and f' [{marks}]'}"
    score = percent(run.metrics.headline(settings.headline, settings.parsing).mean)
    return [run.environment.written, what, score, str(run.folder)]
