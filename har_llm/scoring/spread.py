"""The mean of a value over sessions, and how far sessions are spread."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Spread:
    """The spread of a value over sessions."""

    mean: float | None
    std: float | None
    """Sample standard deviation (n-1); None for one session."""


def spread(values: Sequence[float | None]) -> Spread:
    """Of the values that are known; None where too few are."""
    known = [value for value in values if value is not None]
    return Spread(
        mean=statistics.fmean(known) if known else None,
        std=statistics.stdev(known) if len(known) > 1 else None,
    )
