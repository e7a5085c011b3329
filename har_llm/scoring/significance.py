"""Compares two runs on the same sessions: how much their scores differ, and whether that could be chance.

The units are sessions: the events of one session depend on each other, so that a test over events would find differences
significant that are not. Pure: knows no run directory.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from har_llm.scoring import intervals
from har_llm.scoring.intervals import DECIMALS

EXACT_SESSIONS = 18
"""Up to so many sessions, all sign flips are computed; with more, FLIPS random ones."""
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
    """p of each row. All rows get the same sign flips: `flips` random ones, or all that there are if those are as many.

    As scipy.stats.permutation_test computes it; the import of scipy.stats takes longer than to draw all figures of a report.
    """
    import numpy

    matrix = numpy.asarray(differences, dtype=float)
    rows, sessions = matrix.shape
    exact = flips == 2**sessions
    observed = numpy.round(matrix.mean(axis=1), DECIMALS)
    as_low, as_high = numpy.zeros(rows), numpy.zeros(rows)
    for signs in _signs(sessions, flips, max(1, VALUES_AT_ONCE // matrix.size), exact=exact):
        means = numpy.round(signs @ matrix.T / sessions, DECIMALS)
        as_low += numpy.count_nonzero(means <= observed, axis=0)
        as_high += numpy.count_nonzero(means >= observed, axis=0)
    itself = 0 if exact else 1  # the runs as they are: one of all flips, but not among random ones
    return [min(1.0, float(p)) for p in 2 * (numpy.minimum(as_low, as_high) + itself) / (flips + itself)]


def _signs(sessions: int, flips: int, at_once: int, *, exact: bool) -> Iterator[Any]:
    """Arrays of 1 and -1, a row for each flip and a column for each session."""
    import numpy

    if exact:
        for start in range(0, flips, at_once):
            numbers = numpy.arange(start, min(start + at_once, flips))
            yield 1.0 - 2 * (numbers[:, None] >> numpy.arange(sessions) & 1)
        return
    rng = numpy.random.default_rng(SEED)
    pairs = numpy.tile(numpy.arange(2), (min(at_once, flips), sessions, 1))
    for start in range(0, flips, len(pairs)):
        yield 1.0 - 2 * rng.permuted(pairs, axis=-1)[: flips - start, :, 0]  # in the order of scipy's
