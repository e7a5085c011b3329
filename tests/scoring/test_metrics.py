"""Scores worked out by hand, and what holds for any scores."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter
from pytest import approx
from sklearn.metrics import f1_score

from har_llm.scoring.intervals import of_score
from har_llm.scoring.metrics import (
    ClassScores,
    Confusion,
    Measures,
    ScoredEvent,
    Scores,
    SessionMean,
    Spread,
    score,
    score_all,
    together,
)
from har_llm.scoring.names import METRICS
from har_llm.scoring.prediction import CAUSES

ACTIVITIES = {0: "others", 1: "cooking", 2: "eating", 3: "sleeping"}
pytestmark = pytest.mark.filterwarnings("error")  # a warning of scikit-learn would mean that labels were not passed


def events(*pairs: tuple[int | tuple[int, ...], int | str], session: str = "a") -> list[ScoredEvent]:
    """From (gold, predicted) or (gold, cause of the miss)."""
    return [
        ScoredEvent(
            session,
            gold if isinstance(gold, tuple) else (gold,),
            None if isinstance(said, str) else said,
            said if isinstance(said, str) else None,
        )
        for gold, said in pairs
    ]


def pooled(*pairs: tuple[int | tuple[int, ...], int | str], null_class: tuple[int, ...] = ()) -> Measures:
    return score(events(*pairs), ACTIVITIES, null_class).pooled


def test_each_average_worked_out_by_hand() -> None:
    # cooking: 3 of 4 found and nothing else called so; eating: 1 of 2 found, 1 of 2 right; sleeping: predicted, never gold
    values = pooled((1, 1), (1, 1), (1, 2), (2, 2), (1, 1), (2, 3))
    cooking, eating = 2 * 1 * 0.75 / (1 + 0.75), 2 * 0.5 * 0.5 / (0.5 + 0.5)
    assert values.f1_macro_gold == approx((cooking + eating) / 2)
    assert values.f1_macro_union == approx((cooking + eating + 0) / 3)
    assert values.f1_macro_catalogue == approx((cooking + eating + 0 + 0) / 4)
    assert values.f1_weighted == approx((4 * cooking + 2 * eating) / 6)
    assert values.f1_micro_gold == approx(2 * 4 / (2 * 4 + 1 + 2))  # calling eating sleeping is only missed eating here
    assert values.f1_micro_catalogue == values.accuracy == approx(4 / 6)
    assert values.missed == 0
    assert values.events == 6


def test_the_choice_of_averaged_labels_alone_moves_macro_f1() -> None:
    catalogue = {number: f"activity {number}" for number in range(32)}
    stray = [ScoredEvent("a", (1,), number, None) for number in range(10, 14)]
    values = score([*(ScoredEvent("a", (1,), 1, None) for _ in range(46)), *stray], catalogue).pooled
    f1 = 2 * 46 / (2 * 46 + 4)
    assert values.f1_macro_gold == approx(f1) and f1 > 0.95
    assert values.f1_macro_union == approx(f1 / 5)
    assert values.f1_macro_catalogue == approx(f1 / 32) and f1 / 32 < 0.04


def test_a_missed_event_is_a_false_negative_and_no_class() -> None:
    values = pooled((1, 1), (1, "omitted"), (2, 2), (2, "truncated"))
    assert values.f1_macro_gold == values.f1_macro_union == approx(2 / 3)  # P 1, R 1/2; a class more would lower it
    assert values.f1_micro_gold == values.f1_micro_catalogue == approx(2 * 2 / (2 * 2 + 0 + 2))
    assert values.accuracy == values.missed == 0.5
    assert values.missed_by_cause == {**dict.fromkeys(CAUSES, 0.0), "omitted": 0.25, "truncated": 0.25}


def test_missed_events_are_a_class_in_the_plain_average_alone() -> None:
    gold, said = [1, 1, 2, 3], [1, 2, 2, "malformed"]
    values = pooled(*zip(gold, said, strict=True))
    label = [-1 if one == "malformed" else one for one in said]
    assert values.f1_macro_plain == approx(f1_score(gold, label, average="macro", zero_division=0)) == approx(4 / 3 / 4)
    assert values.f1_macro_union == approx(4 / 3 / 3)
    whole = pooled((1, 1), (2, 1))
    assert whole.f1_macro_plain == whole.f1_macro_union


def test_all_missed() -> None:
    scores = score(events(*[(number % 4, "no_answer") for number in range(25)]), ACTIVITIES)
    assert {scores.pooled.score(metric) for metric in METRICS} == {0.0, 1.0}
    assert scores.pooled.missed == 1
    assert [row[-1] for row in scores.confusion.matrix] == [7, 6, 6, 6]


def test_any_of_several_gold_activities_is_right() -> None:
    assert pooled(((1, 2), 2), ((1, 2), 1)).accuracy == 1
    rows = score(events(((1, 2), 2), ((1, 2), 3), ((2, 1), "malformed")), ACTIVITIES).per_class
    # The first counts for eating, which was predicted; the others for the first of theirs: cooking, eating.
    assert {row.activity: row.support for row in rows} == {0: 0, 1: 1, 2: 2, 3: 0}
    assert {row.activity: row.recall for row in rows} == {0: 0, 1: 0, 2: 0.5, 3: 0}


def test_mean_and_spread_are_over_sessions_not_events() -> None:
    scores = score(
        events((1, 1), session="a") + events((1, 2), (1, 3), (1, 2), session="b") + events((1, 1), (1, 2), session="c"),
        ACTIVITIES,
    )
    accuracy = scores.mean["accuracy"]
    assert accuracy.mean == approx(0.5)
    assert accuracy.std == approx(0.5)  # of 1, 0 and 0.5 with n-1; with n it would be 0.408
    assert accuracy.sessions == 3
    assert accuracy.ci95 == of_score([1, 0, 0.5])
    assert scores.mean["missed"].ci95 is None
    assert scores.pooled.accuracy == approx(2 / 6)
    assert list(scores.sessions) == ["a", "b", "c"]
    assert scores.sessions["b"].events == 3


def test_few_sessions_have_no_interval_and_one_has_no_spread() -> None:
    one = events((1, 1), session="a")
    assert score(one, ACTIVITIES).mean["accuracy"] == SessionMean(mean=1, std=None, ci95=None, sessions=1)
    two = score(one + events((1, 2), session="b"), ACTIVITIES)
    assert two.mean["accuracy"] == SessionMean(mean=0.5, std=approx(0.5**0.5), ci95=None, sessions=2)
    assert two.missed_by_cause["omitted"] == Spread(mean=0, std=0)


def test_per_class_and_confusion() -> None:
    scores = score(events((1, 1), (1, 2), (2, 2), (3, "omitted"), (1, 1)), ACTIVITIES)
    assert scores.per_class[1] == ClassScores(
        activity=1, name="cooking", precision=1, recall=approx(2 / 3), f1=approx(0.8), support=3, predicted=2
    )
    assert scores.confusion == Confusion(
        activities=[0, 1, 2, 3], matrix=[[0, 0, 0, 0, 0], [0, 2, 1, 0, 0], [0, 0, 1, 0, 0], [0, 0, 0, 0, 1]]
    )


def test_with_and_without_the_null_class() -> None:
    scores = score_all(events((0, 0), (0, 0), (1, 1), (1, 0), (0, 1)), ACTIVITIES, null_class=(0,))
    assert scores.unscored_events == 0
    assert scores.all.pooled.events == 5
    assert scores.all.pooled.accuracy == approx(3 / 5)
    without = scores.without_null_class
    assert without is not None
    assert without.pooled.events == 2
    assert without.pooled.accuracy == 0.5
    assert without.pooled.f1_macro_union == approx(2 / 3)  # cooking alone, though others was predicted
    assert without.pooled.f1_macro_catalogue == approx(2 / 3 / 3)
    assert [row.activity for row in without.per_class] == [1, 2, 3]
    assert without.confusion.matrix[1] == [1, 1, 0, 0, 0]
    assert score_all(events((1, 1)), ACTIVITIES).without_null_class is None


def test_the_null_class_beside_another_gold_activity_is_no_right_answer_without_it() -> None:
    scores = score_all(events(((0, 1), 0), ((0, 1), 1)), ACTIVITIES, null_class=[0])
    assert scores.all.pooled.accuracy == 1
    assert scores.variants["without_null_class"].pooled.accuracy == 0.5


def test_unscored_activities_are_counted_and_left_out() -> None:
    scores = score_all(events((3, 3), ((), 1), ((3, 1), 1), (0, 0), (1, 3)), ACTIVITIES, null_class=[0], unscored=[3])
    assert (scores.unscored_events, scores.unlabelled_events) == (1, 1)
    assert scores.all.pooled.events == 3
    assert scores.variants["without_null_class"].pooled.events == 2
    assert [row.activity for row in scores.all.per_class] == [0, 1, 2]


def test_no_events_give_no_scores() -> None:
    scores = score_all([], ACTIVITIES, null_class=[0])
    assert len(scores.variants) == 2
    for part in scores.variants.values():
        assert part.sessions == {}
        assert part.pooled == Measures(events=0, **dict.fromkeys(METRICS), missed_by_cause=dict.fromkeys(CAUSES))
        assert part.mean["f1_weighted"] == SessionMean(mean=None, std=None, ci95=None, sessions=0)
        assert part.missed_by_cause["omitted"] == Spread(mean=None, std=None)
        assert part.per_class == []
    assert score([], {}).confusion == Confusion(activities=[], matrix=[])


@pytest.mark.parametrize(
    "event", [ScoredEvent("a", (9,), 1, None), ScoredEvent("a", (1,), 9, None), ScoredEvent("a", (1,), None, "tired")]
)
def test_events_that_cannot_be_scored_are_refused(event: ScoredEvent) -> None:
    with pytest.raises(ValueError, match="ScoredEvent"):
        score([event], ACTIVITIES)


NUMBERS = st.sampled_from(sorted(ACTIVITIES))
GOLD = st.lists(NUMBERS, min_size=1, max_size=2, unique=True).map(tuple)
SESSIONS = st.sampled_from(["a", "b", "c", "d"])
PREDICTED = st.builds(ScoredEvent, SESSIONS, GOLD, NUMBERS, st.none())
MISSED = st.builds(ScoredEvent, SESSIONS, GOLD, st.none(), st.sampled_from(CAUSES))
SCORES = TypeAdapter(Scores)
LIGHT = settings(max_examples=15, deadline=None)


@LIGHT
@given(st.lists(st.one_of(PREDICTED, MISSED), max_size=30))
def test_scores_are_fractions_and_events_are_conserved(scored: list[ScoredEvent]) -> None:
    scores = score(scored, ACTIVITIES)
    for values in [*map(asdict, scores.sessions.values()), asdict(scores.pooled)] if scored else []:
        assert all(0 <= values[metric] <= 1 for metric in METRICS)
        assert sum(values["missed_by_cause"].values()) == approx(values["missed"])
        assert values["f1_macro_catalogue"] <= values["f1_macro_union"] + 1e-12 <= values["f1_macro_gold"] + 2e-12
    for statistic in map(asdict, scores.mean.values()):
        low, high = statistic["ci95"] or (statistic["mean"],) * 2
        assert low is None or low <= statistic["mean"] + 1e-12 <= high + 2e-12
    assert sum(map(sum, scores.confusion.matrix)) == len(scored)
    assert sum(values.events for values in scores.sessions.values()) == len(scored)
    assert sum(row.support for row in scores.per_class) == len(scored)
    written = json.dumps(SCORES.dump_python(scores, mode="json"), allow_nan=False)
    assert SCORES.validate_python(json.loads(written)) == scores


@LIGHT
@given(st.lists(PREDICTED, min_size=1, max_size=30))
def test_each_average_is_that_of_scikit_learn(scored: list[ScoredEvent]) -> None:
    predicted = [event.predicted for event in scored]
    gold = [event.predicted if event.predicted in event.gold else event.gold[0] for event in scored]
    labels = {"gold": sorted(set(gold)), "union": sorted({*gold, *predicted}), "catalogue": list(ACTIVITIES)}
    values = score(scored, ACTIVITIES).pooled
    for metric in ("f1_macro_gold", "f1_macro_union", "f1_macro_catalogue", "f1_micro_gold", "f1_micro_catalogue"):
        _, average, over = metric.split("_")
        expected = f1_score(gold, predicted, labels=labels[over], average=average, zero_division=0)
        assert values.score(metric) == approx(expected, abs=1e-12)
    assert values.f1_weighted == approx(
        f1_score(gold, predicted, labels=labels["gold"], average="weighted", zero_division=0)
    )


@LIGHT
@given(st.lists(PREDICTED, min_size=1, max_size=30))
def test_micro_f1_over_the_catalogue_is_accuracy_when_nothing_is_missed(scored: list[ScoredEvent]) -> None:
    """With several gold activities too, as each event is counted under one of them."""
    for values in score(scored, ACTIVITIES).sessions.values():
        assert values.f1_micro_catalogue == approx(values.accuracy)


@LIGHT
@given(st.lists(PREDICTED, min_size=1, max_size=30))
def test_perfect_predictions_score_one(scored: list[ScoredEvent]) -> None:
    scores = score([event._replace(predicted=event.gold[-1]) for event in scored], ACTIVITIES)
    for metric in METRICS:
        if metric not in ("missed", "f1_macro_catalogue"):
            assert scores.mean[metric].mean == scores.pooled.score(metric) == 1
    assert scores.pooled.missed == 0


@pytest.mark.slow
@LIGHT
@given(st.lists(st.one_of(PREDICTED, MISSED), max_size=20), st.randoms())
def test_order_does_not_matter(scored: list[ScoredEvent], random: Any) -> None:
    shuffled = list(scored)
    random.shuffle(shuffled)
    assert score(shuffled, ACTIVITIES) == score(scored, ACTIVITIES)


OUTCOMES = st.tuples(st.integers(0, 3), st.sampled_from([0, 1, 2, 3, *CAUSES]))


@settings(max_examples=30)
@given(st.lists(st.lists(OUTCOMES, min_size=1, max_size=6), min_size=1, max_size=4), st.booleans())
def test_scores_of_different_sessions_put_together_are_those_of_all_of_them(
    sessions: list[list[tuple[int, int | str]]], without: bool
) -> None:
    held = [events(*pairs, session=f"s{number}") for number, pairs in enumerate(sessions)]
    null_class = (0,) if without else ()
    parts = [score(one, ACTIVITIES, null_class) for one in held]
    whole = asdict(score([event for one in held for event in one], ACTIVITIES, null_class))
    made = asdict(together(parts, ACTIVITIES))
    if not any(one.per_class for one in parts):  # no event is scored, so nobody knows what would be averaged
        assert made["pooled"]["events"] == 0
        return
    assert json.loads(json.dumps(made)) == approx_like(json.loads(json.dumps(whole)))


def approx_like(values: Any) -> Any:
    """The same with floats that are nearly equal, because sums have another order."""
    if isinstance(values, dict):
        return {key: approx_like(value) for key, value in values.items()}
    if isinstance(values, list):
        return [approx_like(value) for value in values]
    return approx(values) if isinstance(values, float) else values


def test_a_session_in_two_scores_is_not_counted_twice() -> None:
    one = score(events((1, 1)), ACTIVITIES)
    with pytest.raises(ValueError, match="A session is in two of the scores"):
        together([one, one], ACTIVITIES)
