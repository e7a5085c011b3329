"""NAME.home.yaml: what it says is told; whatever is wrong in it is a fault with its line and field."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from har_llm.data.datasets.files import FileReader
from har_llm.data.datasets.numeric import WRITTEN
from har_llm.data.datasets.own.home_file import read_home
from tests.data.datasets.own.homes import WEEK, events, events_of, one_fault, read

HOME = """\
description: |-
  Two people live here.
activities:
  3: making breakfast
  4: leaving
  0: other
labels: {Prepare_Breakfast: 3}
definitions: {4: until the door is closed}
null_class: [other]
rules:
  - Nobody smokes.
null_class_rules: [Other is other.]
sensors:
  bedroom_bed: {left_out: true}
  kitchen_fridge_door: {room: kitchen, name: fridge, states: {on: OPENED, OFF: CLOSED}}
  hall_motion: {room: hall, states: {yes: seen}}
  tv: {name: television}
"""


def test_the_file_beside_the_data_describes_the_home(tmp_path: Path) -> None:
    (tmp_path / "week.home.yaml").write_text(HOME)
    dataset = events_of(tmp_path, WEEK)
    recordings = read(dataset)
    home = recordings.home
    assert [(one.text, one.activities) for one in events(dataset)] == [
        ("kitchen fridge OPENED", (3,)),
        ("kitchen fridge CLOSED", (3,)),
        ("hall ON", (4,)),
    ]
    assert (home.description, home.rooms) == ("Two people live here.", {"kitchen": ("fridge",), "hall": ()})
    assert home.activities == {3: "making breakfast", 4: "leaving", 0: "other"} and home.null_class == {0}
    assert home.definitions == {4: "until the door is closed"} and home.rules == ("Nobody smokes.", "Other is other.")
    assert recordings.dropped_events == {"bedroom_bed has left_out: true in week.home.yaml": 1}
    notice, silent = recordings.repairs
    assert (notice.kind, notice.line) == ("value without a word", 5) and "hall_motion has 1 value ('ON')" in notice.message
    assert (silent.kind, silent.line) == ("sensor without an event", None)
    assert silent.message.startswith(
        "1 listed sensor is without an event in this recording ('tv'), and is told as any other"
    )


def test_another_file_may_describe_it_and_settings_stand_above(tmp_path: Path) -> None:
    path = tmp_path / "home.yaml"
    path.write_text(HOME)
    dataset = events_of(
        tmp_path, WEEK, f"dataset.home_path={path}", "dataset.home.rules=[One rule.]", "dataset.null_class=dropped"
    )
    home = read(dataset).home
    assert home.rules == ("One rule.",) and 0 not in home.activities
    missing = events_of(tmp_path, WEEK, f"dataset.home_path={tmp_path}/none.yaml")
    assert one_fault(missing).path == f"{tmp_path}/none.yaml"


@pytest.mark.parametrize(
    ("line", "by", "at", "words"),
    [
        (
            "labels: {Prepare_Breakfast: 3}",
            "labels: {Prepare_Breakfast: 9}",
            7,
            "labels.Prepare_Breakfast is '9', which activities",
        ),
        ("  4: leaving", "  four: leaving", 5, "activities has 'four'; each key must be a whole number"),
        ("  4: leaving", "  4: [leaving]", 5, "activities.4 must be a text; it is a list"),
        ("  4: leaving", '  4: "leav\\ning"', 5, "must be one line of printable text"),
        ("  4: leaving", "  3: leaving", 5, "the key '3' is there twice"),
        ("  4: leaving", "  03: leaving", 5, "activities has 3 twice, also as '03'; leave one out"),
        ("  4: leaving", "  4: ''", 5, "activities.4 is empty; write its words, or leave it out"),
        ("  4: leaving", "  4: other", None, "activities names other twice"),
        ("null_class: [other]", "null_class: other", 9, "null_class must be a list"),
        ("null_class: [other]", "null_class: [7]", None, "null_class has [7]"),
        ("definitions: {4: ", "definitions: {5: ", None, "definitions has [5]"),
        ("rules:", "rulez:", 11, "rulez is no field of the file; it has"),
        ("  tv: {name: television}", "  tv: {nome: television}", 17, "Did you mean name?"),
        ("  tv: {name: television}", "  tv: {}", 17, "sensors.tv has neither room nor name"),
        ("  tv: {name: television}", "  tv: television", 17, "sensors.tv must be a mapping"),
        ("  tv: {name: television}", "  tv: {left_out: yes}", 17, "sensors.tv.left_out is 'yes'; it must be true or false"),
        (
            "  tv: {name: television}",
            "  tv: {name: t, threshold: x, states: [a, b]}",
            17,
            "threshold is 'x'; write a number and two words",
        ),
        (
            "  tv: {name: television}",
            "  tv: {name: t, threshold: '1,234', states: [a, b]}",
            17,
            "threshold is '1,234'; it must be a number, as in 1234 or 1.234",
        ),
        (
            "  tv: {name: television}",
            "  tv: {name: t, threshold: 1}",
            17,
            f"sensors.tv.states is []; {WRITTEN}",
        ),
        (
            "  tv: {name: television}",
            "  tv: {name: t, threshold: {level: 25, states: [a, b]}}",
            17,
            f"sensors.tv.threshold is a mapping; {WRITTEN}",
        ),
        ("  tv: {name: television}", "  tv: {name: t, states: [a]}", 17, "sensors.tv.states must be a mapping"),
        ("  tv: {name: television}", "  tv: &a {name: t}\n  radio: *a", 18, "an alias is not read"),
        ("  tv: {name: television}", "  tv: {name: television", 18, "it is no YAML"),
        ("  tv: {name: television}", "  tv: {name: television}\n---\n", 18, "it is no YAML"),
        ("  tv: {name: television}", "  ? [a]\n  : b", 17, "a key is a list or a mapping"),
        ("  tv: {name: television}", "  tv: " + "[" * 1100, None, "it is nested too deeply"),
        ("  tv: {name: television}", "  tv: {name: '\x00'}", None, "it is no YAML that is read here"),
    ],
)
def test_what_is_wrong_is_a_fault_with_its_line(tmp_path: Path, line: str, by: str, at: int | None, words: str) -> None:
    path = tmp_path / "week.home.yaml"
    assert line in HOME
    path.write_text(HOME.replace(line, by))
    faults = events_of(tmp_path, WEEK).faults(tmp_path)
    found = [(one.line, one.message) for one in faults if one.path == str(path)]
    assert any(words in message and (at is None or at == place) for place, message in found), found


@pytest.mark.parametrize(("other", "kinds"), [("900", {"comma in a number"}), ("2,5", set())])
def test_a_comma_that_may_separate_thousands_is_said(tmp_path: Path, other: str, kinds: set[str]) -> None:
    (tmp_path / "week.home.yaml").write_text(
        "activities: {1: washing}\nsensors: {power: {name: washer, threshold: 100, states: [STOPS, RUNS]}}\n"
    )
    values = ["1,234", other, "900", "1,234"]
    rows = "".join(f"2026-03-02 07:0{place}:00\tpower\t{value}\n" for place, value in enumerate(values))
    dataset = events_of(tmp_path, "time\tsensor\tvalue\n" + rows)
    assert {notice.kind for notice in read(dataset).repairs} == kinds
    assert [one.text for one in events(dataset)][-2:] == ["washer RUNS", "washer STOPS"]


def test_faults_of_the_home_and_of_the_data_are_found_together(tmp_path: Path) -> None:
    (tmp_path / "week.home.yaml").write_text(HOME.replace("\nrules:", "\nrulez:"))
    faults = events_of(tmp_path, WEEK + "noon,hall_motion,ON,\n").faults(tmp_path)
    assert [(Path(one.path).name, one.line) for one in faults] == [("week.home.yaml", 11), ("week.csv", 6)]


def test_nothing_is_held_of_sensors_that_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "week.home.yaml").write_text(HOME)
    numbers = "".join(
        f"2026-03-02 08:00:00, bedroom_bed ,{number},\n2026-03-02 08:00:00,bedroom_bed,{number},\n" for number in "123"
    )
    recordings = read(events_of(tmp_path, WEEK + numbers))
    assert recordings.dropped_events == {"bedroom_bed has left_out: true in week.home.yaml": 7}
    assert recordings.sessions == read(events_of(tmp_path, WEEK)).sessions


def test_a_home_without_activities_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "week.home.yaml").write_text("sensors: {hall_motion: {room: hall}}\n")
    dataset = events_of(tmp_path, "time,sensor,value\n2026-03-02 07:10:00,hall_motion,ON\n")
    assert "it lists no activity; a model chooses among them" in one_fault(dataset).message


def test_bytes_that_are_no_text_and_a_folder(tmp_path: Path) -> None:
    path = tmp_path / "week.home.yaml"
    path.write_bytes(b"activities: {}\nrules: [\xff]\n")
    fault = one_fault(events_of(tmp_path, WEEK))
    assert fault.line == 2 and "it is not UTF-8" in fault.message
    path.unlink()
    path.mkdir()
    assert "Is a directory" in one_fault(events_of(tmp_path, WEEK)).message


def test_nothing_of_the_environment_is_filled_in(tmp_path: Path) -> None:
    (tmp_path / "week.home.yaml").write_text(HOME.replace("Two people", "${oc.env:HOME} ???"))
    assert read(events_of(tmp_path, WEEK)).home.description == "${oc.env:HOME} ??? live here."


PIECES = st.sampled_from(
    [*HOME.splitlines(keepends=True), "{", "}", "[", "]", ": ", "- ", "\n", "&a ", "*a ", "!!int ", "'", "? "]
)


@settings(max_examples=50, deadline=None)
@given(st.lists(PIECES | st.text(max_size=4), max_size=12).map("".join))
def test_any_text_is_a_home_or_a_fault(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "home.yaml"
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
        reader = FileReader()
        assert (read_home(path, reader) is None) == bool(reader.faults)
