"""What a report is made of, before it is written in any format. Text in here may come from models and data: untrusted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Table:
    """Cells are text as it will be read; the first column names the row."""

    name: str
    """Names its files: "table1"."""
    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()
    """Sentences that belong under it."""


@dataclass(frozen=True)
class Figure:
    name: str
    """Names its files: "figure3"."""
    title: str
    caption: str
    png: Path
    """The picture; a PDF of the same name lies beside it."""
