"""Writes a report into a folder: tables in three formats, figures in two, and all of them in report.md and one page."""

from __future__ import annotations

import hashlib
import os.path
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from har_llm.common import markdown
from har_llm.common.errors import ConfigError, HarError, reason_of
from har_llm.common.files import staging_folder
from har_llm.common.numbers import counted
from har_llm.common.our_files import replace_files
from har_llm.common.paths import expanded
from har_llm.common.tables import Table
from har_llm.config.settings import Settings
from har_llm.report.figures.chart import Figure
from har_llm.report.figures.charts import make_charts
from har_llm.report.figures.draw import draw
from har_llm.report.grouping import Report, make_report
from har_llm.report.page.write import write_page
from har_llm.report.standing import Standing, standings
from har_llm.report.tables.all import make_tables
from har_llm.report.tables.files import table_files
from har_llm.report.terminal.tables import show_report
from har_llm.runs.directory import RunResult
from har_llm.runs.find import chosen_runs
from har_llm.sweep.job import Job

LAST = "table_runs"
"""The table that comes after the figures."""
PAGE = "report.html"


def report_runs(settings: Settings) -> None:
    """Make the report of task=report. Raises ConfigError, MissingError."""
    folder = expanded(settings.report.path) if settings.report.path else expanded(settings.paths.outputs) / "report"
    if os.path.isfile(folder):  # noqa: PTH113 (it raises nothing where a folder may not be entered)
        raise _unwritable(folder, "it is no folder")
    _build(chosen_runs(settings), folder, settings)


def report_sweep(jobs: Sequence[Job]) -> None:
    """Make the report of a sweep's finished runs. If that fails, an error is printed, and the sweep still succeeds."""
    runs = list({job.result.folder: job.result for job in jobs if job.result is not None}.values())
    settings = next((job.experiment.settings for job in jobs if job.experiment is not None and job.result is not None), None)
    if settings is None or not settings.report.after_sweep:
        return
    folders = [run.folder for run in runs]
    name = sweep_name([job.choice for job in jobs if job.experiment is not None], folders)
    try:
        _build(runs, expanded(settings.paths.outputs) / "reports" / name, settings)
    except Exception as error:  # also a bug of ours: hours of work must not end in a traceback
        reason = error if isinstance(error, HarError) else f"{type(error).__name__}: {error}"
        again = f"task=report 'runs=[{','.join(map(str, folders))}]'" if len(folders) <= 3 else "task=report"
        print(f"error: the report of this sweep was not built ({reason}). The runs are complete; {again} builds it again.",
              file=sys.stderr)  # fmt: skip


def sweep_name(experiments: Sequence[str | None], folders: Sequence[Path]) -> str:
    """The experiments' names if every job has one; otherwise a name that depends only on the runs."""
    named = [name for name in experiments if name]
    if named and len(named) == len(experiments):
        return "-".join(re.sub(r"[^A-Za-z0-9._-]", "_", name) for name in dict.fromkeys(named))
    names = "\n".join(sorted(folder.name for folder in folders))
    return f"sweep-{hashlib.sha256(names.encode()).hexdigest()[:10]}"


def _build(runs: Sequence[RunResult], folder: Path, settings: Settings) -> None:
    shown = {"headline": settings.metrics.headline, "parsing": settings.metrics.parsing, "xscale": settings.report.xscale}
    standing, tables = build_report(runs, folder, **shown)
    show_report(standing, tables, folder)


def build_report(
    runs: Sequence[RunResult], folder: Path, *, headline: str, parsing: str, xscale: str = "linear"
) -> tuple[list[Standing], list[Table]]:
    """Write the report of these runs and return its standings and its tables. `xscale`: of figure 3.

    Raises MissingError for a damaged run, ConfigError for a folder that cannot be written.
    """
    report = make_report(runs, headline, parsing)
    tables, standing = make_tables(report), standings(report)
    try:
        with staging_folder(folder / "report") as staging:
            figures = _write(report, standing, tables, staging, xscale)
            write_page(
                models_first(runs),
                staging / PAGE,
                standing=standing,
                tables=tables,
                figures=figures,
                headline=headline,
                parsing=parsing,
            )
            replace_files(staging, folder)
    except OSError as error:
        is_file = os.path.isfile(folder)  # noqa: PTH113
        raise _unwritable(folder, "it is no folder" if is_file else reason_of(error)) from None
    return standing, tables


def _unwritable(folder: Path, reason: str) -> ConfigError:
    return ConfigError(f"The report cannot be written to {folder} ({reason}); set report.path to another folder.")


def models_first(runs: Sequence[RunResult]) -> list[RunResult]:
    """The page shows the first few of many runs until others are chosen, and baselines give no reasons."""
    return sorted(runs, key=lambda run: run.metrics.baseline is not None)


def _write(report: Report, standing: Sequence[Standing], tables: Sequence[Table], folder: Path, xscale: str) -> list[Figure]:
    for table in tables:
        for name, content in table_files(table):
            _text(folder / name, content)
    figures = [draw(chart, folder) for chart in make_charts(report, xscale=xscale)]
    _text(folder / "report.md", _document(report, standing, tables, figures))
    return figures


def _text(path: Path, content: str) -> None:
    path.write_text(content, encoding="utf-8", errors="backslashreplace", newline="\n")


def _document(report: Report, standing: Sequence[Standing], tables: Sequence[Table], figures: Sequence[Figure]) -> str:
    runs = counted(sum(cell.count for cell in report.cells), "run")
    kinds = sorted({label for cell in report.cells if (label := cell.run.metrics.provenance.label)})
    shown = f"{report.headline_name} (`metrics.headline={report.headline}`), {report.parsing} parsing of the answers"
    scored = any(cell.run.metrics.has_scores for cell in report.cells)
    said = f"Scores in %: {shown} (`metrics.parsing={report.parsing}`)." if scored else f"Its days are in `{PAGE}`."
    parts = ["# Report", f"{runs}. {said}"]
    if kinds:
        parts.append(
            f"**{markdown.inline('; '.join(kinds))}**: such results are marked and never shown beside the paper's numbers."
        )
    parts += [_answered(one) for one in standing]
    parts += [markdown.table(table, level=2) for table in tables if table.name != LAST]
    parts += [_illustrated(figure) for figure in figures]
    parts += [markdown.table(table, level=2) for table in tables if table.name == LAST]
    return "\n\n".join(parts) + "\n"


def _answered(standing: Standing) -> str:
    label = f"**{markdown.inline(standing.label)}**\n\n" if standing.label else ""
    answers = [f"{question}: {answer}" for question, answer in standing.answers]
    return f"## {markdown.inline(standing.title)}\n\n{label}{markdown.items(answers)}"


def _illustrated(figure: Figure) -> str:
    title = markdown.inline(figure.title)
    return f"## {title}\n\n![{title}]({figure.png.name})\n\n{markdown.inline(figure.caption)}"
