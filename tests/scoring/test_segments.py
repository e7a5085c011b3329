"""Activities over time."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from hypothesis import given, settings
from hypothesis import strategies as st

from har_llm.scoring.segments import LONGEST_HOLD, Segment, holds, segments

EVENTS = st.lists(
    st.tuples(st.sampled_from([0, 1, 60, 3600, LONGEST_HOLD, LONGEST_HOLD + 1]), st.sets(st.integers(1, 3), max_size=2)),
    max_size=12,
)


def found(*activities: Sequence[int], every: float = 60) -> list[tuple[int, int, int, int, float, float]]:
    """Of events that follow each other after so many seconds: activity, first, last, events, start, end."""
    made = segments([place * every for place in range(len(activities))], activities)
    return [(one.activity, one.first, one.last, one.events, one.start, one.end) for one in made]


def test_an_activity_holds_until_the_next_event_and_no_longer_than_half_a_day() -> None:
    assert holds([0, 5, 5, 5 + LONGEST_HOLD + 1]) == [5, 0, LONGEST_HOLD, 0]
    assert holds([7]) == [0] and holds([]) == []


def test_consecutive_events_with_one_activity_are_a_segment() -> None:
    assert found((1,), (1,), (2,), (1,)) == [(1, 0, 1, 2, 0, 120), (2, 2, 2, 1, 120, 180), (1, 3, 3, 1, 180, 180)]


def test_an_event_without_an_activity_ends_no_segment_and_lengthens_none() -> None:
    assert found((), (1,), (), (1,), (), (2,), ()) == [(1, 1, 3, 2, 60, 240), (2, 5, 5, 1, 300, 360)]


def test_a_long_gap_ends_every_segment() -> None:
    assert found((1,), (1,), every=LONGEST_HOLD) == [(1, 0, 1, 2, 0, LONGEST_HOLD)]
    longer = LONGEST_HOLD + 1.0
    assert found((1,), (1,), every=longer) == [(1, 0, 0, 1, 0, LONGEST_HOLD), (1, 1, 1, 1, longer, longer)]


def test_segments_of_events_with_several_activities_overlap() -> None:
    assert found((1,), (2, 1), (2,)) == [(1, 0, 1, 2, 0, 120), (2, 1, 2, 2, 60, 120)]


@settings(max_examples=50)
@given(EVENTS)
def test_every_activity_of_every_event_is_in_one_segment(events: list[tuple[int, set[int]]]) -> None:
    seconds = list(accumulate(gap for gap, _ in events))
    activities = [sorted(mine) for _, mine in events]
    made = segments(seconds, activities)

    def holding(place: int, activity: int) -> list[Segment]:
        return [one for one in made if one.activity == activity and one.first <= place <= one.last]

    assert all(len(holding(place, one)) == 1 for place, mine in enumerate(activities) for one in mine)
    assert sum(one.events for one in made) == sum(map(len, activities))
    assert all(one.activity in activities[one.first] and one.activity in activities[one.last] for one in made)
    assert all(seconds[one.first] == one.start <= seconds[one.last] <= one.end for one in made)
