"""Two runs on the same sessions: how much they differ, and whether that could be chance.

Sessions are what is compared: events of one session depend on each other, so a test over events would see evidence where
there is none. Pure: knows no run directory.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from har_llm.scoring.metrics import SEED, VALUES_AT_ONCE, interval

EXACT_SESSIONS = 18
"""With so many, all 2**18 ways to swap the runs are looked at, in a second or two; with more, FLIPS of them, drawn."""
FLIPS = 99_999
SIGNIFICANT = 0.05
DECIMALS = 12
"""Means that differ by less are equal: without this, 0.1 + 0.2 - 0.3 and its mirror image would not be."""

Scores = Mapping[str, Mapping[str, float]]
"""By session, then by metric."""


@dataclass(frozen=True)
class SignFlipTest:
    """How p was worked out."""

    name: str
    exact: bool
    """Whether every way to swap the runs was looked at."""
    flips: int
    """How many were."""


@dataclass(frozen=True)
class Difference:
    """A metric of two runs, in the mean over sessions."""

    a: float
    b: float
    difference: float
    """B minus A."""
    ci95: tuple[float, float] | None
    """Where the difference lies with 95 % confidence; None for few sessions."""
    p: float
    smallest_p: float
    """The least that so many sessions with a difference can give."""
    sessions_that_differ: int


@dataclass(frozen=True)
class Differences:
    sessions: int
    test: SignFlipTest
    metrics: Mapping[str, Difference]


def compare(a: Scores, b: Scores, metrics: Sequence[str]) -> Differences:
    """For each metric the mean difference with its interval and p. Raises ValueError where the sessions are not the same.

    The interval is by bootstrap over sessions. p is that of a two-sided sign-flip test: were the runs alike, each session's
    difference would have come out with the other sign as often.
    """
    if a.keys() != b.keys() or not a:
        raise ValueError(f"The runs have the sessions {sorted(a)} and {sorted(b)}; these must be the same, and some.")
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
                ci95=interval(row),
                p=p,
                smallest_p=smallest_p(sum(map(_differs, row))),
                sessions_that_differ=sum(map(_differs, row)),
            )
            for metric, row, p in zip(metrics, differences, _sign_flips(differences, test.flips), strict=True)
        },
    )


def smallest_p(sessions: int) -> float:
    """The least p that so many sessions with a difference can give: all of one sign, or all of the other."""
    return float(min(1.0, 2 / 2**sessions))


def _differs(difference: float) -> bool:
    return round(difference, DECIMALS) != 0


def _sign_flips(differences: Sequence[Sequence[float]], flips: int) -> list[float]:
    """p of each row, from so many flips; all rows are flipped alike."""
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
        n_resamples=flips,
        batch=max(1, VALUES_AT_ONCE // matrix.size),
        axis=-1,
        rng=numpy.random.default_rng(SEED),
    )
    return [float(p) for p in tested.pvalue]
