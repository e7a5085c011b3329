"""Compares two runs on the same sessions: how much their scores differ, and whether that could be chance.

The units are sessions: the events of one session depend on each other, so that a test over events would find differences
significant that are not. Pure: knows no run directory.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from har_llm.scoring import intervals
from har_llm.scoring.intervals import DECIMALS

EXACT_SESSIONS = 18
"""Up to so many sessions, all sign flips are computed (2**18 take a second or two); with more, FLIPS random ones."""
FLIPS = 99_999
SIGNIFICANT = 0.05
SEED = 0
VALUES_AT_ONCE = 1_000_000
"""Bounds the memory of the test with very many sessions."""

SessionScores = Mapping[str, Mapping[str, float]]
"""By session, then by metric."""


@dataclass(frozen=True)
class SignFlipTest:
    """How p was computed."""

    name: str
    exact: bool
    """Whether all sign flips were computed."""
    flips: int
    """Number of flips."""


@dataclass(frozen=True)
class Difference:
    """The means of a metric over sessions, in two runs."""

    a: float
    b: float
    difference: float
    """B minus A."""
    ci95: tuple[float, float] | None
    """95 % confidence interval of the difference; None where intervals.py gives none."""
    p: float
    smallest_p: float
    """The smallest possible p with so many sessions that differ."""
    sessions_that_differ: int


@dataclass(frozen=True)
class Differences:
    sessions: int
    test: SignFlipTest
    metrics: Mapping[str, Difference]


def compare(a: SessionScores, b: SessionScores, metrics: Sequence[str]) -> Differences:
    """For each metric the mean difference with its interval and p. Raises ValueError where the sessions are not the same.

    The interval is Student's. p is that of a two-sided sign-flip test: if the runs are equally good, each
    session's difference is as likely to have the other sign.
    """
    if a.keys() != b.keys() or not a:
        raise ValueError(f"The runs have the sessions {sorted(a)} and {sorted(b)}; they must be the same, and not empty.")
    names = sorted(a)
    differences = [[b[name][metric] - a[name][metric] for name in names] for metric in metrics]
    exact = len(names) <= EXACT_SESSIONS
    test = SignFlipTest("sign flips of sessions, two-sided", exact, 2 ** len(names) if exact else FLIPS)
    return Differences(
        sessions=len(names),
        test=test,
        metrics={
            metric: Difference(
                a=statistics.fmean(a[name][metric] for name in names),
                b=statistics.fmean(b[name][metric] for name in names),
                difference=statistics.fmean(row),
                ci95=None if metric in intervals.WITHOUT else intervals.of_difference(row),
                p=p,
                smallest_p=smallest_p(sum(map(_differs, row))),
                sessions_that_differ=sum(map(_differs, row)),
            )
            for metric, row, p in zip(metrics, differences, _sign_flips(differences, test.flips), strict=True)
        },
    )


def smallest_p(sessions: int) -> float:
    """The smallest possible p with so many sessions that differ: when all differences have the same sign."""
    return float(min(1.0, 2 / 2**sessions))


def _differs(difference: float) -> bool:
    return round(difference, DECIMALS) != 0


def _sign_flips(differences: Sequence[Sequence[float]], flips: int) -> list[float]:
    """p of each row. All rows get the same sign flips: `flips` random ones, or all that there are if those are fewer."""
    import numpy
    from scipy.stats import permutation_test

    matrix = numpy.asarray(differences, dtype=float)
    sessions = matrix.shape[1]
    if sessions == 1:  # both signs are equally likely, and scipy refuses a single value
        return [1.0] * len(matrix)
    tested = permutation_test(
        (matrix,),
        lambda values, axis: numpy.round(values.mean(axis=axis), DECIMALS),
        permutation_type="samples",
        n_resamples=flips,
        batch=max(1, VALUES_AT_ONCE // matrix.size),
        axis=-1,
        rng=numpy.random.default_rng(SEED),
    )
    return [float(p) for p in tested.pvalue]
