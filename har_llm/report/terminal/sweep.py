"""What a sweep shows at its end: a line for each job."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.table import Table

from har_llm.common.console import console, plain
from har_llm.common.tables import percent
from har_llm.runs.facts import label
from har_llm.runs.result import read_run

if TYPE_CHECKING:
    from har_llm.sweep.job import Job


def show_sweep(jobs: Sequence[Job]) -> None:
    """A line for each job: its headline score, or that it failed."""
    table = Table(title_justify="left")
    for name, right in (("job", False), ("windows", True), ("score in %", True), ("std", True), ("missed %", True)):
        table.add_column(name, justify="right" if right else "left", overflow="fold")
    table.add_column("run directory", overflow="fold")
    named, labels = set(), set()
    for job in jobs:
        if job.folder is None or job.experiment is None:
            table.add_row(plain(job.title), "", "failed", "", "", plain("its reason is above"))
            continue
        settings, scores = job.experiment.settings.metrics, read_run(job.folder).metrics
        named.add(f"{settings.headline}, {settings.parsing} parsing")
        means = scores[settings.parsing]["all"]["mean"]
        labels.add(label(scores))
        score = means[settings.headline]
        table.add_row(
            plain(job.title),
            str(scores["windows"]),
            percent(score["mean"]),
            percent(score["std"]),
            percent(means["missed"]["mean"]),
            plain(str(job.folder)),
        )
    if not named:
        return  # each job has said why it failed
    out = console()
    out.print(plain(f"{'; '.join(sorted(named))}: mean and standard deviation over sessions"), style="bold")
    out.print(table)
    for text in sorted(labels - {""}):
        out.print(plain(f"{'All of these' if len(labels) == 1 else 'Some of these'}: {text}"), style="bold yellow")
