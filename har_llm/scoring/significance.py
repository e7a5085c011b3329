"""Two runs on the same sessions: how much they differ, and whether that could be chance.

Sessions are what is compared: events of one session depend on each other, so a test over events would see evidence where
there is none. Pure: knows no run directory.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from har_llm.scoring.metrics import SEED, VALUES_AT_ONCE, interval

EXACT_SESSIONS = 18
"""With so many, all 2**18 ways to swap the runs are looked at, in a second or two; with more, FLIPS of them, drawn."""
FLIPS = 99_999
SIGNIFICANT = 0.05
DECIMALS = 12
"""Means that differ by less are equal: without this, 0.1 + 0.2 - 0.3 and its mirror image would not be."""

Scores = Mapping[str, Mapping[str, float]]
"""By session, then by metric."""


def compare(a: Scores, b: Scores, metrics: Sequence[str]) -> dict[str, Any]:
    """For each metric the mean difference, B minus A, with its interval and p, ready for JSON.

    The interval is by bootstrap over sessions. p is that of a two-sided sign-flip test: were the runs alike, each session's
    difference would have come out with the other sign as often.
    """
    if a.keys() != b.keys() or not a:
        raise ValueError(f"The runs have the sessions {sorted(a)} and {sorted(b)}; these must be the same, and some.")
    names = sorted(a)
    differences = [[b[name][metric] - a[name][metric] for name in names] for metric in metrics]
    chances = _sign_flips(differences)
    exact = len(names) <= EXACT_SESSIONS
    return {
        "sessions": len(names),
        "test": {"name": "sign flips of sessions, two-sided", "exact": exact, "flips": 2 ** len(names) if exact else FLIPS},
        "metrics": {
            metric: {
                "a": statistics.fmean(a[name][metric] for name in names),
                "b": statistics.fmean(b[name][metric] for name in names),
                "difference": statistics.fmean(row),
                "ci95": None if (limits := interval(row)) is None else list(limits),
                "p": chance,
                "smallest_p": smallest_p(sum(map(_differs, row))),
                "sessions_that_differ": sum(map(_differs, row)),
            }
            for metric, row, chance in zip(metrics, differences, chances, strict=True)
        },
    }


def smallest_p(sessions: int) -> float:
    """The least p that so many sessions with a difference can give: all of one sign, or all of the other."""
    return float(min(1.0, 2 / 2**sessions))


def _differs(difference: float) -> bool:
    return round(difference, DECIMALS) != 0


def _sign_flips(differences: Sequence[Sequence[float]]) -> list[float]:
    """p of each row. All rows are flipped alike; up to EXACT_SESSIONS sessions, in every way that there is."""
    import numpy
    from scipy.stats import permutation_test

    matrix = numpy.asarray(differences, dtype=float)
    sessions = matrix.shape[1]
    if sessions == 1:  # either sign is as likely, and scipy refuses a single one
        return [1.0] * len(matrix)
    tested = permutation_test(
        (matrix,),
        lambda values, axis: numpy.round(values.mean(axis=axis), DECIMALS),
        permutation_type="samples",
        n_resamples=2**sessions if sessions <= EXACT_SESSIONS else FLIPS,
        batch=max(1, VALUES_AT_ONCE // matrix.size),
        axis=-1,
        rng=numpy.random.default_rng(SEED),
    )
    return [float(p) for p in tested.pvalue]
