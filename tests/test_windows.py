from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from har_llm.errors import ConfigError
from har_llm.windows import FixedWindows
from tests.helpers import load, session_of


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
    ],
)
def test_wrong_setting_is_refused(windowing: FixedWindows, words: str) -> None:
    with pytest.raises(ConfigError) as raised:
        windowing.check()
    assert words in str(raised.value)
