"""Differences of two runs over sessions: worked out by hand, against scipy, and what holds for any runs."""

from __future__ import annotations

import itertools
import random

import numpy
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pytest import approx
from scipy.stats import permutation_test

from har_llm.scoring import significance
from har_llm.scoring.intervals import of_difference
from har_llm.scoring.significance import Difference, SignFlipTest, compare, smallest_p

ONE = ("accuracy",)


def scores(values: list[float]) -> dict[str, dict[str, float]]:
    return {f"s{number:02d}": {"accuracy": value} for number, value in enumerate(values)}


def difference(a: list[float], b: list[float]) -> Difference:
    return compare(scores(a), scores(b), ONE).metrics["accuracy"]


def test_one_direction_in_every_session_has_the_least_p_there_is() -> None:
    for sessions in range(1, 9):
        found = difference([0.1] * sessions, [0.1 + number / 100 for number in range(1, sessions + 1)])
        assert found.p == found.smallest_p == smallest_p(sessions) == min(1, 2 / 2**sessions)
        assert found.difference == approx((sessions + 1) / 200)
    assert smallest_p(5) > 0.05 >= smallest_p(6)


def test_a_p_worked_out_by_hand() -> None:
    # 1, 2, -4: the sums of the 8 ways to sign them are 7, 5, 3, 1 and their mirror images; none is nearer to 0 than this.
    assert difference([0, 0, 0.4], [0.1, 0.2, 0]).p == 1
    # -1, 1, 4: the sums are 6, 4, 4, 2 and their mirror images; as far from 0 as this one are 6 of 8.
    assert difference([0.1, 0, 0], [0, 0.1, 0.4]).p == approx(6 / 8)


def test_sums_that_are_equal_but_for_rounding_are_ties() -> None:
    assert 0.1 + 0.2 - 0.3 != 0
    found = difference([0, 0, 0.3], [0.1, 0.2, 0])
    assert found.p == 1 and found.difference == approx(0)


def test_sessions_without_a_difference_change_neither_p_nor_what_it_could_be() -> None:
    few = difference([0.1, 0.2, 0.3], [0.4, 0.4, 0.2])
    more = difference([0.1, 0.2, 0.3, 0.5, 0.6], [0.4, 0.4, 0.2, 0.5, 0.6])
    assert more.p == approx(few.p)
    assert more.smallest_p == few.smallest_p == 0.25
    assert (more.sessions_that_differ, few.sessions_that_differ) == (3, 3)


def test_equal_runs() -> None:
    for sessions in (1, 2, 7, 25):
        values = [number / 30 for number in range(sessions)]
        found = difference(values, values)
        assert (found.p, found.difference, found.smallest_p) == (1, 0, 1)
        assert found.ci95 is None


def test_the_interval_is_that_of_the_scores_of_a_single_run() -> None:
    a, b = [0.1, 0.2, 0.3, 0.4], [0.3, 0.1, 0.4, 0.9]
    assert difference(a, b).ci95 == of_difference([y - x for x, y in zip(a, b, strict=True)])


def test_all_metrics_are_flipped_alike_and_each_has_its_own_p() -> None:
    a = {name: {"accuracy": 0.0, "missed": 0.0} for name in "abcdef"}
    b = {name: {"accuracy": 0.1, "missed": 0.1 if name < "d" else -0.1} for name in "abcdef"}
    found = compare(a, b, ("accuracy", "missed")).metrics
    assert found["accuracy"].p == approx(2 / 64)
    assert found["missed"].p == 1


def test_many_sessions_are_drawn_and_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    values = [0.3, 0.1, -0.2, 0.05, 0.25, 0.2, -0.1, 0.15, 0.1, 0.3]
    exact = compare(scores([0.0] * 10), scores(values), ONE)
    assert exact.test == SignFlipTest("sign flips of sessions, two-sided", exact=True, flips=1024)
    monkeypatch.setattr(significance, "EXACT_SESSIONS", 9)
    monkeypatch.setattr(significance, "FLIPS", 999)
    drawn = compare(scores([0.0] * 10), scores(values), ONE)
    assert drawn.test == SignFlipTest("sign flips of sessions, two-sided", exact=False, flips=999)
    p = drawn.metrics["accuracy"].p
    assert p == approx(exact.metrics["accuracy"].p, abs=0.03)
    assert (p / 2 * 1000) == approx(round(p / 2 * 1000)), "(k + 1) / (n + 1), on both sides"
    assert drawn == compare(scores([0.0] * 10), scores(values), ONE), "drawn alike every time"


def test_drawn_flips_never_give_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(significance, "FLIPS", 999)
    assert difference([0.0] * 40, [0.5] * 40).p == approx(2 / 1000)


@pytest.mark.slow
def test_as_many_sessions_as_are_exact_are_enumerated_within_seconds() -> None:
    values = [((number * 7) % 11 - 4) / 50 for number in range(significance.EXACT_SESSIONS)]
    found = compare(scores([0.0] * len(values)), scores(values), ONE)
    assert found.test.exact and found.test.flips == 2**significance.EXACT_SESSIONS
    assert found.metrics["accuracy"].p * 2**significance.EXACT_SESSIONS % 1 == 0


@pytest.mark.parametrize(("a", "b"), [({}, {}), (scores([0.1]), scores([0.1, 0.2]))])
def test_other_sessions_cannot_be_paired(a: significance.SessionScores, b: significance.SessionScores) -> None:
    with pytest.raises(ValueError, match="must be the same"):
        compare(a, b, ONE)


FRACTIONS = st.integers(0, 100).map(lambda percent: percent / 100)
PAIRS = st.lists(st.tuples(FRACTIONS, FRACTIONS), min_size=1, max_size=9)
LIGHT = settings(max_examples=25, deadline=None)


@LIGHT
@given(PAIRS)
def test_p_is_the_share_of_flips_that_differ_as_much(pairs: list[tuple[float, float]]) -> None:
    """Counted one by one in whole hundredths, so without any rounding."""
    found = difference([a for a, _ in pairs], [b for _, b in pairs])
    whole = [round(100 * b) - round(100 * a) for a, b in pairs]
    sums = [
        sum(sign * d for sign, d in zip(signs, whole, strict=True))
        for signs in itertools.product((1, -1), repeat=len(whole))
    ]
    assert found.p == approx(sum(abs(one) >= abs(sum(whole)) for one in sums) / len(sums))
    assert found.p >= found.smallest_p - 1e-12


@LIGHT
@given(st.lists(st.integers(-(10**6), 10**6), min_size=2, max_size=10, unique_by=abs))
@example([0, 531250, 515625, 437500, -855469, -724609, 898438, 328125, -734375, -390625])
def test_p_is_scipys(millionths: list[int]) -> None:
    """Of whole numbers, whose sums are exact: of fractions, scipy tells sums apart that differ by rounding alone."""
    expected = permutation_test(
        (numpy.asarray(millionths, dtype=float),),
        numpy.mean,
        permutation_type="samples",
        n_resamples=2 ** len(millionths),
    ).pvalue
    values = [one / 10**6 for one in millionths]
    assert difference([0.0] * len(values), values).p == approx(float(expected))


@LIGHT
@given(PAIRS)
def test_swapping_the_runs_swaps_the_sign_alone(pairs: list[tuple[float, float]]) -> None:
    a, b = [one for one, _ in pairs], [two for _, two in pairs]
    there, back = difference(a, b), difference(b, a)
    assert back.p == approx(there.p) and back.difference == approx(-there.difference)
    if there.ci95 is None or back.ci95 is None:
        assert there.ci95 == back.ci95
    else:
        assert back.ci95 == approx([-limit for limit in reversed(there.ci95)])


@LIGHT
@given(PAIRS, st.randoms())
def test_the_order_of_the_sessions_does_not_matter(pairs: list[tuple[float, float]], chance: random.Random) -> None:
    a, b = scores([one for one, _ in pairs]), scores([two for _, two in pairs])
    names = list(a)
    chance.shuffle(names)
    assert compare({name: a[name] for name in names}, b, ONE) == compare(a, b, ONE)
