"""Compares the paper's number of MuRAL training windows with ours, under each of the settings that the paper leaves open."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import product
from typing import NamedTuple

from har_llm.common.numbers import counted

PAPER_WINDOW = 10
"""Events in a window of the paper, on which its number of windows depends; independent of the `window` that is chosen."""


class Row(NamedTuple):
    """The properties of a row of data.csv that the settings depend on."""

    is_annotation: bool
    is_null: bool
    """Whether all its activities are of the null class."""


RowCounts = Counter[Row]
"""The rows of a session."""


class Variant(NamedTuple):
    """Settings that the paper leaves open and that change the number of windows."""

    annotation_rows: str
    null_class: str
    min_events: int

    def windows(self, sessions: Sequence[RowCounts]) -> int:
        return sum(self._windows_of(rows) for rows in sessions)

    def _windows_of(self, rows: RowCounts) -> int:
        full, rest = divmod(sum(count for row, count in rows.items() if self._keeps(row)), PAPER_WINDOW)
        return full + (rest >= self.min_events)

    def _keeps(self, row: Row) -> bool:
        dropped_annotation = row.is_annotation and self.annotation_rows == "dropped"
        return not dropped_annotation and not (row.is_null and self.null_class == "dropped")

    def __str__(self) -> str:
        shorter = f" window.min_events={self.min_events}" if self.min_events > 1 else ""
        return f"dataset.annotation_rows={self.annotation_rows} dataset.null_class={self.null_class}{shorter}"


VARIANTS = tuple(Variant(*chosen) for chosen in product(("dropped", "kept"), ("label", "dropped"), (1, 2)))
"""null_class=unscored is not listed: it gives the same windows as label."""


def compared(sessions: Sequence[RowCounts], variant: Variant, known: int) -> str | None:
    """How a variant's number of windows differs from the known one, and which variant is nearest; None where they agree."""
    found = variant.windows(sessions)
    if found == known:
        return None
    nearest = min(VARIANTS, key=lambda other: abs(other.windows(sessions) - known))
    closer = nearest.windows(sessions)
    if abs(closer - known) < abs(found - known):
        advice = f"{nearest} comes nearest, with {closer:,}"
    else:
        advice = "no other setting of annotation_rows, null_class and window.min_events comes nearer"
    windows = counted(found, "window")
    return f"{windows} of {PAPER_WINDOW} come out of the {len(sessions)} training sessions with {variant}; {advice}"
