"""task=init: a home drafted from ids and values; edits are never lost."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from har_llm.common.errors import DataError, HarError, MissingError
from har_llm.common.plain_yaml import texts_of
from har_llm.data.datasets.own.draft import quoted
from har_llm.data.datasets.own.guess import Vocabulary, guess_sensors
from tests.data.datasets.own.homes import HISTORY, WEEK, events_of, history_of, own, read, recorder


def vocabulary(kind: str, folder: Path) -> Vocabulary:
    return own(kind, folder / "x").vocabulary


@pytest.mark.parametrize(
    ("sensor", "values", "text", "remark"),
    [
        ("kitchen_fridge_door", ["on", "off"], "kitchen fridge door OPENED", ""),
        ("doorKitchenFridge", ["1"], "kitchen door fridge OPENED", ""),
        ("motion_living_room_2", ["ON"], "living room motion 2 BEGINS", ""),
        ("bedroom_1_lamp", ["true"], "bedroom 1 lamp turned ON", ""),
        ("BEDROOM 1", ["on"], "bedroom 1 ON", "words"),
        ("küche_herd", ["on"], "küche herd ON", "words"),
        ("M017", ["ON", "OFF"], "home M017 ON", "room and words"),
        ("front_door", ["open", "closed"], "home front door OPENED", "room"),
        ("hall_lock", ["unlocked"], "hall lock UNLOCKED", ""),
        ("hall_button", [""], "hall button REPORTS", ""),
        ("hall_tv", ["playing loud"], "hall tv playing loud", ""),
        ("客厅_电视", ["on"], "home 客厅 电视 ON", "room and words"),
    ],
)
def test_a_sensor_is_guessed_from_its_id_and_values(
    tmp_path: Path, sensor: str, values: list[str], text: str, remark: str
) -> None:
    made, said = guess_sensors({sensor: values}, {}, vocabulary("events", tmp_path))[sensor]
    assert " ".join(filter(None, (made.room, made.name, made.states[values[0]]))) == text and said == remark


def test_ids_that_begin_alike_are_taken_for_one_room(tmp_path: Path) -> None:
    found = guess_sensors({"loft_a": ["on"], "loft_b": ["on"]}, {}, vocabulary("events", tmp_path))
    assert {(guess.sensor.room, guess.remark) for guess in found.values()} == {("loft", "room and words")}


def test_what_reports_no_states_is_left_out_and_says_why(tmp_path: Path) -> None:
    values = {"hall_temperature": ["19,5", "21"], "hall_text": [f"word {number}" for number in range(13)]}
    found = guess_sensors(values, {}, vocabulary("events", tmp_path))
    assert all(guess.sensor.left_out for guess in found.values())
    assert found["hall_temperature"].remark.startswith("numbers, 19.5 to 21; to use it: room, name, threshold: X")
    assert found["hall_text"].remark.startswith("13 different values; to use it")


@pytest.mark.parametrize(
    ("entity", "attributes", "said"),
    [
        ("binary_sensor.x", {"device_class": "window"}, "OPENED"),
        ("binary_sensor.x", {"device_class": "occupancy"}, "BEGINS"),
        ("light.x", {}, "turned ON"),
        ("cover.x", {}, "OPENED"),
        ("binary_sensor.x", {"device_class": "connectivity"}, None),
        ("binary_sensor.phone_battery", {}, None),
        ("automation.x", {}, None),
        ("binary_sensor.x", {"device_class": ["odd"], "friendly_name": 3}, "ON"),
    ],
)
def test_entities_of_home_assistant(tmp_path: Path, entity: str, attributes: dict[str, object], said: str | None) -> None:
    made, _ = guess_sensors({entity: ["on", "off"]}, {entity: attributes}, vocabulary("home_assistant", tmp_path))[entity]
    assert made.left_out if said is None else made.states["on"] == said


@pytest.mark.parametrize(
    ("entity", "attributes", "name"),
    [
        ("light.bedroom", {}, "light"),
        ("media_player.bedroom", {"friendly_name": "Bedroom"}, "media player"),
        ("binary_sensor.bedroom", {"device_class": "motion"}, "motion"),
        ("binary_sensor.bedroom", {"device_class": "odd"}, "sensor"),
        ("light.bedroom_desk", {}, "desk"),
    ],
)
def test_an_entity_that_is_called_after_its_room_has_the_name_of_its_kind(
    tmp_path: Path, entity: str, attributes: dict[str, object], name: str
) -> None:
    made, _ = guess_sensors({entity: ["on", "off"]}, {entity: attributes}, vocabulary("home_assistant", tmp_path))[entity]
    assert (made.room, made.name) == ("bedroom", name)


def test_the_draft_says_what_is_read_without_it(tmp_path: Path) -> None:
    for dataset in (events_of(tmp_path, WEEK), history_of(tmp_path, HISTORY, "+dataset.timezone=UTC")):
        before = read(dataset)
        said = dataset.draft()
        assert "sensors, 0 of them left out; look at its lines marked # check" in said
        after = read(dataset)
        assert (after.home, after.sessions) == (before.home, before.sessions) and not after.repairs


def test_a_second_run_changes_nothing(tmp_path: Path) -> None:
    dataset = events_of(tmp_path, WEEK)
    dataset.draft()
    path = tmp_path / "week.home.yaml"
    path.write_text(path.read_text() + "# my remark\n")
    before = path.read_bytes()
    assert "has every sensor of" in dataset.draft() and path.read_bytes() == before


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_new_sensors_are_added_and_every_edit_is_kept(tmp_path: Path, end: str) -> None:
    events_of(tmp_path, WEEK).draft()
    path = tmp_path / "week.home.yaml"
    edited = (
        path.read_text()
        .replace("name: fridge door", "name: refrigerator")
        .replace("sensors:\n", "sensors:  # mine\n\n  # old\n")
    )
    edited = (
        "# Above.\n"
        + edited.rstrip("\n")
        + "  # last\n\n  # an idea\nrules_of_mine: []\n".replace("rules_of_mine: []\n", "")
    )
    path.write_bytes(edited.replace("\n", end).encode())
    dataset = events_of(tmp_path, WEEK + "2026-03-04 08:00:00,küche_数,on,\n2026-03-04 08:00:00,b: {x},on,\n")
    assert "2 new sensors added below the others" in dataset.draft()
    new = path.read_bytes().decode()
    for line in edited.splitlines():
        assert line in new
    texts = [event.text for event in read(dataset).sessions[-1].events]
    assert texts == ["küche 数 ON", "home b x ON"] and "refrigerator" in read(dataset).home.rooms["kitchen"]


def test_sensors_in_another_place_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "week.home.yaml").write_text("sensors:\n    a: {name: x}\nactivities: {1: y}\n")
    dataset = events_of(tmp_path, "time,sensor,value\n2026-03-04 08:00:00,hall_door,on\n")
    dataset.draft()
    said = (tmp_path / "week.home.yaml").read_text().splitlines()
    assert (
        said[1].startswith("    a:") and said[2].startswith("    hall_door: {room: hall") and said[3] == "activities: {1: y}"
    )


@pytest.mark.parametrize(
    "sensors", ["sensors: {a: {name: x}}\n", "", '"sensors":\n  a: {name: x}\n', "sensors: {\n  a: {name: x}}\n"]
)
def test_where_no_line_can_be_added_the_file_stays_and_the_lines_are_shown(tmp_path: Path, sensors: str) -> None:
    path = tmp_path / "week.home.yaml"
    path.write_text("activities: {1: y}\n" + sensors)
    before = path.read_bytes()
    with pytest.raises(HarError, match=r"write these below `sensors:`:\n  hall_door: \{room: hall"):
        events_of(tmp_path, "time,sensor,value\n2026-03-04 08:00:00,hall_door,on\n").draft()
    assert path.read_bytes() == before


def test_a_link_stays_a_link_and_what_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "homes").mkdir()
    link = tmp_path / "week.home.yaml"
    link.symlink_to(tmp_path / "homes" / "mine.yaml")
    events_of(tmp_path, WEEK).draft()
    events_of(tmp_path, WEEK + "2026-03-04 08:00:00,loft_lamp,on,\n").draft()
    assert link.is_symlink() and "loft_lamp" in (tmp_path / "homes" / "mine.yaml").read_text()
    with pytest.raises(MissingError, match=r"cannot be written .* set dataset\.home_path"):
        events_of(tmp_path, WEEK, f"dataset.home_path={tmp_path}/week.csv/home.yaml").draft()


def test_a_broken_file_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "week.home.yaml"
    path.write_text("sensors: [")
    with pytest.raises(DataError, match=r"it is no YAML"):
        events_of(tmp_path, WEEK).draft()
    assert path.read_text() == "sensors: ["
    with pytest.raises(DataError):
        events_of(tmp_path, "time,sensor\nx,y\n", name="other.csv").draft()
    assert not (tmp_path / "other.home.yaml").exists()


def test_names_of_a_database_are_friendly_names(tmp_path: Path) -> None:
    path = recorder(tmp_path / "ha.db", [("binary_sensor.x1", "off", None, 1e9), ("binary_sensor.x1", "on", None, 2e9)])
    own("home_assistant", path).draft()
    assert 'room: küche, name: tür, states: {"off": CLOSED, "on": OPENED}' in (tmp_path / "ha.home.yaml").read_text()


@settings(max_examples=50, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=12))
def test_a_quoted_text_is_read_back(text: str) -> None:
    found = texts_of(f"a: {{{quoted(text)}: {quoted(text)}}}\n").value
    assert isinstance(found, dict)
    held = found["a"].value
    assert isinstance(held, dict) and [(key, one.value) for key, one in held.items()] == [(text, text)]


def test_any_ids_and_values_make_a_file_that_is_read(tmp_path: Path) -> None:
    rows = [
        '"a: b"',
        "#x",
        "- y",
        "on",
        "'q'",
        '"a,b"',
        "[z]",
        "{w}",
        "é数م",
        "null",
        "1.5",
        "=1+1",
        "*a",
        "&b",
        "!c",
        "%d",
        "~",
    ]
    values = ["on", "yes", "#", "a: b", "'", "*", "-1x"]
    content = "time,sensor,value,activity\n" + "".join(
        f"2026-03-02 07:{number:02d}:00,{row},{values[number % 7]},{row}\n" for number, row in enumerate(rows)
    )
    dataset = events_of(tmp_path, content)
    before = read(dataset)
    dataset.draft()
    assert (read(dataset).home, read(dataset).sessions) == (before.home, before.sessions)
