"""Windows that close while events come are those of a recording of the same events."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from har_llm.common.errors import ConfigError
from har_llm.data.datasets.sessions import Cut
from har_llm.data.live.windows import LiveWindows, check_windows
from har_llm.data.records import Event, Session, Window
from har_llm.data.windows import FixedWindows

EVENING = datetime(2026, 3, 2, 20, 0)
CLOCKS_CHANGE = datetime(2026, 3, 29, 0, 30), datetime(2026, 10, 24, 23, 30)
"""In UTC, half an hour before clocks are set forward, and an hour before an hour comes twice."""
QUIET_S = 600.0
CUTS = st.builds(Cut, at=st.sampled_from(["days", "gaps", "none"]), day_begins=st.sampled_from([0, 4]))
RULES = st.builds(
    FixedWindows, events=st.integers(2, 4), min_events=st.integers(1, 2), minutes=st.sampled_from([None, 3.0, 30.0])
)


def in_paris(moment: datetime) -> datetime:
    """By a clock in Paris, with its offset, as the readers of homes have it."""
    local = moment.replace(tzinfo=UTC).astimezone(ZoneInfo("Europe/Paris"))
    return local.replace(tzinfo=timezone(local.utcoffset() or timedelta()))


def offline(moments: Sequence[datetime], cut: Cut, rule: FixedWindows) -> list[Window]:
    as_gap = FixedWindows(events=rule.events, min_events=rule.min_events, minutes=rule.minutes, gap_minutes=QUIET_S / 60)
    sessions = [
        Session(name, "", [Event(place, moments[at], str(at), (), ()) for place, at in enumerate(part)])
        for name, part in cut.parts(moments)
    ]
    return [window for session in sessions for window in as_gap.cut(session)]


def windows_of(moments: list[datetime], cut: Cut, rule: FixedWindows, restart: int) -> tuple[LiveWindows, list[Window]]:
    """The windows of events at these moments, whose texts are their places; before the event at `restart`, another process
    takes over."""
    live, found = LiveWindows(cut, rule, QUIET_S), list[Window]()
    for place, moment in enumerate(moments):
        if place == restart:
            state = json.loads(json.dumps(live.state()))
            live = LiveWindows(cut, rule, QUIET_S)
            live.restore(state)
        found += live.add(moment, in_paris(moment), str(place))
    found += live.close()
    return live, found


@settings(max_examples=100)
@given(
    st.sampled_from([EVENING, *CLOCKS_CHANGE]),
    st.lists(st.sampled_from([0, 1, 59, 200, 600, 3600, 20000]), max_size=30),
    CUTS,
    RULES,
    st.integers(0, 30),
)
def test_they_are_those_of_a_recording(
    begins: datetime, steps: list[int], cut: Cut, rule: FixedWindows, restart: int
) -> None:
    moments = [begins + timedelta(seconds=sum(steps[: place + 1])) for place in range(len(steps))]
    live, found = windows_of(moments, cut, rule, restart)
    assert [one for one in found if not live.is_left_out(one)] == offline([*map(in_paris, moments)], cut, rule)
    assert sum(len(one.events) for one in found) == len(moments), "an event is in one window, or in one that is left out"


def test_a_full_window_is_closed_by_its_last_event() -> None:
    live = LiveWindows(Cut(), FixedWindows(events=2), QUIET_S)
    assert list(live.add(EVENING, EVENING, "a")) == [] and live.is_open
    (window,) = live.add(EVENING, EVENING, "b")
    assert window.id == "2026-03-02#0" and [event.text for event in window.events] == ["a", "b"] and not live.is_open


@settings(max_examples=80)
@given(
    st.sampled_from([EVENING, CLOCKS_CHANGE[1]]),
    st.lists(st.sampled_from([0, 200, 3600, 20000, 90000, -200, -3600, -7000, -90000]), max_size=40),
    CUTS,
    RULES,
    st.integers(0, 40),
)
def test_an_event_before_the_last_one_begins_a_session_of_its_own(
    begins: datetime, steps: list[int], cut: Cut, rule: FixedWindows, restart: int
) -> None:
    moments = [begins + timedelta(seconds=sum(steps[: place + 1])) for place in range(len(steps))]
    live, found = windows_of(moments, cut, rule, restart)
    assert [event.text for one in found for event in one.events] == [str(place) for place in range(len(moments))]
    assert len({(one.session, event.id) for one in found for event in one.events}) == len(moments), "each has a name"
    for one in found:
        times = [event.moment for event in one.events]
        assert times == sorted(times)
    kept = [one for one in found if not live.is_left_out(one)]
    assert len({one.id for one in kept}) == len(kept)


def test_a_session_whose_name_was_given_before_the_clock_was_set_back_has_another() -> None:
    live = LiveWindows(Cut(), FixedWindows(events=1), QUIET_S)
    days = (0, 3, 1, 2, 3, 4, 3)
    found = [one for day in days for one in live.add(*[EVENING + timedelta(days=day)] * 2, "x")]
    assert [one.session for one in found] == [
        *("2026-03-02", "2026-03-05", "2026-03-03_2", "2026-03-04_2", "2026-03-05_2", "2026-03-06", "2026-03-05_3")
    ]


@pytest.mark.parametrize("at", ["days", "gaps"])
def test_a_clock_whose_zone_becomes_known_goes_on(at: str) -> None:
    """A session was measured between a time with an offset and one without, which ended the command and all later ones."""
    live = LiveWindows(Cut(at=at), FixedWindows(events=2, minutes=5), QUIET_S)
    clocks = EVENING, in_paris(EVENING + timedelta(minutes=1)), EVENING + timedelta(minutes=2)
    found = [one for at, clock in enumerate(clocks) for one in live.add(EVENING + timedelta(minutes=at), clock, str(at))]
    assert sum(len(one.events) for one in [*found, *live.close()]) == 3


def test_windows_that_overlap_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"window\.stride is 5, but task=watch answers each event once"):
        check_windows(FixedWindows(stride=5))
