"""Writes a comparison: comparison.md for people, comparison.json and events.csv for programs."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from har_llm.common import markdown
from har_llm.common.errors import ConfigError
from har_llm.common.files import staging_folder, write_whole
from har_llm.common.our_files import replace_files
from har_llm.common.paths import expanded
from har_llm.common.tables import Table, to_csv
from har_llm.config.settings import Settings
from har_llm.report.compare.comparison import Comparison
from har_llm.report.compare.tables import ComparisonTables
from har_llm.report.tables.files import table_files
from har_llm.runs.directory import RunResult

LISTED = 50
"""Most differing events in comparison.md; events.csv has all of them."""
LONGEST_NAME = 200
"""Most bytes of the folder's name. File systems take 255, and a run's name may be as long."""


def write(comparison: Comparison, tables: ComparisonTables, settings: Settings) -> Path:
    """Write the files, each in one step, and return their folder. An earlier comparison of the same runs is replaced.

    Raises ConfigError for a folder that cannot be written.
    """
    return _write(_named(f"{comparison.a}--{comparison.b}"), _files(comparison, tables), settings)


def write_event(table: Table, event: str, runs: Sequence[RunResult], settings: Settings) -> Path:
    """Write the table of one event as Markdown, LaTeX and CSV, as `write` does."""
    session, _, number = event.rpartition("/")
    start = f"event-{re.sub(r'[^A-Za-z0-9._-]', '_', session)}-{number}--"
    return _write(_named(start + "--".join(run.folder.name for run in runs)), table_files(table), settings)


def _write(name: str, files: Iterable[tuple[str, str]], settings: Settings) -> Path:
    folder = expanded(settings.report.path or settings.paths.outputs) / "comparisons" / name
    try:
        with staging_folder(folder / "comparison") as staging:
            for file, text in files:
                write_whole(staging / file, text)
            replace_files(staging, folder)
    except OSError as error:
        raise ConfigError(
            f"{folder} cannot be written ({error.strerror}); set report.path to a folder where a comparison may go."
        ) from None
    return folder


def _named(name: str) -> str:
    if len(name.encode()) <= LONGEST_NAME:
        return name
    return f"{name[: LONGEST_NAME // 4]}-{hashlib.sha256(name.encode()).hexdigest()[:16]}"


def _files(comparison: Comparison, tables: ComparisonTables) -> Iterator[tuple[str, str]]:
    yield "comparison.md", render(comparison, tables)
    yield "comparison.json", json.dumps(asdict(comparison), indent=1) + "\n"
    yield "events.csv", to_csv(_labelled(tables.differing, comparison.label))


def render(comparison: Comparison, tables: ComparisonTables) -> str:
    """comparison.md, in GitHub's Markdown, so that it can be pasted into an issue."""
    shown = tables.differing
    left = len(shown.rows) - LISTED
    listed = replace(shown, rows=shown.rows[:LISTED], notes=[f"The other {left:,} are in events.csv."] if left > 0 else [])
    parts = [
        f"## Comparison\n\n- A: {markdown.inline(comparison.a)}\n- B: {markdown.inline(comparison.b)}",
        *([f"**{markdown.inline(comparison.label)}**"] if comparison.label else []),
        f"**{markdown.line(comparison.verdict)}**",
        "### Notes\n\n" + markdown.items(comparison.notes),
        markdown.table(tables.scores),
        *([markdown.table(tables.runs)] if tables.runs.rows else []),
        *map(markdown.table, tables.counts),
        *([markdown.table(listed)] if shown.rows else []),
    ]
    return "\n\n".join(parts) + "\n"


def _labelled(table: Table, label: str) -> Table:
    """With a label in every row, because rows get copied out of their file."""
    return replace(table, columns=[*table.columns, "label"], rows=[[*row, label] for row in table.rows])
