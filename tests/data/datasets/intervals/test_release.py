"""Two tables of intervals as events with gold activities, by stated rules."""

from __future__ import annotations

from pathlib import Path

import pytest

from har_llm.common.errors import ConfigError, MissingError
from tests.data.datasets.intervals.homes import ACTIVITIES, DAY, SENSORS, events, kasteren, uci_adl


def test_an_interval_is_two_events_with_the_activities_of_their_seconds(tmp_path: Path) -> None:
    found = events(uci_adl(tmp_path), tmp_path)
    assert [(str(one.date), one.id, one.time, one.text, one.activities) for one in found] == [
        (DAY, 0, "08:00:00", "bedroom bed PRESSED", (4,)),
        (DAY, 1, "08:05:00", "bedroom bed RELEASED", (5,)),  # one activity ends, another begins
        (DAY, 2, "08:06:00", "kitchen fridge OPENED", (5,)),
        (DAY, 3, "08:06:00", "kitchen fridge CLOSED", (5,)),
        (DAY, 4, "23:00:00", "bedroom bed PRESSED", (0,)),  # a gap has the null class
        ("2012-03-05", 0, "07:00:00", "bedroom bed RELEASED", (0,)),
    ]
    assert {one.subjects for one in found} == {()}


def test_rooms_are_those_of_the_sensors_in_the_file(tmp_path: Path) -> None:
    assert uci_adl(tmp_path).read(tmp_path).home.rooms == {"kitchen": ("fridge",), "bedroom": ("bed",)}
    own = uci_adl(tmp_path, home={"rooms": {"loft": ["bed"]}}).read(tmp_path)
    assert own.home.rooms == {"loft": ("bed",)}


def test_a_label_of_the_null_class_is_as_a_gap(tmp_path: Path) -> None:
    labels = {"Sleeping": 0, "Breakfast": 3}
    assert [one.activities for one in events(uci_adl(tmp_path, labels=labels), tmp_path)][:2] == [(0,), (3,)]
    recordings = uci_adl(tmp_path, labels=labels, gaps="unlabelled").read(tmp_path)
    assert [one.activities for one in recordings.sessions[0].events][:3] == [(), (3,), (3,)]
    assert 0 not in recordings.home.activities


def test_gaps_may_be_unlabelled_and_then_nobody_is_offered_the_null_class(tmp_path: Path) -> None:
    recordings = uci_adl(tmp_path, gaps="unlabelled").read(tmp_path)
    assert [one.activities for one in recordings.sessions[1].events] == [()]
    assert 0 not in recordings.home.activities and not recordings.home.null_class and not recordings.dropped_events


def test_the_null_class_may_be_dropped(tmp_path: Path) -> None:
    recordings = uci_adl(tmp_path, null_class="dropped").read(tmp_path)
    assert [len(session.events) for session in recordings.sessions] == [4, 0]
    assert recordings.dropped_events == {"null class": 2}


@pytest.mark.parametrize("end", ["\r\n", "\n"])
def test_line_ends_and_a_byte_order_mark_do_not_matter(tmp_path: Path, end: str) -> None:
    expected = events(uci_adl(tmp_path), tmp_path)
    path = tmp_path / "uci_adl" / "OrdonezA_Sensors.txt"
    lines = path.read_text().split("\n")
    path.write_bytes(b"\xef\xbb\xbf" + (lines[0] + "\r\n" + end.join(lines[1:])).encode())
    dataset = uci_adl(tmp_path / "other")
    assert events(dataset, tmp_path) == expected


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        (SENSORS[0], "sensor row twice"),
        (f"{DAY} 09:00:00\t{DAY} 08:00:00\tBed\tPressure\tBedroom", "sensor ends before it starts"),
        ("", "empty line"),
    ],
)
def test_a_row_that_cannot_be_used_is_left_out_and_counted(tmp_path: Path, row: str, kind: str) -> None:
    recordings = uci_adl(tmp_path, [*SENSORS, row, SENSORS[0]] if not row else [*SENSORS, row]).read(tmp_path)
    assert kind in [notice.kind for notice in recordings.repairs]
    assert all(notice.line == 6 for notice in recordings.repairs if notice.kind == kind)
    assert sum(len(session.events) for session in recordings.sessions) == 2 * len(SENSORS)


def test_rows_out_of_order_are_put_in_order_and_counted(tmp_path: Path) -> None:
    recordings = uci_adl(tmp_path, [SENSORS[1], SENSORS[0], SENSORS[2]], ACTIVITIES[::-1]).read(tmp_path)
    assert [notice.kind for notice in recordings.repairs] == ["sensor row out of order", "label row out of order"]
    assert [event.time for event in recordings.sessions[0].events] == sorted(e.time for e in recordings.sessions[0].events)


def test_an_interval_ends_before_another_begins_at_that_second_in_any_order_of_rows(tmp_path: Path) -> None:
    rows = [f"{DAY} 08:0{start}:00\t{DAY} 08:0{start + 1}:00\tBed\tPressure\tBedroom" for start in (1, 0)]
    said = [event.text.rpartition(" ")[2] for event in events(uci_adl(tmp_path, rows), tmp_path)]
    assert said == ["PRESSED", "RELEASED"] * 2


def test_a_count_in_the_last_line_is_compared(tmp_path: Path) -> None:
    row = "3-Feb-2008 08:00:00\t3-Feb-2008 08:00:09\t24\t1"
    activity = "03-Feb-2008 07:00:00\t03-Feb-2008 08:00:00\t10"
    told = kasteren(tmp_path, [row, "Length: 1"], [activity, "Length: 2"]).read(tmp_path)
    assert [(one.line, one.kind) for one in told.repairs] == [(4, "other number of rows")]
    assert [(one.text, one.activities) for one in told.sessions[0].events] == [
        ("hall bedroom door OPENED", (10,)),
        ("hall bedroom door CLOSED", (0,)),
    ]
    silent = kasteren(tmp_path, [row], [activity, "Length: 1"]).read(tmp_path)
    assert [(one.line, one.kind) for one in silent.repairs] == [(None, "number of rows not said")]


@pytest.mark.parametrize("house", ["A", "B"])
def test_a_missing_home_says_where_it_is_to_be_had(tmp_path: Path, house: str) -> None:
    dataset = uci_adl(tmp_path, house=house)
    with pytest.raises(
        MissingError, match=rf"no folder .*archive\.ics\.uci\.edu.*no commercial use.*Ordonez{house}_Sensors"
    ):
        dataset.read(tmp_path / "elsewhere")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"house": "C"}, "dataset.house is 'C'"),
        ({"gaps": "nobody"}, "dataset.gaps is 'nobody'"),
        ({"home": {"null_class": []}}, "it must be one activity. Or set dataset.gaps=unlabelled"),
        ({"labels": {"Sleeping": 99}}, "dataset.labels.Sleeping is 99"),
        ({"sensors": {"Bed Pressure Bedroom": {"states": ["ON"]}}}, "states is \\['ON'\\]"),
    ],
)
def test_wrong_settings(tmp_path: Path, changes: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        uci_adl(tmp_path, **changes)
