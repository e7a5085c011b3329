"""CASAS in its four forms: the rows of the documentation, with the events and activities that must come of them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from har_llm.common.errors import ConfigError, MissingError
from har_llm.data.datasets.logs.casas import Casas
from tests.composing import experiment
from tests.data.datasets.logs.homes import ANNOTATED, CLASSIC, MULTI_RESIDENT, ZENODO, casas, events, named

NONE = ("none of these",)


def test_the_form_of_the_release_of_2025(tmp_path: Path) -> None:
    dataset = casas(tmp_path, ZENODO)
    assert named(dataset, tmp_path) == [
        ("01:03:39", "bedroom motion BEGINS", ("Sleep",)),
        ("01:03:40", "bedroom motion ENDS", ("Sleep",)),
        ("06:10:40", "bathroom A toilet motion BEGINS", ("Sleep", "Toilet")),
        ("06:20:41", "home outside door OPENED", ("Sleep",)),
        ("06:20:42", "home lounge chair motion BEGINS", NONE),
    ]
    recordings = dataset.read(tmp_path)
    assert recordings.home.activities == {1: "Sleep", 2: "Toilet", 0: "none of these"}
    assert recordings.home.rooms == {"bathroom A": ("toilet",), "bedroom": (), "home": ("lounge chair", "outside door")}
    assert recordings.dropped_events == {"numeric reading of a sensor without dataset.sensors.ID.threshold": 1}
    assert [session.id for session in recordings.sessions] == ["2011-06-15"]
    assert events(recordings)[0].moment.microsecond == 149620


def test_the_annotated_form(tmp_path: Path) -> None:
    assert named(casas(tmp_path, ANNOTATED), tmp_path) == [
        ("01:40:48", "bedroom motion BEGINS", ("Sleep",)),
        ("01:41:27", "bedroom motion ENDS", ("Wake Up",)),
        ("01:41:40", "bathroom motion BEGINS", NONE),
    ]


def test_the_classic_form(tmp_path: Path) -> None:
    assert named(casas(tmp_path, CLASSIC), tmp_path) == [
        ("00:01:04", "home M017 motion BEGINS", ("Sleeping",)),
        ("00:01:06", "home M017 motion ENDS", ("Sleeping",)),
        ("03:00:00", "home D001 door OPENED", ("Bed to Toilet", "Sleeping")),
        ("03:10:00", "home M004 motion BEGINS", ("Bed to Toilet", "Sleeping")),
        ("07:00:00", "home M017 motion BEGINS", ("Sleeping",)),
        ("07:00:01", "home M017 motion ENDS", NONE),
    ]


def test_several_residents(tmp_path: Path) -> None:
    dataset = casas(tmp_path, MULTI_RESIDENT)
    assert [(one.text, one.subjects) for one in events(dataset.read(tmp_path))] == [
        ("home M22 motion BEGINS", ("2",)),
        ("home I04 item TAKEN", ("1",)),
        ("home M03 motion BEGINS", ("1", "2")),
        ("home M03 motion ENDS", ("1", "2")),
        ("home D12 door CLOSED", ()),
    ]
    assert [names for *_, names in named(dataset, tmp_path)] == [
        ("activity 2",),
        ("activity 1",),
        ("activity 3",),
        ("activity 1", "activity 3"),
        NONE,
    ]


def test_a_folder_has_a_session_for_each_pair_of_residents(tmp_path: Path) -> None:
    for name in ("p10.txt", "P2.txt", "README.txt", ".DS_Store", "layout.png"):
        (tmp_path / name).write_text("\n".join(MULTI_RESIDENT))
    dataset = _configured("casas_adlmr", tmp_path)
    recordings = dataset.read(tmp_path)
    assert [session.id for session in recordings.sessions] == ["P2", "p10"]
    assert [one.id for one in recordings.sessions[1].events] == [0, 1, 2, 3, 4]
    first = recordings.sessions[0].events[0]
    assert recordings.home.activities[first.activities[0]] == "hang up clothes in the hallway closet"
    assert recordings.sessions[0].events[4].activities == () and 0 not in recordings.home.activities


def test_days_of_several_files_are_sessions_of_their_own(tmp_path: Path) -> None:
    dataset = casas(tmp_path, CLASSIC)
    (tmp_path / "other.txt").write_text("2009-10-16 00:01:04 M001 ON\n2009-10-17 00:01:04 M001 ON\n")
    dataset.path = str(tmp_path)
    assert [session.id for session in dataset.read(tmp_path / "none").sessions] == [
        "home/2009-10-16",
        "other/2009-10-16",
        "other/2009-10-17",
    ]


def test_two_files_that_differ_in_their_endings_have_sessions_of_two_names(tmp_path: Path) -> None:
    for name in ("p01.t1", "p01.t2", "p02.t1"):
        (tmp_path / name).write_text("\n".join(MULTI_RESIDENT))
    sessions = _configured("casas_adlmr", tmp_path).read(tmp_path).sessions
    assert [session.id for session in sessions] == ["p01.t1", "p01.t2", "p02.t1"]


def test_a_file_without_labels_is_unlabelled(tmp_path: Path) -> None:
    unlabelled = [re.sub(r" Sleeping.*|\tBed.*| Bed.*", "", row) for row in CLASSIC]
    assert {one.activities for one in events(casas(tmp_path, unlabelled).read(tmp_path))} == {()}


def test_gaps_may_be_unlabelled(tmp_path: Path) -> None:
    recordings = casas(tmp_path, ZENODO, gaps="unlabelled").read(tmp_path)
    assert events(recordings)[-1].activities == () and recordings.home.activities == {1: "Sleep", 2: "Toilet"}


def test_a_label_with_the_name_of_the_null_class_is_as_a_gap(tmp_path: Path) -> None:
    rows = [*ZENODO, "2011-06-15,06:20:42.5,LoungeChair,ON,OTHER", "2011-06-15,06:20:43,LoungeChair,OFF,None_of_these"]
    assert named(casas(tmp_path, rows), tmp_path)[-1][2] == NONE
    recordings = casas(tmp_path, rows, gaps="unlabelled").read(tmp_path)
    assert events(recordings)[-1].activities == () and recordings.home.activities == {1: "Sleep", 2: "Toilet"}


def test_the_labels_of_a_file_get_the_numbers_that_are_free_whatever_their_case(tmp_path: Path) -> None:
    rows = [f"2011-06-15,08:00:0{place},Bedroom,ON,{label}" for place, label in enumerate(["eat", "Eat", "Walk", "17"])]
    home = {"activities": {0: "none of these", 1: "nobody"}, "null_class": [0, 1], "definitions": {}}
    recordings = casas(tmp_path, rows, home=home, gaps="unlabelled").read(tmp_path)
    assert recordings.home.activities == {2: "activity 17", 3: "Eat", 4: "Walk"}
    assert [one.activities for one in events(recordings)] == [(3,), (3,), (4,), (2,)]


def test_who_knows_the_home_names_its_sensors_and_activities(tmp_path: Path) -> None:
    sensors = {
        "M017": {"room": "bedroom", "name": "bed"},
        "T001": {"room": "hall", "name": "temperature", "threshold": 20, "states": ["FALLS", "RISES"]},
    }
    home = {"activities": {1: "bed to toilet", 2: "sleeping"}}
    rows = [*CLASSIC, "2009-10-16 07:00:02 T001 19.9", "2009-10-16 07:00:03 T001 19"]
    dataset = casas(tmp_path, rows, sensors=sensors, home=home)
    assert named(dataset, tmp_path)[:2] == [
        ("00:01:04", "bedroom bed motion BEGINS", ("sleeping",)),
        ("00:01:06", "bedroom bed motion ENDS", ("sleeping",)),
    ]
    assert named(dataset, tmp_path)[-1] == ("07:00:02", "hall temperature FALLS", NONE)
    recordings = dataset.read(tmp_path)
    assert recordings.dropped_events == {"numeric reading that does not cross the sensor's threshold": 2}
    assert recordings.home.rooms["hall"] == ("temperature",)


def test_the_first_reading_of_each_file_only_says_how_things_stand(tmp_path: Path) -> None:
    sensors = {"T001": {"room": "hall", "name": "heat", "threshold": 20, "states": ["FALLS", "RISES"]}}
    dataset = casas(tmp_path, ["2009-10-16 08:00:00 M001 ON", "2009-10-16 08:00:00 T001 19"], sensors=sensors)
    (tmp_path / "later.txt").write_text("2009-10-17 08:00:00 T001 21\n2009-10-17 08:00:01 T001 19\n")
    dataset.path = str(tmp_path)
    assert [(one.time, one.text) for one in events(dataset.read(tmp_path))] == [
        ("08:00:00", "home M001 motion BEGINS"),
        ("08:00:01", "hall heat FALLS"),
    ]


def test_annotations_in_the_form_of_sensors_are_left_out_and_still_mark(tmp_path: Path) -> None:
    rows = [
        "2010-11-04 08:00:00 M001 ON Leave_Home begin",
        "2010-11-04 08:00:01 LEAVEHOME ON Leave_Home end",
        "2010-11-04 08:00:02 M001 OFF",
    ]
    dataset = casas(tmp_path, rows)
    assert [names for *_, names in named(dataset, tmp_path)] == [("Leave Home",), NONE]
    assert dataset.read(tmp_path).dropped_events == {"sensor in dataset.left_out": 1}


def test_a_mark_without_its_other_half_labels_nothing_and_is_counted(tmp_path: Path) -> None:
    rows = [
        "2010-11-04 08:00:00 M001 ON Work begin",
        "2010-11-04 08:00:01 M001 OFF Work begin",
        "2010-11-04 08:00:02 M001 ON Work end",
        "2010-11-04 08:00:03 M001 OFF Work end",
        "2010-11-04 08:00:04 M001 ON Relax begin",
    ]
    dataset = casas(tmp_path, rows)
    assert [names for *_, names in named(dataset, tmp_path)] == [NONE, ("Work",), ("Work",), NONE, NONE]
    found = dataset.read(tmp_path).repairs
    assert [(one.line, one.kind) for one in found] == [
        (1, "activity without begin or end"),
        (4, "activity without begin or end"),
        (5, "activity without begin or end"),
    ]


def test_the_hour_that_comes_twice_keeps_the_order_of_the_file(tmp_path: Path) -> None:
    times = ["01:10:00", "01:59:00", "01:00:00", "01:30:00", "02:00:00"]
    rows = [f"2010-11-07 {time} M00{number} ON" for number, time in enumerate(times)]
    recordings = casas(tmp_path, rows).read(tmp_path)
    assert [one.time for one in events(recordings)] == times
    assert [(one.line, one.kind) for one in recordings.repairs] == [(3, "row up to an hour earlier")]


def test_a_row_from_another_day_is_put_in_order(tmp_path: Path) -> None:
    rows = [
        "2010-11-07 10:00:00 M001 ON Work begin",
        "2010-11-06 10:00:00 M002 ON",
        "2010-11-07 10:00:01 M003 ON Work end",
    ]
    recordings = casas(tmp_path, rows).read(tmp_path)
    assert [(session.id, [one.text[5:9] for one in session.events]) for session in recordings.sessions] == [
        ("2010-11-06", ["M002"]),
        ("2010-11-07", ["M001", "M003"]),
    ]
    assert [(one.line, one.kind) for one in recordings.repairs] == [(2, "row out of order")]


def test_a_row_that_is_put_in_order_says_what_it_says_there(tmp_path: Path) -> None:
    rows = [
        "2010-11-07 05:00:00 M001 ON Eat begin",
        "2010-11-07 05:00:10 T001 20",
        "2010-11-07 02:00:00 M001 OFF",
        "2010-11-07 02:00:10 T001 30",
        "2010-11-07 05:01:00 M001 OFF Eat end",
        "2010-11-07 02:00:20 T001 20",
    ]
    sensors = {
        "T001": {"room": "hall", "name": "heat", "threshold": 25, "states": ["FALLS", "RISES"]},
    }
    dataset = casas(tmp_path, rows, sensors=sensors)
    assert named(dataset, tmp_path) == [
        ("02:00:00", "home M001 motion ENDS", NONE),
        ("02:00:20", "hall heat FALLS", NONE),
        ("05:00:00", "home M001 motion BEGINS", ("Eat",)),
        ("05:01:00", "home M001 motion ENDS", ("Eat",)),
    ]
    assert dataset.read(tmp_path).dropped_events == {"numeric reading that does not cross the sensor's threshold": 2}


def test_a_home_that_is_missing_says_where_it_is_to_be_had(tmp_path: Path) -> None:
    dataset = casas(tmp_path, CLASSIC)
    dataset.path = "aruba/data"
    with pytest.raises(
        MissingError, match=r"no '.*elsewhere/aruba/data' or 'aruba/data'\. .*zenodo.*CC BY 4\.0.*HAR_LLM_DATA"
    ):
        dataset.read(tmp_path / "elsewhere")
    dataset.path = ""
    with pytest.raises(MissingError, match=r"dataset\.path is empty; it must name a log\. .*zenodo"):
        dataset.read(tmp_path)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"form": "old"}, "dataset.form is 'old'"),
        ({"gaps": "nobody"}, "dataset.gaps is 'nobody'"),
        ({"sensors": {"M001": {"room": " ", "name": "bed"}}}, "dataset.sensors.M001 has room ' '"),
        (
            {"sensors": {"T1": {"room": "a", "name": "b", "threshold": 1, "states": ["one"]}}},
            r"dataset\.sensors\.T1\.states is",
        ),
        (
            {"sensors": {"T1": {"room": "a", "name": "b", "threshold": {"level": 1, "states": ["x", "y"]}}}},
            r"dataset\.sensors\.T1\.threshold is .*; write .*threshold: 25, states: \[word below 25, word from there\]",
        ),
        ({"sensors": {"M1": {"room": "a", "name": "b", "states": ["ON"]}}}, r"dataset\.sensors\.M1\.states is \['ON'\]"),
    ],
)
def test_wrong_settings(tmp_path: Path, changes: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        casas(tmp_path, CLASSIC, **changes)


@pytest.mark.parametrize("name", ["casas", "casas_adlmr", "casas_aruba"])
def test_the_shipped_homes_are_sound(tmp_path: Path, name: str) -> None:
    _configured(name, tmp_path)


def _configured(name: str, path: Path) -> Casas:
    dataset = experiment(f"dataset={name}", f"dataset.path={path}").dataset
    assert isinstance(dataset, Casas)
    return dataset
