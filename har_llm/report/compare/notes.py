"""Says in sentences what may be concluded from a comparison of two runs, and what may not."""

from __future__ import annotations

from collections.abc import Iterator

from har_llm.common.numbers import counted, decimals, points
from har_llm.report.compare.pairing import Pairing
from har_llm.scoring.intervals import FEWEST
from har_llm.scoring.names import LOWER_IS_BETTER
from har_llm.scoring.significance import SIGNIFICANT, Difference, Differences, SignFlipTest, smallest_p

FEWEST_TO_TELL = next(sessions for sessions in range(1, 99) if smallest_p(sessions) <= SIGNIFICANT)
LEAST_SHOWN = 0.001
DISAGREE = (
    "The interval has no 0 in it and p is above 0.05, which may be so of few sessions; p, which assumes less, decides:"
)


def chance(p: float) -> str:
    return f"<{LEAST_SHOWN}" if p < LEAST_SHOWN else decimals(p, 3)


def verdict(found: Differences, headline: str) -> str:
    """The difference in the headline metric, and what it means."""
    return f"B - A in {headline}: {points(found.metrics[headline].difference)} points {certainty(found, headline, 'A', 'B')}"


def certainty(found: Differences, metric: str, a: str, b: str) -> str:
    """How certain the difference in a metric is, and what it means for the runs with these names. One session has no p: it
    would be 1 whatever the scores."""
    one = found.metrics[metric]
    interval = "" if one.ci95 is None else f"95 % interval {' to '.join(map(points, one.ci95))}, "
    p = "" if found.sessions == 1 else f"p < {chance(one.p)[1:]}, " if one.p < LEAST_SHOWN else f"p = {chance(one.p)}, "
    better = b if (one.difference > 0) != (metric == LOWER_IS_BETTER) else a
    return f"({interval}{p}{counted(found.sessions, 'session')}). {_conclusion(one, found.sessions, better)}"


def _conclusion(one: Difference, sessions: int, better: str) -> str:
    if one.sessions_that_differ == 0:
        return "The runs score the same in every session."
    if smallest_p(sessions) > SIGNIFICANT:
        return "These are too few sessions to tell."
    if one.p > SIGNIFICANT:
        conclusion = "he sessions do not show that either run is better, nor that they are equal."
        apart = one.ci95 is not None and not one.ci95[0] <= 0 <= one.ci95[1]
        return f"{DISAGREE} t{conclusion}" if apart else f"T{conclusion}"
    often = decimals(100 * one.p, 1) if one.p >= LEAST_SHOWN else f"less than {decimals(100 * LEAST_SHOWN, 1)}"
    return f"{better} is better: chance alone would give such a difference in {often} % of cases."


def notes(pairing: Pairing, found: Differences, headline: str) -> list[str]:
    return [
        *_about_sessions(found.metrics[headline], found.sessions),
        *_about_events(pairing),
        *_about_the_test(found.test),
    ]


def _about_sessions(one: Difference, sessions: int) -> Iterator[str]:
    if smallest_p(sessions) > SIGNIFICANT:
        yield (
            f"Too few sessions to tell: with {sessions}, p cannot be below {chance(smallest_p(sessions))}, however much the "
            f"runs differ. At least {FEWEST_TO_TELL} are needed for p = {SIGNIFICANT}."
        )
    elif one.sessions_that_differ and one.smallest_p > SIGNIFICANT:
        yield (
            f"The runs differ in {one.sessions_that_differ} of {counted(sessions, 'session')} only, so p cannot be below "
            f"{chance(one.smallest_p)}."
        )
    if sessions < FEWEST:
        yield f"An interval needs {FEWEST} sessions or more."
    elif one.ci95 is None and one.sessions_that_differ:
        yield (
            "There is no interval for missed events, nor where half of the sessions or more have the same difference: none "
            "that was tried holds there."
        )


def _about_events(pairing: Pairing) -> Iterator[str]:
    if any(pairing.left_out):
        yield (
            f"A scored {counted(pairing.left_out[0], 'event')} that B did not, and B {pairing.left_out[1]:,} that A did "
            f"not. Only the {len(pairing.events):,} that both scored are compared, so scores may differ from the runs' own."
        )
    catalogues = [set(run.metrics.activities) for run in (pairing.a, pairing.b)]
    if catalogues[0] != catalogues[1]:
        yield (
            f"The models chose among different activities ({len(catalogues[0])} in A, {len(catalogues[1])} in B); both runs "
            f"are scored on all of them."
        )
    null_class = {number for run in (pairing.a, pairing.b) for number in run.metrics.null_class}
    if null_class:
        how = "is left out of these scores" if null_class <= set(pairing.unscored) else "is scored as any activity"
        yield f"The null class {how} (dataset.null_class)."
    if any(len(event.gold) > 1 for event in pairing.events):
        yield "An event with several gold activities is counted under the first of them."


def _about_the_test(test: SignFlipTest) -> Iterator[str]:
    how = (
        f"all {test.flips:,} ways to swap A and B in sessions (exact)"
        if test.exact
        else f"{test.flips:,} ways to swap A and B in sessions, drawn at random with a fixed seed (Monte Carlo)"
    )
    yield f"p comes from a two-sided sign-flip test over sessions, which tries {how}."
    yield "Judge by the p of the headline metric only: of several metrics, one may have a small p by chance."
    yield "No test over events is given: events of one session depend on each other."
