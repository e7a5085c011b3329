"""Activities at a time, and in pieces."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from har_llm.data.datasets.timeline import Timeline, apart

SPANS = st.lists(
    st.tuples(st.integers(0, 20), st.integers(0, 20), st.integers(1, 3)).map(
        lambda one: (min(one[:2]), max(one[:2]), one[2])
    )
)


@settings(max_examples=50)
@given(SPANS, st.lists(st.integers(0, 25)).map(sorted))
def test_each_moment_has_the_activities_that_last_then(spans: list[tuple[int, int, int]], moments: list[int]) -> None:
    expected = [tuple(sorted({number for start, last, number in spans if start <= now <= last})) for now in moments]
    timeline = Timeline(spans)
    assert [timeline.at(now) for now in moments] == expected
    each = list[tuple[int, ...]]()
    for held, until in timeline.pieces(moments):
        assert until > len(each)
        each += [held] * (until - len(each))
    assert each == expected


def test_a_span_ends_before_the_time_at_which_another_begins_unless_it_has_no_length() -> None:
    assert apart([(0, 5, 1), (5, 9, 2), (5, 5, 3), (2, 5, 2), (9, 9, 1)]) == [
        (0, 4, 1),
        (5, 8, 2),
        (5, 5, 3),
        (2, 4, 2),
        (9, 9, 1),
    ]
    assert apart([(0, 5, 1), (6, 9, 1)]) == [(0, 5, 1), (6, 9, 1)]
