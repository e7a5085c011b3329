"""A comparison on disk: comparison.md to read and paste, comparison.json and events.csv to go on with."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from har_llm.common import markdown
from har_llm.common.errors import ConfigError
from har_llm.common.files import write_whole
from har_llm.common.paths import expanded
from har_llm.common.tables import Table, to_csv
from har_llm.config import Settings
from har_llm.report.compare.comparison import Comparison

LISTED = 50
"""Differing events in comparison.md; events.csv has all."""
LONGEST_NAME = 200
"""Most file systems take 255 bytes, and a run's name may be as long."""


def folder_of(settings: Settings, comparison: Comparison) -> Path:
    base = settings.report.path or settings.paths.outputs
    return expanded(base) / "comparisons" / _name(comparison.content["a"], comparison.content["b"])


def _name(a: str, b: str) -> str:
    name = f"{a}--{b}"
    if len(name.encode()) <= LONGEST_NAME:
        return name
    return f"{name[: LONGEST_NAME // 4]}-{hashlib.sha256(name.encode()).hexdigest()[:16]}"


def write(comparison: Comparison, folder: Path) -> None:
    """Each file is there whole or not at all; an earlier comparison of the same runs is replaced."""
    try:
        for name, text in _files(comparison):
            write_whole(folder / name, text)
    except OSError as error:
        raise ConfigError(
            f"{folder} cannot be written ({error.strerror}); set report.path to a folder where a comparison may go."
        ) from None


def _files(comparison: Comparison) -> Iterator[tuple[str, str]]:
    yield "comparison.md", render(comparison)
    yield "comparison.json", json.dumps(comparison.content, indent=1) + "\n"
    yield "events.csv", to_csv(_labelled(comparison.differing, comparison.label))


def render(comparison: Comparison) -> str:
    """As GitHub shows it, ready to be pasted into an issue."""
    shown = comparison.differing
    left = len(shown.rows) - LISTED
    listed = replace(shown, rows=shown.rows[:LISTED], notes=[f"The other {left:,} are in events.csv."] if left > 0 else [])
    parts = [
        f"## Comparison\n\n- A: {markdown.inline(comparison.content['a'])}\n- B: {markdown.inline(comparison.content['b'])}",
        *([f"**{markdown.inline(comparison.label)}**"] if comparison.label else []),
        f"**{markdown.line(comparison.verdict)}**",
        "### Notes\n\n" + markdown.items(comparison.notes),
        markdown.table(comparison.scores),
        *([markdown.table(comparison.runs)] if comparison.runs.rows else []),
        *map(markdown.table, comparison.tables),
        *([markdown.table(listed)] if shown.rows else []),
    ]
    return "\n\n".join(parts) + "\n"


def _labelled(table: Table, label: str) -> Table:
    """Rows are copied out of a file, so each of them says what it is."""
    return replace(table, columns=[*table.columns, "label"], rows=[[*row, label] for row in table.rows])
