"""Shows a finished run, or the comparison of two, on a terminal of at least 80 columns.

Markup in text from models and data is not interpreted, and control characters in it are made visible.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table as RichTable
from rich.text import Text

from har_llm.common.console import console, plain, show_table
from har_llm.common.tables import Table
from har_llm.report.terminal.beside import show_beside
from har_llm.runs.directory import RunResult
from har_llm.runs.facts import Facts, other_servers
from har_llm.runs.summary import Summary, sample_title, shortened, summarise, window_lines

if TYPE_CHECKING:
    from pathlib import Path

    from har_llm.report.compare.comparison import Comparison
    from har_llm.report.compare.tables import ComparisonTables
    from har_llm.sweep.job import Job

WEAKEST = 12
DIFFERING = 12
LINES_OF_REASONING, LONGEST_REASONING, LONGEST_ANSWER = 14, 2_000, 1_000


def show_job(job: Job, beside: Sequence[RunResult] = ()) -> None:
    """Show the run of a single job, with the baselines beside it; nothing if it failed."""
    if job.result is not None and job.experiment is not None:
        settings, server = job.experiment.settings.metrics, job.experiment.engine.about().get("server")
        choice = {"headline": settings.headline, "parsing": settings.parsing}
        show_run(job.result, beside, **choice, fresh=job.fresh, server=server)


def show_run(
    result: RunResult,
    beside: Sequence[RunResult] = (),
    *,
    headline: str,
    parsing: str,
    fresh: bool,
    server: str | None = None,
) -> None:
    """`server`: the one that would be asked now, if any."""
    out = console()
    summary = summarise(result, headline=headline, parsing=parsing)
    show_head(out, summary.title, summary.label)
    if not fresh:
        out.print("This run was finished before; nothing was generated or scored again.", style="dim")
    show_facts(out, summary.facts)
    for table in summary.scores:
        show_table(out, table)
    if beside:
        show_beside(out, result, beside, headline=headline, parsing=parsing)
    if summary.scored and summary.missed is None:
        out.print("\nNo event was missed.", style="bold")
    for counts in (summary.missed, summary.activities, summary.confusions):
        if counts is not None:
            show_table(out, counts, most=WEAKEST)
    show_notes(out, [*summary.notes, *other_servers(result, server)])
    out.print()
    out.print(_sample_panel(summary))
    show_head(out, summary.title, summary.label)  # again, as the beginning has gone past by now
    out.print(plain(f"Run directory: {result.folder}"), soft_wrap=True)


def show_comparison(comparison: Comparison, tables: ComparisonTables, folder: Path) -> None:
    out = console()
    show_head(out, f"A: {comparison.a}\nB: {comparison.b}", comparison.label)
    out.print()
    out.print(plain(comparison.verdict), style="bold")
    show_table(out, tables.scores)
    show_notes(out, comparison.notes)
    for table in (tables.runs, *tables.counts):
        if table.rows:
            show_table(out, table, most=WEAKEST)
    _show_differing(out, tables.differing)
    out.print()
    out.print(plain(comparison.verdict), style="bold")  # again, as the beginning has gone past by now
    out.print(plain(f"Comparison: {folder}"), soft_wrap=True)


def show_event(table: Table, folder: Path) -> None:
    """Show what each run says of one event, run by run, because extracts are too long for a table."""
    out = console()
    out.print(plain(table.title), style="bold")
    for run, answer, said in table.rows:
        out.print()
        out.print(plain(f"{run}: {answer}"))
        out.print(plain(f"    {said}"))
    show_notes(out, table.notes)
    out.print()
    out.print(plain(f"Table: {folder}"), soft_wrap=True)


def _show_differing(out: Console, events: Table) -> None:
    """Show the first differing events in two lines each, because a table of them would be too wide."""
    out.print()
    out.print(plain(events.title), style="bold")
    for session, number, time, text, gold, a, b, outcome in events.rows[:DIFFERING]:
        out.print(plain(f"{session}, event {number}, {time} {text}: {outcome}"))
        out.print(plain(f"    gold {gold} | A {a} | B {b}"))
    if len(events.rows) > DIFFERING:
        out.print(f"... and {len(events.rows) - DIFFERING:,} more (events.csv)")


def show_head(out: Console, title: str, label: str) -> None:
    out.print(plain(title), style="bold")
    if label:
        out.print(plain(label), style="bold yellow")


def show_facts(out: Console, facts: Facts) -> None:
    grid = RichTable.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="cyan")
    grid.add_column(overflow="fold")
    for name, text in facts:
        grid.add_row(plain(name), plain(text))
    out.print()
    out.print(grid)


def show_notes(out: Console, notes: Sequence[str]) -> None:
    if notes:
        out.print()
    for note in notes:
        out.print(plain(note), style="yellow")


def _sample_panel(summary: Summary) -> Panel:
    sample = summary.sample
    parts = [
        *(plain(line) for line in window_lines(sample)),
        _caption("Reasoning"),
        plain(shortened(sample.reasoning, LONGEST_REASONING, LINES_OF_REASONING)),
        _caption("Answer"),
        plain(shortened(sample.answer or "", LONGEST_ANSWER)),
        *([_caption("Gold      ").append_text(_value(", ".join(sample.gold)))] if summary.scored else []),
        _caption("Predicted ").append_text(_value(sample.predicted[summary.parsing])),
    ]
    title, mark = plain(sample_title(sample)), plain(sample.provenance.label or "")
    return Panel(Group(*parts), title=title, subtitle=mark, title_align="left")


def _caption(text: str) -> Text:
    return Text(text, style="bold cyan")


def _value(text: str) -> Text:
    value = plain(text)
    value.stylize("default")
    return value
