"""Orange4Home: the rows of its documentation, with the events and activities that must come of them; and broken ones."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from har_llm.common.errors import MissingError
from har_llm.data.datasets.base import events_in
from tests.data.datasets.logs.homes import ORANGE4HOME, events, named, orange4home
from tests.helpers import only_fault

NONE = ("none of these",)
TV = ("Living room: Watching TV",)


def test_events_are_of_sensors_and_activities_of_labels(tmp_path: Path) -> None:
    dataset = orange4home(tmp_path, ORANGE4HOME)
    assert named(dataset, tmp_path) == [
        ("08:36:12", "entrance door OPENED", ("Entrance: Entering",)),
        ("08:36:15", "entrance door CLOSED", ("Entrance: Entering",)),
        ("08:37:00", "living room presence table BEGINS", TV),
        ("08:37:01", "kitchen cupboard5 OPENED", TV),
        ("08:37:02", "living room switch1 top left PRESSED", TV),
        ("08:37:03", "living room tv status turned ON", TV),
        ("09:00:00", "office presence ENDS", NONE),
    ]
    recordings = dataset.read(tmp_path)
    assert [session.id for session in recordings.sessions] == ["2017-01-30", "2017-01-31"]
    assert recordings.home.activities == {1: "Entrance: Entering", 2: "Living room: Watching TV", 0: "none of these"}
    assert recordings.home.rooms["living room"] == ("presence table", "switch1 top left", "tv status")
    assert sorted(recordings.dropped_events.values()) == [1, 1]  # a number, and a word that is no known state
    assert [(one.line, one.kind) for one in recordings.repairs] == [(7, "unknown value")]


def test_a_numeric_sensor_has_events_with_a_threshold(tmp_path: Path) -> None:
    rows = [f"2017-01-30 08:00:0{place},kitchen_noise,{level}" for place, level in enumerate((40, 70.5, 60, 59))]
    noise = {"room": "kitchen", "name": "noise", "threshold": 60, "states": ["FALLS", "RISES"]}
    sensors = {"kitchen_noise": noise}
    recordings = orange4home(tmp_path, rows, sensors=sensors).read(tmp_path)
    assert [(one.time, one.text) for one in events(recordings)] == [
        ("08:00:01", "kitchen noise RISES"),
        ("08:00:03", "kitchen noise FALLS"),
    ]
    assert sum(recordings.dropped_events.values()) == 2


@pytest.mark.parametrize(
    ("row", "kind", "words"),
    [
        ("2017-01-30 08:36:12,entrance_door", "wrong number of fields", "'entrance_door' follows the time"),
        ("2017-01-30 08:36:12;entrance_door;OPEN", "unreadable time", None),
        ("1485765372,entrance_door,OPEN", "unreadable time", "the time is '1485765372'"),
        ("30/01/2017 08:36,entrance_door,OPEN", "unreadable time", None),
        ("2017-01-30 08:36:12,label,BEGIN:Entrance|Entering", "unreadable label", "it must be START:Place|Activity"),
        ("2017-01-30 08:36:12,label,START:", "unreadable label", None),
    ],
)
def test_a_broken_row_is_a_fault_with_its_line(tmp_path: Path, row: str, kind: str, words: str | None) -> None:
    dataset = orange4home(tmp_path, [*ORANGE4HOME, row])
    if ";" in row:  # and there are no fields
        assert (15, kind) in {(one.line, one.kind) for one in dataset.faults(tmp_path)}
        return
    fault = only_fault(dataset, tmp_path)
    assert (fault.line, fault.kind) == (15, kind) and (words or "") in fault.message


def test_a_missing_or_another_header_is_a_fault(tmp_path: Path) -> None:
    for header in ("time,item,value", ORANGE4HOME[1]):
        fault = only_fault(orange4home(tmp_path, ORANGE4HOME, header), tmp_path)
        assert (fault.line, fault.kind) == (1, "wrong header") and "it must be Time,ItemName,Value" in fault.message


def test_a_release_that_is_missing_says_whom_to_ask(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match=r"Ask for Orange4Home at https://amiqual4home.*UCAmI 2017"):
        orange4home(tmp_path, ORANGE4HOME).read(tmp_path / "elsewhere")


ROWS = st.sampled_from(
    [*ORANGE4HOME, "2017-02-01 08:00:00,label,STOP:Office|Computing", "2017-02-01 08:00:00,office_door,OPEN"]
)


@pytest.mark.slow
@settings(max_examples=50)
@given(st.lists(ROWS, max_size=20))
def test_every_row_is_an_event_or_counted_or_a_label(rows: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        dataset = orange4home(Path(folder), rows)
        if dataset.faults(Path(folder)):
            assert not any(word in row for row in rows for word in ("door", "presence", "cupboard", "switch", "tv_status"))
            return
        recordings = dataset.read(Path(folder))
        labels = sum(",label," in row for row in rows)
        assert events_in(recordings.sessions) + sum(recordings.dropped_events.values()) + labels == len(rows)
