"""Times of day without a date are put on one line of time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from har_llm.data.datasets.mural_times import SessionClock
from har_llm.data.records import DAY_SECONDS


@given(st.lists(st.integers(0, DAY_SECONDS // 2 - 61), min_size=1, max_size=30))
def test_clock_follows_any_steps_shorter_than_half_a_day(steps: list[int]) -> None:
    clock, moment = SessionClock(60), 5 * 3600
    assert clock.at(moment) == (moment, 0)
    for step in steps:
        moment += step
        assert clock.at(moment % DAY_SECONDS) == (moment, 0)
