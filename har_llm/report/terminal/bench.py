"""Shows what windows cost, model by model, and writes the same as a table and as figures."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence

from har_llm.common.console import console, plain, show_table
from har_llm.common.files import write_whole
from har_llm.common.numbers import decimals, percent
from har_llm.common.tables import Table
from har_llm.report.figures.bench import Cost, bench_charts
from har_llm.report.figures.draw import draw
from har_llm.report.tables.files import table_files
from har_llm.runs.directory import read_run
from har_llm.runs.run import PreparedRun
from har_llm.scoring.metrics import SessionMean
from har_llm.scoring.names import METRIC_NAMES
from har_llm.sweep.bench import Measured

COLUMNS = (
    "model",
    "s a window",
    "slowest",
    "tokens/s",
    "tokens a window",
    "prompt kept %",
    "memory MB",
    "start s",
    "J a window",
    "F1 %",
)
FOLDER = "bench"


def show_bench(measured: Sequence[tuple[str, PreparedRun, Measured]]) -> None:
    """Print the table, and write it as Markdown, LaTeX and CSV below paths.outputs, with figures of what is scored too. Each
    with the title of its job."""
    table = bench_table(measured)
    folder = measured[0][1].outputs / FOLDER
    for name, text in table_files(table):
        write_whole(folder / name, text)
    settings = measured[0][1].experiment.settings.metrics
    costs = [
        Cost(_name(title, run), run.recordings.home.name, run.provenance, score, one)
        for title, run, one in measured
        if (score := _score(run)) is not None
    ]
    told = " ".join(table.notes)
    figures = [draw(chart, folder) for chart in bench_charts(costs, METRIC_NAMES[settings.headline], told)]
    show_table(console(), table)
    console().print(plain(f"Table: {folder / table.name}.md"), soft_wrap=True)
    for figure in figures:
        console().print(plain(f"Figure: {figure.png}"), soft_wrap=True)


def bench_table(measured: Sequence[tuple[str, PreparedRun, Measured]]) -> Table:
    rows = [_row(_name(title, run), run, one) for title, run, one in measured]
    engines = dict.fromkeys(one.engine for _, _, one in measured)
    notes = [
        f"One window after the other, median of {_windows(measured)}; {' and '.join(engines)}.",
        "start: until the model is loaded and has answered the longest window. prompt kept: tokens not computed again. "
        "memory: the most that the engine's process has held.",
        *_about_energy(measured),
        *_about_scores(measured),
    ]
    return Table("bench", "What a window costs on this machine", COLUMNS, rows, notes)


def _name(title: str, run: PreparedRun) -> str:
    """What a job was chosen by, with its model, unless that or a bundle that has its name is in it."""
    name = run.experiment.model.name
    said = [one.partition("=") for one in title.split()]
    named = any(key in ("model", "model.id") or (key.startswith("bundle") and name in value) for key, _, value in said)
    return title if named else f"{name} {title}".strip()


def _row(name: str, run: PreparedRun, one: Measured) -> list[str]:
    count, score = len(one.seconds), _score(run)
    return [
        name + run.provenance.suffix,
        decimals(statistics.median(one.seconds), 2),
        decimals(max(one.seconds), 2),
        decimals(one.completion_tokens / sum(one.seconds), 1),
        decimals(one.completion_tokens / count, 0),
        percent(one.cached_tokens / one.prompt_tokens if one.prompt_tokens else None),
        decimals(None if one.peak_bytes is None else one.peak_bytes / 1e6, 0),
        decimals(one.start, 1),
        decimals(None if one.joules is None else one.joules / count, 1),
        percent(None if score is None else score.mean),
    ]


def _score(run: PreparedRun) -> SessionMean | None:
    """The headline score of the run, if it is finished."""
    if not run.finished:
        return None
    settings = run.experiment.settings.metrics
    return read_run(run.folder).metrics.headline(settings.headline, settings.parsing)


def _windows(measured: Sequence[tuple[str, PreparedRun, Measured]]) -> str:
    counts = {len(one.seconds) for _, _, one in measured}
    return f"{min(counts)}" if len(counts) == 1 else f"{min(counts)} to {max(counts)}"


def _about_energy(measured: Sequence[tuple[str, PreparedRun, Measured]]) -> Iterator[str]:
    if any(one.joules is None for _, _, one in measured):
        yield "This machine does not say what energy its processor takes (RAPL in /sys/class/powercap, often for root only)."
    if any(one.joules is not None for _, _, one in measured):
        yield "J a window: of the whole processor, whatever else it did."


def _about_scores(measured: Sequence[tuple[str, PreparedRun, Measured]]) -> Iterator[str]:
    if any(not run.finished for _, run, _ in measured):
        yield "F1 is that of a finished run of the same choices; where it is missing, give the command with task=run first."
    if any(run.finished and run.experiment.settings.limit is not None for _, run, _ in measured):
        yield "F1 is partial: of the windows that limit leaves."
