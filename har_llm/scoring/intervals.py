"""95 % confidence intervals of a mean over sessions, also over few; benchmarks/bench_intervals.py measures their coverage.

A difference has Student's t interval, within -1 and 1. A score, which is from 0 to 1, has that of the log odds of its mean
(by the delta method): this allows for the skew of scores near 0 or 1, and does not leave their range.
"""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Sequence

FEWEST = 3
"""Fewer sessions cannot show how sessions vary."""
WITHOUT = ("missed",)
"""Metrics without an interval: most sessions miss nothing and a few much, and no interval that was tried holds there."""
CONFIDENCE = 0.95
DECIMALS = 12
"""Values that differ by less are equal, because of rounding: 0.1 + 0.2 - 0.3 is not 0 in floating point."""


def of_difference(values: Sequence[float]) -> tuple[float, float] | None:
    """The interval of the mean of these values from -1 to 1, one a session; None where they are too few or too equal.

    It ends where no difference can lie beyond, which takes nothing from its coverage.
    """
    half = _half_width(values)
    if half is None:
        return None
    mean = statistics.fmean(values)
    return max(mean - half, -1.0), min(mean + half, 1.0)


def of_score(values: Sequence[float]) -> tuple[float, float] | None:
    """The same for values from 0 to 1, within them."""
    half = _half_width(values)
    if half is None:
        return None
    mean = statistics.fmean(values)
    odds, step = mean / (1 - mean), math.exp(half / (mean * (1 - mean)))
    return odds / (odds + step), odds * step / (odds * step + 1)


def _half_width(values: Sequence[float]) -> float | None:
    """Half the width of Student's interval; None for few values, or where half are equal, so that the rest decide alone."""
    count = len(values)
    if count < FEWEST or 2 * max(Counter(round(value, DECIMALS) for value in values).values()) >= count:
        return None
    from scipy.special import stdtrit

    return float(stdtrit(count - 1, (1 + CONFIDENCE) / 2)) * statistics.stdev(values) / math.sqrt(count)
