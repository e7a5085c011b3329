"""Shows the results of a sweep: a line for each job."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from har_llm.common.console import console, plain, show_table
from har_llm.common.numbers import percent
from har_llm.common.tables import Table
from har_llm.runs.facts import label

if TYPE_CHECKING:
    from har_llm.sweep.job import Job


COLUMNS = ("job", "windows", "score in %", "std", "missed %", "run directory")


def show_sweep(jobs: Sequence[Job]) -> None:
    """Print a line for each job: its headline score, or that it failed."""
    rows, named, labels = [], set(), set()
    seeds: dict[str, set[int]] = {}
    for job in jobs:
        if job.result is None or job.experiment is None:
            rows.append([job.title, "", "", "", "", "failed; its error is above"])
            continue
        settings, metrics = job.experiment.settings.metrics, job.result.metrics
        score, missed = (metrics.headline(name, settings.parsing) for name in (settings.headline, "missed"))
        named.add(f"{settings.headline}, {settings.parsing} parsing")
        labels.add(label(metrics))
        seeds.setdefault(metrics.generations_digest, set()).add(metrics.seed)
        shares = map(percent, (score.mean, score.std, missed.mean))
        rows.append([job.title, str(metrics.windows), *shares, str(job.folder)])
    if not named:
        return  # every job has failed and shown its error
    out = console()
    title = f"{'; '.join(sorted(named))}: mean and standard deviation over sessions"
    show_table(out, Table("sweep", title, COLUMNS, rows))
    for same in (same for same in seeds.values() if len(same) > 1):
        words = f"Seeds {', '.join(map(str, sorted(same)))} gave the same generations: they change nothing."
        out.print(plain(words), style="yellow")
    for text in sorted(labels - {""}):
        out.print(plain(f"{'All of these' if len(labels) == 1 else 'Some of these'}: {text}"), style="bold yellow")
