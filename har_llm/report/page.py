"""The page of a report. A placeholder until the page itself is merged: it says where the report is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from har_llm.report.parts import Figure, Table
from har_llm.results import RunResult


def write_page(
    runs: Sequence[RunResult], path: Path, *, tables: Sequence[Table], figures: Sequence[Figure], headline: str, reading: str
) -> None:
    path.write_text('<!doctype html><meta charset="utf-8"><title>Report</title><p>See report.md.</p>\n', encoding="utf-8")
