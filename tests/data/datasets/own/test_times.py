"""Times as systems write them: what the home's clock showed, and the order, also where summer time begins and ends."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from har_llm.common.errors import ConfigError
from har_llm.data.datasets.own.times import UNIX_FROM, Times, UnreadableTime, check_form, zone_of

PARIS = ZoneInfo("Europe/Paris")
HAWAII = ZoneInfo("Pacific/Honolulu")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")  # its summer time is half an hour


def clock(text: str, zone: ZoneInfo | None = None, *, utc: bool = False) -> str:
    return str(Times(zone, utc=utc).read(text)[1])


@pytest.mark.parametrize(
    ("text", "shown", "in_paris"),
    [
        ("2026-07-01 08:00:00", "2026-07-01 08:00:00", "2026-07-01 08:00:00+02:00"),
        ("2026-07-01T08:00", "2026-07-01 08:00:00", "2026-07-01 08:00:00+02:00"),
        (" 20260701T080000 ", "2026-07-01 08:00:00", "2026-07-01 08:00:00+02:00"),
        ("2026-07-01 08:00:00,25", "2026-07-01 08:00:00.250000", "2026-07-01 08:00:00.250000+02:00"),
        ("2026-07-01T08:00:00Z", "2026-07-01 08:00:00+00:00", "2026-07-01 10:00:00+02:00"),
        ("2026-07-01T08:00:00.123456789Z", "2026-07-01 08:00:00.123456+00:00", "2026-07-01 10:00:00.123456+02:00"),
        ("2026-07-01 08:00:00+00:00", "2026-07-01 08:00:00+00:00", "2026-07-01 10:00:00+02:00"),
        ("2026-07-01T08:00:00-05:30", "2026-07-01 08:00:00-05:30", "2026-07-01 15:30:00+02:00"),
        ("2026-07-01 08:00:00 +02", "2026-07-01 08:00:00+02:00", "2026-07-01 08:00:00+02:00"),
        ("2026-07-01T08:00:00+0200", "2026-07-01 08:00:00+02:00", "2026-07-01 08:00:00+02:00"),
        ("2026-07-01T080000-0500", "2026-07-01 08:00:00-05:00", "2026-07-01 15:00:00+02:00"),
        ("20260701T080000+0200", "2026-07-01 08:00:00+02:00", "2026-07-01 08:00:00+02:00"),
        ("2026-07-01T08:00:00+02:00:30", "2026-07-01 08:00:00+02:00:30", "2026-07-01 07:59:30+02:00"),
        ("2026-07-01T080000", "2026-07-01 08:00:00", "2026-07-01 08:00:00+02:00"),
        ("1782892800", "2026-07-01 08:00:00+00:00", "2026-07-01 10:00:00+02:00"),
        ("1782892800.5", "2026-07-01 08:00:00.500000+00:00", "2026-07-01 10:00:00.500000+02:00"),
        ("1782892800,5", "2026-07-01 08:00:00.500000+00:00", "2026-07-01 10:00:00.500000+02:00"),
        ("1782892800250", "2026-07-01 08:00:00.250000+00:00", "2026-07-01 10:00:00.250000+02:00"),
    ],
)
def test_forms(text: str, shown: str, in_paris: str) -> None:
    assert (clock(text), clock(text, PARIS)) == (shown, in_paris)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "noon",
        "2026-07-01",
        "08:00:00",
        "2026-13-01 08:00:00",
        "2026-02-29 08:00",
        "2026-07-01 25:00:00",
        "1" * 16,
        "20260701080000",
        "202607010800",
        "20260701",
        "080000",
        "631151999",
        "4102444800",
        "01.07.2026 08:00:00",
        "2026-07-01 08:00:00+99:00",
        "2026-07-01T08:00:00+02:00:00.5",
        "2026-07-01 08:00:00+02:00Z",
        "2026-07-01 2026-07-01 08:00:00",
        "2026-07-01 08:00:00 CET",
        "-5",
        "nan",
        "1e9",
        "2026-07-01 \x00",
        "0001-01-01T00:00:00+10:00",
        "9999-12-31T23:59:59-10:00",
        "٢٠٢٦-07-01 08:00:00",
    ],
)
@pytest.mark.parametrize("zone", [None, PARIS])
def test_what_is_no_time_is_refused(text: str, zone: ZoneInfo | None) -> None:
    if zone is None and text[:4] in ("0001", "9999"):
        zone = HAWAII
    with pytest.raises(UnreadableTime, match="it must be a time, such as 2026-03-29 08:05:00"):
        Times(zone).read(text)


def test_the_hour_that_comes_twice_is_told_apart_by_the_order() -> None:
    times = Times(PARIS)
    texts = ["01:59", "02:10", "02:50", "02:05", "02:50", "03:00"]
    read = [times.read(f"2026-10-25 {text}") for text in texts]
    assert [str(local)[11:16] for _, local in read] == texts
    assert [order.strftime("%H:%M") for order, _ in read] == ["23:59", "00:10", "00:50", "01:05", "01:50", "02:00"]


@pytest.mark.parametrize(
    ("texts", "orders"),
    [
        (["01:59:00", "02:10:05", "02:10:04", "02:20:00"], ["23:59:00", "00:10:05", "00:10:04", "00:20:00"]),  # one was late
        (["01:59:00", "02:50:00", "02:00:30", "02:58:00"], ["23:59:00", "00:50:00", "01:00:30", "01:58:00"]),
        (
            ["03:10:00", "03:00:00", "02:50:00", "02:50:01", "02:40:00"],
            ["02:10:00", "02:00:00", "01:50:00", "01:50:01", "01:40:00"],
        ),
        (
            ["03:10:00", "03:00:00", "02:10:00", "02:50:00", "02:05:00"],
            ["02:10:00", "02:00:00", "01:10:00", "00:50:00", "00:05:00"],
        ),
        (["04:00:00", "02:10:00", "02:20:00", "02:30:00"], ["03:00:00", "00:10:00", "00:20:00", "00:30:00"]),  # other sensor
    ],
)
def test_only_a_step_in_the_hour_that_comes_twice_tells_its_times_apart(texts: list[str], orders: list[str]) -> None:
    times = Times(PARIS)
    assert [times.read(f"2026-10-25 {text}")[0].strftime("%H:%M:%S") for text in texts] == orders
    assert times.repeated == 3


def test_what_ends_in_the_hour_that_comes_twice_ends_after_its_start_and_proves_nothing_of_others() -> None:
    times = Times(PARIS)
    spans = [("02:05", "02:30"), ("02:10", "02:15"), ("02:50", "02:20")]
    read = []
    for start, end in spans:
        begins, _ = times.read(f"2026-10-25 {start}")
        read.append((f"{begins:%H:%M}", f"{times.read(f'2026-10-25 {end}', begins)[0]:%H:%M}"))
    assert read == [("00:05", "00:30"), ("00:10", "00:15"), ("00:50", "01:20")]


def test_what_is_no_time_has_no_zone() -> None:
    times = Times(None)
    with pytest.raises(UnreadableTime):
        times.read("2026-07-01 2026-07-01 08:00:00")
    times.read("2026-07-01 08:00:00")


def test_times_of_one_ten_minutes_may_be_shown_in_different_hours() -> None:
    times = Times(PARIS)  # 00:59 and 01:00 in UTC, between which summer time begins
    assert [str(times.read(f"2026-03-29 06:{minute}:00+05:45")[1])[11:16] for minute in (44, 45)] == ["01:59", "03:00"]


def test_the_skipped_hour_is_moved_on_and_counted() -> None:
    times = Times(PARIS)
    assert [str(one)[11:16] for one in times.read("2026-03-29 02:30:00")] == ["01:30", "03:30"]
    assert times.skipped == 1 and [str(one)[11:16] for one in times.read("2026-03-29 03:31:00")] == ["01:31", "03:31"]


def test_times_with_and_without_a_zone_have_no_order_unless_the_zone_is_set() -> None:
    for first, second in (("2026-07-01 08:00", "2026-07-01 08:00Z"), ("1782892800", "2026-07-01 08:00")):
        times = Times(None)
        times.read(first)
        with pytest.raises(UnreadableTime, match=r"their order is unknown; set dataset\.timezone"):
            times.read(second)
        known = Times(PARIS)
        known.read(first)
        known.read(second)


@pytest.mark.parametrize("zone", [None, PARIS, LORD_HOWE])
@pytest.mark.parametrize("form", ["{}", "{}Z"])
@settings(max_examples=25, deadline=None)
@given(st.lists(st.datetimes(datetime(2026, 3, 28), datetime(2026, 10, 27)), min_size=1, max_size=8))
def test_many_times_are_read_as_one_by_one(zone: ZoneInfo | None, form: str, moments: list[datetime]) -> None:
    texts = [form.format(moment.isoformat(" ")) for moment in moments]
    together, single = Times(zone), Times(zone)
    found = together.many(texts)
    assert found is None or list(zip(*found, strict=True)) == [single.read(text) for text in texts]
    assert (found is None) <= (zone is not None and form == "{}")  # only where summer time may begin or end


@pytest.mark.parametrize("zone", [None, PARIS, LORD_HOWE])
@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(UNIX_FROM, 2e9, allow_nan=False), min_size=1, max_size=8))
def test_many_of_unix_are_read_as_one_by_one(zone: ZoneInfo | None, numbers: list[float]) -> None:
    found = Times(zone).many_of_unix(numbers)
    assert found is not None
    assert list(zip(*found, strict=True)) == [Times(zone).of_unix(number) for number in numbers]


def test_other_numbers_are_left_to_be_read_one_by_one() -> None:
    for other in (None, "2026-07-01 08:00", -1.0, 1.0, UNIX_FROM - 1.0, 2e11, float("nan"), float("inf")):
        numbers: list[object] = [1782892800.0, other]
        assert Times(PARIS).many_of_unix(numbers) is None


@pytest.mark.parametrize(
    "texts",
    [
        ["2026-07-01 08:00:00", "2026-07-01 08:00:00Z"],
        ["2026-07-01 08:00:00+02:00", "2026-07-01 08:00:00+02:00"],
        ["2026-07-01", "2026-07-01 08:00:00"],
        ["1782892800", "1782892800"],
        ["2026-07-01 08:00:00", "2026-07-01 25:00:00"],
        ["2026-07-01 08:00:00", " 2026-07-01 08:00:00"],
    ],
)
def test_times_that_are_not_alike_are_left_to_be_read_one_by_one(texts: list[str]) -> None:
    assert Times(None).many(texts) is None


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("%d/%m/%Y %H:%M:%S", "01/07/2026 08:00:00"),
        ("%m/%d/%y %I:%M %p", " 07/01/26 08:00 AM "),
        ("%d.%m.%Y %H:%M:%S,%f", "01.07.2026 08:00:00,000"),
        ("%d.%m.%Y %H:%M %z", "01.07.2026 06:00 +0000"),
        ("%d/%m/%Y %H:%M", "2026-07-01T06:00:00Z"),  # the usual forms are read too
    ],
)
def test_a_form_of_ones_own(form: str, text: str) -> None:
    check_form(form)
    times = Times(PARIS, form=form)
    assert str(times.read(text)[1]) == "2026-07-01 08:00:00+02:00"
    with pytest.raises(UnreadableTime, match=r"or as in %"):
        times.read("45/45/2026 08:00")


@pytest.mark.parametrize("form", ["", "%d/%m/%Y", "%H:%M", "dd/mm/yyyy", "%d/%m/%Y %I:%M", "%Q", "%"])
def test_a_form_that_does_not_say_the_time_is_refused(form: str) -> None:
    with pytest.raises(ConfigError, match=r"dataset\.time_format is .* it must say date, hour and minute"):
        check_form(form)


def test_an_unknown_zone_is_refused() -> None:
    assert zone_of(None) is None and zone_of("Europe/Paris") == PARIS
    for name in ("Paris", "../etc/passwd", "", "Europe"):
        with pytest.raises(ConfigError, match=r"dataset\.timezone is .* Europe/Paris"):
            zone_of(name)
    with pytest.raises(ConfigError, match=r"Did you mean Europe/Paris\?"):
        zone_of("europe/paris")


@settings(max_examples=60)
@given(
    st.datetimes(datetime(1990, 1, 2), datetime(2036, 1, 1)),
    st.sampled_from([PARIS, HAWAII, LORD_HOWE, ZoneInfo("Asia/Kathmandu")]),
    st.integers(-14 * 4, 14 * 4),
)
def test_a_time_with_an_offset_is_shown_as_zoneinfo_says(moment: datetime, zone: ZoneInfo, quarters: int) -> None:
    sign, minutes = "-" if quarters < 0 else "+", abs(quarters) * 15
    text = f"{moment.isoformat()}{sign}{minutes // 60:02d}:{minutes % 60:02d}"
    order, local = Times(zone).read(text)
    aware = datetime.fromisoformat(text)
    assert order == moment - timedelta(minutes=15 * quarters)
    assert str(local) == str(aware.astimezone(zone))
    unix = Times(zone).read(str(int(aware.timestamp())))[1]
    assert str(unix) == str(datetime.fromtimestamp(int(aware.timestamp()), zone))
