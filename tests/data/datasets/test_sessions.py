"""A long recording in sessions: nothing is lost, doubled or out of order, wherever it is cut."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from har_llm.common.errors import ConfigError
from har_llm.data.datasets.sessions import Columns, Cut
from har_llm.data.records import Session

START = datetime(2012, 2, 28, 22, 0)


def cut(minutes: list[int], **settings: object) -> list[Session]:
    moments = [START + timedelta(minutes=one) for one in minutes]
    chosen = Cut(**settings)  # type: ignore[arg-type]
    chosen.check()
    texts, none = [f"hall door {number}" for number in range(len(moments))], [()] * len(moments)
    return chosen.sessions("home", moments, Columns(moments, texts, none, none))


def shown(sessions: list[Session]) -> list[tuple[str, int]]:
    return [(session.id, len(session.events)) for session in sessions]


def test_a_day_ends_at_midnight_or_at_another_hour() -> None:
    minutes = [0, 119, 120, 24 * 60 + 119]  # 22:00, 23:59, 00:00, and 23:59 on the leap day
    assert shown(cut(minutes)) == [("2012-02-28", 2), ("2012-02-29", 2)]
    assert shown(cut(minutes, day_begins=4)) == [("2012-02-28", 3), ("2012-02-29", 1)]


def test_a_long_gap_begins_a_session_and_midnight_does_not() -> None:
    assert shown(cut([0, 59, 119, 130, 190, 249], at="gaps")) == [
        ("2012-02-28_22-00-00", 1 + 1),
        ("2012-02-28_23-59-00", 2),
        ("2012-02-29_01-10-00", 2),
    ]
    assert shown(cut([0, 3000], at="none")) == [("2012-02-28_22-00-00", 2)]


@pytest.mark.parametrize("at", ["days", "gaps", "none"])
def test_without_events_there_is_no_session(at: str) -> None:
    assert cut([], at=at) == []


@given(st.lists(st.integers(0, 20_000)), st.sampled_from(["days", "gaps", "none"]), st.integers(0, 23), st.integers(1, 600))
def test_every_event_is_in_one_session_in_order(minutes: list[int], at: str, day_begins: int, gap_minutes: int) -> None:
    sessions = cut(sorted(minutes), at=at, day_begins=day_begins, gap_minutes=gap_minutes)
    assert len({session.id for session in sessions}) == len(sessions)
    assert all([one.id for one in session.events] == list(range(len(session.events))) for session in sessions)
    texts = [event.text for session in sessions for event in session.events]
    assert texts == [f"hall door {number}" for number in range(len(minutes))]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"at": "weeks"}, "dataset.cut.at is 'weeks'"),
        ({"day_begins": 24}, "dataset.cut.day_begins is 24"),
        ({"gap_minutes": 0}, "dataset.cut.gap_minutes is 0"),
    ],
)
def test_wrong_settings(settings: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        cut([], **settings)


@pytest.mark.parametrize("moment", [datetime.min, datetime.max])
@pytest.mark.parametrize("at", ["days", "gaps", "none"])
def test_the_first_and_the_last_day_of_the_calendar_are_days(moment: datetime, at: str) -> None:
    sessions = Cut(at=at, day_begins=4).sessions("home", [moment], Columns([moment], ["hall door"], [()], [()]))
    assert [session.id[:10] for session in sessions] == [moment.date().isoformat()]
