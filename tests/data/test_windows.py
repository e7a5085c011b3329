from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import accumulate, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from har_llm.common.errors import ConfigError
from har_llm.data.records import Event, Session, time_of_day
from har_llm.data.windows import FixedWindows, answering
from tests.composing import experiment
from tests.helpers import load, session_of

START = datetime(2012, 3, 4)


@given(st.integers(0, 65), st.integers(1, 12), st.integers(1, 12))
def test_windows_partition_the_session(length: int, events: int, least: int) -> None:
    windowing = FixedWindows(events=events, min_events=min(least, events))
    windowing.check()
    session = session_of(length)
    windows = list(windowing.cut(session))
    held = [event for window in windows for event in window.events]
    assert held == list(session.events)[: len(held)]
    assert len(held) + windowing.excluded(session) == length
    assert all(len(window.events) == events for window in windows[:-1])
    assert all(windowing.min_events <= len(window.events) <= events for window in windows)


@given(st.integers(0, 65), st.integers(1, 12), st.integers(1, 12), st.integers(1, 12))
def test_windows_that_overlap_hold_every_event_but_those_counted(length: int, events: int, least: int, stride: int) -> None:
    windowing = FixedWindows(events=events, min_events=min(least, events), stride=min(stride, events))
    windowing.check()
    session = session_of(length)
    windows = list(windowing.cut(session))
    assert [window.index for window in windows] == list(range(len(windows)))
    held = {event.id for window in windows for event in window.events}
    assert sorted(held) == list(range(length - windowing.excluded(session)))
    assert [window.events[0].id for window in windows] == [place * windowing.stride for place in range(len(windows))]
    assert all(len(window.events) == events for window in windows[:-1])
    assert sum(window.events[-1].id == length - 1 for window in windows) <= 1, "none that shows nothing new"
    assert set(answering(windows)) == {("s1", id) for id in held}


@given(
    st.lists(st.integers(0, 5), max_size=40),
    st.integers(1, 6),
    st.integers(1, 6),
    st.integers(1, 6),
    st.integers(1, 6),
    st.booleans(),
)
def test_no_window_goes_over_a_long_gap(
    gaps: list[int], events: int, least: int, stride: int, gap: int, dated: bool
) -> None:
    seconds = [86_000 + 60 * minute for minute in accumulate(gaps)]  # over midnight
    moments = [START + timedelta(seconds=one) if dated else time_of_day(one) for one in seconds]
    session = Session("s1", "g", [Event(place, one, "hall door", (1,), ()) for place, one in enumerate(moments)])
    windowing = FixedWindows(events=events, min_events=min(least, events), stride=min(stride, events), gap_minutes=gap)
    windowing.check()
    windows = list(windowing.cut(session))
    assert [window.index for window in windows] == list(range(len(windows)))
    held = {event.id for window in windows for event in window.events}
    assert len(held) + windowing.excluded(session) == len(gaps)
    for window in windows:
        ids = [event.id for event in window.events]
        assert ids == list(range(ids[0], ids[-1] + 1)) and windowing.min_events <= len(ids) <= events
        assert all(seconds[later] - seconds[one] < 60 * gap for one, later in pairwise(ids))
    if windowing.min_events == 1:
        assert len(held) == len(gaps)
    if not any(one >= gap for one in gaps[1:]):
        assert windows == list(replace(windowing, gap_minutes=None).cut(session))


SPACES = st.lists(st.sampled_from([0, 1, 20, 59, 60, 61, 200]), max_size=30)
"""Seconds between events."""


@settings(max_examples=60)
@given(SPACES, st.integers(1, 6), st.integers(1, 6), st.integers(1, 3), st.integers(1, 6), st.booleans())
def test_windows_of_a_duration_lose_and_double_no_event(
    spaces: list[int], events: int, stride: int, minutes: int, least: int, dated: bool
) -> None:
    seconds = [86_000 + one for one in accumulate(spaces)]  # over midnight
    moments = [START + timedelta(seconds=one) if dated else time_of_day(one) for one in seconds]
    session = Session("s1", "g", [Event(place, one, "hall door", (1,), ()) for place, one in enumerate(moments)])
    apart = FixedWindows(events=events, minutes=minutes)
    ids = [[event.id for event in window.events] for window in apart.cut(session)]
    assert [one for window in ids for one in window] == list(range(len(spaces))), "each event in one window, in order"
    for window, following in pairwise([*ids, [len(spaces)]]):
        assert seconds[window[-1]] - seconds[window[0]] < 60 * minutes and len(window) <= events
        assert (
            len(window) == events
            or following[0] == len(spaces)
            or seconds[following[0]] >= seconds[window[0]] + 60 * minutes
        )
    overlapping = replace(apart, stride=min(stride, events), min_events=min(least, events))
    windows = list(overlapping.cut(session))
    held = {event.id for window in windows for event in window.events}
    assert len(held) + overlapping.excluded(session) == len(spaces)
    assert overlapping.min_events > 1 or held == set(range(len(spaces)))
    assert set(answering(windows)) == {("s1", one) for one in held}
    ends = [window.events[-1].id for window in windows]
    assert ends == sorted(set(ends)), "none that shows nothing new"


def test_the_shipped_windows_of_a_duration() -> None:
    composed = experiment("window=duration", "window.minutes=2").window
    session = session_of(6)
    moments = [START + timedelta(seconds=one) for one in (0, 119, 120, 500, 501, 619)]
    events = [event._replace(moment=moment) for event, moment in zip(session.events, moments, strict=True)]
    windows = list(composed.cut(replace(session, events=events)))
    assert [[event.id for event in window.events] for window in windows] == [[0, 1], [2], [3, 4, 5]]
    assert [window.index for window in windows] == [0, 1, 2]


def test_a_window_answers_for_the_events_in_its_middle() -> None:
    windows = list(experiment("window=sliding").window.cut(session_of(23)))
    assert [(window.events[0].id, window.events[-1].id) for window in windows] == [(0, 9), (5, 14), (10, 19), (15, 22)]
    chosen = answering(windows)
    owners = [chosen["s1", id][0] for id in range(23)]
    assert owners == [0] * 8 + [1] * 5 + [2] * 5 + [3] * 5
    assert all(windows[place].events[inside].id == id for (_, id), (place, inside) in chosen.items())


def test_without_overlap_every_window_answers_for_all_its_events() -> None:
    sessions = [session_of(25), session_of(14, "s2")]
    windows = [window for session in sessions for window in FixedWindows().cut(session)]
    chosen = answering(windows)
    assert len(chosen) == 39
    assert all(
        windows[place].session == session and windows[place].index == id // 10
        for (session, id), (place, _) in chosen.items()
    )


def test_ids_of_windows() -> None:
    windows = list(load("window/fixed", FixedWindows).cut(session_of(25, "A1a/1")))
    assert [window.id for window in windows] == ["A1a/1#0", "A1a/1#1", "A1a/1#2"]
    assert [[event.id for event in window.events] for window in windows][2] == [20, 21, 22, 23, 24]


@pytest.mark.parametrize(
    ("windowing", "words"),
    [
        (FixedWindows(events=0), "window.events is 0"),
        (FixedWindows(min_events=0), "window.min_events is 0; it must be from 1 to window.events"),
        (FixedWindows(events=5, min_events=6), "window.min_events is 6"),
        (FixedWindows(stride=0), "window.stride is 0; it must be from 1 to window.events (10), or null"),
        (FixedWindows(stride=11), "window.stride is 11"),
        (FixedWindows(gap_minutes=0), "window.gap_minutes is 0; it must be above 0"),
        (FixedWindows(minutes=-1), "window.minutes is -1; it must be above 0, or null"),
        (FixedWindows(gap_minutes=float("nan")), "window.gap_minutes is nan"),
    ],
)
def test_wrong_setting_is_refused(windowing: FixedWindows, words: str) -> None:
    with pytest.raises(ConfigError) as raised:
        windowing.check()
    assert words in str(raised.value)
