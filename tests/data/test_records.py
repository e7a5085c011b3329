"""An event's time: with a date where the recording has one."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone

import pytest

from har_llm.data.records import Event, Moment, after, elapsed, time_of_day

WINTER, SUMMER = (timezone(timedelta(hours=one)) for one in (1, 2))


def event(moment: Moment) -> Event:
    return Event(0, moment, "hall door OPENED", (1,), ())


def test_a_dated_event_has_a_date_and_the_second_of_its_time() -> None:
    dated = event(datetime(2008, 2, 25, 9, 34, 12, 999_000))
    assert (dated.date, dated.time) == (date(2008, 2, 25), "09:34:12")


def test_an_event_has_the_offset_of_its_clock_where_that_is_known() -> None:
    moment = datetime(2026, 7, 1, 8, 5)
    zones = (None, UTC, SUMMER, timezone(-timedelta(hours=3, minutes=30)))
    found = [event(moment.replace(tzinfo=zone)) for zone in zones]
    assert [one.utc_offset for one in found] == [None, "+00:00", "+02:00", "-03:30"] and event(time(8)).utc_offset is None
    assert {(one.date, one.time) for one in found} == {(date(2026, 7, 1), "08:05:00")}


def test_an_event_of_a_recording_without_dates_has_none() -> None:
    undated = event(time(9, 34, 12))
    assert (undated.date, undated.time) == (None, "09:34:12")


@pytest.mark.parametrize(
    ("earlier", "later", "seconds"),
    [
        (datetime(2008, 2, 25, 23, 59, 50), datetime(2008, 2, 27, 0, 0, 5), 86_415),
        (datetime(2008, 2, 25, 8), datetime(2008, 2, 25, 7, 59), -60),
        (datetime(2008, 2, 25, 8), datetime(2008, 2, 25, 8, 0, 0, 250_000), 0.25),
        (datetime(2026, 10, 25, 2, 50, tzinfo=SUMMER), datetime(2026, 10, 25, 2, 10, tzinfo=WINTER), 20 * 60),
        (datetime(2026, 3, 29, 1, 50, tzinfo=WINTER), datetime(2026, 3, 29, 3, 10, tzinfo=SUMMER), 20 * 60),
        (datetime(2026, 10, 25, 2, 50, tzinfo=SUMMER), datetime(2026, 10, 25, 2, 55), 5 * 60),  # in a file that was changed
        (time(8), time(8, 0, 1), 1),
        (time(23, 59, 50), time(0, 0, 5), 15),  # midnight has passed
    ],
)
def test_seconds_between_events(earlier: Moment, later: Moment, seconds: float) -> None:
    assert event(earlier).seconds_until(event(later)) == seconds


def test_a_second_of_another_day_has_its_time_on_the_clock() -> None:
    times = [str(time_of_day(second)) for second in (0, 86_399, 86_400 * 3 + 61, -10)]
    assert times == ["00:00:00", "23:59:59", "00:01:01", "23:59:50"]


def test_seconds_since_the_first_moment_never_fall() -> None:
    assert elapsed([]) == [] and elapsed([time(8)]) == [0]
    assert elapsed([time(23, 59, 50), time(0, 0, 5), time(0, 0, 5)]) == [0, 15, 15]
    turned_back = [datetime(2012, 10, 28, 2, 59), datetime(2012, 10, 28, 2, 0, 30), datetime(2012, 10, 28, 2, 1)]
    assert elapsed(turned_back) == [0, 0, 30]


def test_some_seconds_later_it_may_be_the_next_day() -> None:
    assert after(datetime(2012, 2, 28, 23, 59, 59), 1.2) == datetime(2012, 2, 29)
    assert after(time(23, 59, 59), 61) == time(0, 1)
