"""Shows the results of a sweep: a line for each job."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from har_llm.common.console import console, plain, show_table
from har_llm.common.numbers import percent
from har_llm.common.tables import Table
from har_llm.config.settings import MetricsConfig
from har_llm.data.splits import part_name
from har_llm.report.terminal.beside import strongest_ahead
from har_llm.runs.directory import RunResult
from har_llm.runs.facts import label_parts
from har_llm.runs.result import Metrics

if TYPE_CHECKING:
    from har_llm.sweep.job import Job


COLUMNS = ("job", "windows", "score in %", "std", "missed %", "run directory")


def show_sweep(jobs: Sequence[Job], beside: Sequence[RunResult] = ()) -> None:
    """Print a line for each job: its headline score, or that it failed; then one for each baseline beside them."""
    rows, named, labels = [], set(), list[set[str]]()
    seeds: dict[str, set[int]] = {}
    behind: dict[str, list[str]] = {}
    results = [*(job.result for job in jobs if job.result is not None), *beside]
    baselines = [run.metrics for run in results if run.metrics.baseline is not None]
    for job in jobs:
        if job.result is None or job.experiment is None:
            rows.append([job.title, "", "", "", "", "failed; its error is above"])
            continue
        settings, metrics = job.experiment.settings.metrics, job.result.metrics
        named.add(f"{settings.headline}, {settings.parsing} parsing")
        labels.append({*label_parts(metrics)})
        seeds.setdefault(metrics.generations_digest, set()).add(metrics.seed)
        rows.append(_row(job.title, job.result, settings))
        if metrics.baseline is None:
            ahead = strongest_ahead(metrics, baselines, headline=settings.headline, parsing=settings.parsing)
            behind.setdefault("" if ahead is None else _named(ahead), []).append(job.title)
    if not named:
        return  # every job has failed and shown its error
    rows += [_row(_named(run.metrics), run, settings) for run in beside]
    out = console()
    title = f"{'; '.join(sorted(named))}: mean and standard deviation over sessions"
    show_table(out, Table("sweep", title, COLUMNS, rows, whole=COLUMNS[-1:]))
    for name, titles in behind.items():
        if name:
            out.print(plain(f"The baseline {name} is ahead of {'; '.join(titles)}."), style="bold yellow")
    for same in (same for same in seeds.values() if len(same) > 1):
        words = f"Seeds {', '.join(map(str, sorted(same)))} gave the same generations: they change nothing."
        out.print(plain(words), style="yellow")
    everywhere = set.intersection(*labels)
    for of, about in (("All", everywhere), ("Some", set.union(*labels) - everywhere)):
        if about:
            out.print(plain(f"{of} of the jobs: {'; '.join(sorted(about))}"), style="bold yellow")


def _row(title: str, run: RunResult, settings: MetricsConfig) -> list[str]:
    metrics = run.metrics
    score, missed = (metrics.headline(name, settings.parsing) for name in (settings.headline, "missed"))
    return [title, str(metrics.windows), *map(percent, (score.mean, score.std, missed.mean)), str(run.folder)]


def _named(metrics: Metrics) -> str:
    """A baseline and what it is about: "random_forest (supervised) on marble"."""
    part = "" if metrics.part == "test" else f", {part_name(metrics.part)}"
    seed = f", seed {metrics.seed}" if metrics.seed else ""
    return f"{metrics.model_name} on {metrics.dataset}{part}{seed}"
