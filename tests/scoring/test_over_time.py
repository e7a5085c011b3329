"""Scores by time, worked out by hand."""

from __future__ import annotations

from dataclasses import asdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from har_llm.scoring.over_time import OverTime, TimedEvent, over_time, together
from har_llm.scoring.segments import LONGEST_HOLD
from har_llm.scoring.ward import FALSE_POSITIVE

ACTIVITIES = (0, 1, 2)


def scored(*events: tuple[float, tuple[int, ...], int | None], null_class: tuple[int, ...] = ()) -> OverTime:
    return over_time([[TimedEvent(*event) for event in events]], ACTIVITIES, null_class)


def test_an_event_counts_as_long_as_it_holds() -> None:
    # 60 s of 1 found, 20 s of it taken for 2, 100 s of 2 missed, 20 s of 2 found; the last event counts nothing
    found = scored((0, (1,), 1), (60, (1,), 2), (80, (2,), None), (180, (2,), 2), (200, (1,), 2))
    assert (found.seconds, found.accuracy) == (200, pytest.approx(80 / 200))
    assert found.confusion == [[0, 0, 0, 0], [0, 60, 20, 0], [0, 0, 20, 100]]
    one, two = 2 * 60 / (80 + 60), 2 * 20 / (120 + 40)
    assert found.f1_macro_gold == pytest.approx((one + two) / 2)
    assert found.f1_weighted == pytest.approx((80 * one + 120 * two) / 200)
    assert found.errors.seconds == {"right": 80, "underfill": 120, "insertion": 20, "deletion": 0, "overfill": 0}


def test_transitions_need_both_events_right() -> None:
    found = scored((0, (1,), 1), (1, (2,), 2), (2, (1,), 2), (3, (1,), 1), (4, (), 1), (5, (2,), 2))
    assert (found.transitions, found.right_transitions, found.transition_accuracy) == (2, 1, 0.5)
    assert scored((0, (1,), 1)).transition_accuracy is None


def test_of_several_gold_activities_any_is_right() -> None:
    found = scored((0, (1, 2), 2), (10, (1, 2), 0), (20, (1,), 1))
    assert found.confusion == [[0, 0, 0, 0], [10, 0, 0, 0], [0, 0, 10, 0]]
    assert found.several_gold == 2


def test_time_that_is_not_scored_belongs_to_no_activity() -> None:
    found = scored((0, (1,), 1), (10, (), 1), (20, (1,), 1), (30, (1,), 1))
    assert found.seconds == 20 and found.errors.gold == {"correct": 2}
    far = 30 + LONGEST_HOLD + 1
    gapped = scored((0, (1,), 1), (30, (1,), 1), (far, (1,), 1), (far + 5, (1,), 1))
    assert gapped.seconds == 30 + LONGEST_HOLD + 5 and gapped.errors.gold == {"correct": 2}


def test_the_null_class_is_scored_and_is_no_segment() -> None:
    found = scored((0, (0,), 0), (10, (1,), 0), (20, (1,), 1), (30, (0,), 1), null_class=(0,))
    assert found.accuracy == pytest.approx(20 / 30)
    assert found.errors.seconds == {"underfill": 10, "right": 10, "overfill": 0}
    assert set(FALSE_POSITIVE) & set(found.errors.seconds) == {"overfill"}


def test_without_any_time_there_is_no_score() -> None:
    found = scored((0, (1,), 1))
    assert (found.seconds, found.accuracy, found.f1_weighted, found.f1_macro_gold) == (0, None, None, None)


EVENTS = st.lists(
    st.tuples(st.integers(0, 100), st.sampled_from([(), (0,), (1,), (2,), (1, 2)]), st.sampled_from([None, 0, 1, 2])),
    max_size=10,
)


@settings(max_examples=30)
@given(st.lists(EVENTS, min_size=1, max_size=3))
def test_runs_on_different_sessions_put_together(sessions: list[list[tuple[int, tuple[int, ...], int | None]]]) -> None:
    timed = [
        [TimedEvent(second, gold, said) for second, (_, gold, said) in zip(sorted(s for s, _, _ in one), one, strict=True)]
        for one in sessions
    ]
    parts = [over_time([session], ACTIVITIES) for session in timed]
    assert asdict(together(parts)) == asdict(over_time(timed, ACTIVITIES))
