"""How often the 95 % intervals that har_llm prints contain the true mean over sessions, beside three other intervals.

    python benchmarks/bench_intervals.py [--trials 2000]

Simulated sessions: like MARBLE's (6 to 48 events, 3 to 9 of 14 activities) with a weak and a strong model, like MuRAL's
(60 to 400 events, 6 to 13 of 27 activities), and normally distributed scores. A model finds some activities of a session
better than others, confuses each with two, and misses some windows. A cell is the coverage of the intervals that are given,
in %, and in brackets the share of the trials that give one, if not all do. Goal: 93 to 97 in each.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy
from numpy.typing import NDArray
from scipy import stats
from timing import ROOT

sys.path.insert(0, str(ROOT))

from har_llm.scoring import intervals
from har_llm.scoring.metrics import ScoredEvent, score
from har_llm.scoring.names import METRICS

SESSIONS = (3, 4, 5, 6, 8, 10, 15, 20, 28, 30)
WINDOW = 10
Values = NDArray[numpy.float64]
Interval = Callable[[Sequence[float]], tuple[float, float] | None]


class Home(NamedTuple):
    """What sessions are drawn from."""

    sessions: int
    """So many are made, and the trials draw from them: their mean is the true one."""
    events: Sequence[int]
    """Of a session, one of these numbers."""
    activities: Sequence[int]
    """In a session, one of these numbers."""
    catalogue: int
    skill: tuple[float, float]
    """Of the beta distribution from which a session's share of right answers is drawn."""
    missed: float
    """Share of the windows that are missed."""


MARBLE = (range(6, 49, 2), (3, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9), 14)
HOMES = {
    "MARBLE, weak": Home(2000, *MARBLE, skill=(2, 3), missed=0.01),
    "MARBLE, strong": Home(2000, *MARBLE, skill=(6, 1.5), missed=0.02),
    "MuRAL": Home(800, range(60, 400), range(6, 14), 27, skill=(4, 4), missed=0.02),
}


def session(name: str, home: Home, rng: numpy.random.Generator) -> Iterator[ScoredEvent]:
    activities = rng.choice(home.catalogue, rng.choice(home.activities), replace=False)
    skill = rng.beta(*home.skill)
    found = {one: rng.beta(4 * skill + 0.05, 4 * (1 - skill) + 0.05) for one in activities}
    confused = {one: rng.choice(home.catalogue, 2) for one in activities}
    activity, missed = activities[0], False
    for place in range(rng.choice(home.events)):
        if rng.random() < 1 / 6:
            activity = rng.choice(activities)
        if place % WINDOW == 0:
            missed = rng.random() < home.missed
        said = activity if rng.random() < found[activity] else rng.choice(confused[activity])
        yield ScoredEvent(name, (int(activity),), None if missed else int(said), "truncated" if missed else None)


def scores_of(home: Home, rng: numpy.random.Generator) -> dict[str, Values]:
    """Each metric of every session."""
    events = [event for number in range(home.sessions) for event in session(f"{number:05}", home, rng)]
    sessions = score(events, {number: str(number) for number in range(home.catalogue)}).sessions.values()
    return {metric: numpy.array([one.score(metric) for one in sessions]) for metric in METRICS}


def student(values: Sequence[float]) -> tuple[float, float]:
    half = stats.t.ppf(0.975, len(values) - 1) * numpy.std(values, ddof=1) / len(values) ** 0.5
    return float(numpy.mean(values) - half), float(numpy.mean(values) + half)


def bootstrap(method: str) -> Interval:
    def interval(values: Sequence[float]) -> tuple[float, float]:
        found = stats.bootstrap((numpy.asarray(values),), numpy.mean, n_resamples=999, method=method, rng=0)
        return (float(found.confidence_interval.low), float(found.confidence_interval.high))

    return interval


def coverage(interval: Interval, values: Values, count: int, trials: int) -> str:
    """ "95 (97)": of the intervals given, 95 % contain the mean, and 97 % of the trials give one."""
    rng, true = numpy.random.default_rng(count), float(values.mean())
    found = [interval(rng.choice(values, count).tolist()) for _ in range(trials)]
    given = [limits for limits in found if limits is not None]
    right = sum(low <= true <= high for low, high in given)
    share = len(given) / trials
    return "-" if not given else f"{100 * right / len(given):.0f}" + (f" ({100 * share:.0f})" if share < 0.995 else "")


def line(name: str, cells: Sequence[str]) -> None:
    print(f"{name:58}" + "".join(f"{cell:>9}" for cell in cells), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=2000)
    trials = parser.parse_args().trials
    warnings.simplefilter("ignore")  # equal values have no BCa interval
    rng = numpy.random.default_rng(1)
    line("coverage in %, by number of sessions", [str(count) for count in SESSIONS])
    drawn = {name: scores_of(home, rng) for name, home in HOMES.items()}
    for name, scores in {**drawn, "normal": {"score": rng.normal(0.5, 0.1, 100_000)}}.items():
        for metric, values in scores.items():
            rows(name, metric, values, trials, rng)


def rows(name: str, metric: str, values: Values, trials: int, rng: numpy.random.Generator) -> None:
    if metric not in intervals.WITHOUT:
        difference = values - 0.7 * rng.permutation(values) - 0.3 * numpy.sort(values)  # to a run that is a little like it
        line(f"{name}, {metric}", [coverage(intervals.of_score, values, count, trials) for count in SESSIONS])
        line("    difference", [coverage(intervals.of_difference, difference, count, trials) for count in SESSIONS])
    if metric in ("f1_weighted", "missed", "score"):
        others = {"Student": student, "bootstrap": bootstrap("percentile"), "bootstrap, BCa": bootstrap("BCa")}
        for title, interval in others.items():
            line(f"    {metric}: {title}", [coverage(interval, values, count, trials // 10) for count in SESSIONS])


if __name__ == "__main__":
    main()
