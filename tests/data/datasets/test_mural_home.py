"""Where MuRAL is found, and what its own files say of the home: sensors, rooms, activities."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from har_llm.data.datasets.mural_sensors import Sensor, SensorNames, rooms_of
from tests.data.datasets.mural_files import (
    ACTIVITIES,
    ANNOTATED,
    PIR,
    ROWS,
    SENSORS,
    events_of,
    kinds,
    mural,
    read,
    release,
    sensors_file,
    write_folder,
    write_zip,
)

# Sensors and rooms


def test_short_names(tmp_path: Path) -> None:
    files = release({"01": [ROWS[1], "2,07:23:00,dining room chair_1 contact,CLOSED,A,,0"]})
    events = read(tmp_path, files, sensor_names="short").sessions[0].events
    assert [event.text for event in events] == ["kitchen counter mov turned ON", "dining room chair_1 contact CLOSED"]


def test_long_names_in_data_stay_long(tmp_path: Path) -> None:
    events = events_of(tmp_path, "0,07:23:00,kitchen counter motion sensor,turned ON,A,,0")
    assert events[0].text == "kitchen counter motion sensor turned ON"


def test_every_sensor_has_its_long_name() -> None:
    dataset = mural()
    names = SensorNames([name for name, _, _ in SENSORS], dataset.short_words)
    shorts = {
        "bedroom_1 door": "bedroom_1 door sensor",
        "main door": "main door sensor",
        "kitchen counter mov": "kitchen counter motion sensor",
        "kitchen microwave wattmeter": "kitchen microwave oven wattmeter",
        "dining room chair_1 contact": "dining room chair_1 contact sensor",
        "living room mov": "living room motion sensor",
    }
    assert {short: names.of(short) for short in shorts} == {short: [long] for short, long in shorts.items()}
    assert names.of("kitchen") == () and names.like("kitchen wattmeter") == [
        "kitchen induction stove wattmeter",
        "kitchen microwave oven wattmeter",
    ]
    assert names.like("wattmeter kitchen") == []


@pytest.mark.parametrize(
    ("sensors", "name"),
    [
        ((("hall motion sensor", PIR, "hall"), ("hall motion", PIR, "hall")), "hall mov"),  # two are shortened to it
        ((("hall ceiling motion sensor", PIR, "hall"),), "hall motion"),  # not shortened by the rule
    ],
)
def test_a_long_name_is_never_guessed(tmp_path: Path, sensors: tuple[tuple[str, ...], ...], name: str) -> None:
    rows = [f"{uid},08:00:0{uid},{name},turned ON,A,,0" for uid in range(3)]
    write_folder(tmp_path / "mural", release({"01": rows, "02": rows}, sensors=sensors_file(sensors)))
    recordings = mural().read(tmp_path)
    assert {event.text for session in recordings.sessions for event in session.events} == {f"{name} turned ON"}
    assert kinds(recordings) == {"sensor name kept short": 1}
    assert sensors[0][0] in recordings.repairs[0].message
    assert not mural(sensor_names="short").read(tmp_path).repairs


def test_home_comes_from_the_users_files(tmp_path: Path) -> None:
    home = read(tmp_path).home
    assert home.name == "mural" and not home.synthetic and home.activities == ACTIVITIES and home.null_class == {0}
    assert home.rooms == {
        "bedroom_1": ("door",),
        "bedroom_2": ("door",),
        "bathroom": ("door",),
        "entrance": ("main door",),
        "kitchen": ("counter", "induction stove", "microwave oven", "fridge door"),
        "dining room": ("chair_1", "chair_2"),
        "living room": ("television",),
    }
    assert "Wattmeters" in home.description and not home.rules


def test_activities_have_the_files_own_names_and_order(tmp_path: Path) -> None:
    activities = {25: "se laver", 0: "autres", 6: "été", 19: "dîner"}
    content = json.dumps([{"id": n, "name": name} for n, name in activities.items()], ensure_ascii=False).encode()
    assert list(read(tmp_path, release(activities=content)).home.activities.items()) == list(activities.items())


def test_rooms_of_yaml_take_the_place_of_those_of_the_file(tmp_path: Path) -> None:
    home = read(tmp_path, home={"rooms": {"kitchen": ["stove"], "hall": []}}).home
    assert home.rooms == {"kitchen": ("stove",), "hall": ()}


def test_rooms_of_locations() -> None:
    sensors = [
        Sensor("kitchen motion sensor", PIR, "kitchen"),
        Sensor("kitchen sink motion sensor", PIR, "kitchen sink"),
        Sensor("kitchen sink motion sensor", PIR, "kitchen sink"),
        Sensor("balcony door sensor", "magnetic contact sensor", "balcony door"),
        Sensor("garden", PIR, "garden"),
        Sensor("hatch sensor", PIR, "somewhere"),
    ]
    assert rooms_of(sensors, {"somewhere": "attic"}) == {
        "kitchen": ["sink"],
        "balcony": ["door"],
        "garden": [],
        "attic": ["hatch"],
    }


# Places


def test_folder_zip_and_inner_folder_are_the_same(tmp_path: Path) -> None:
    files = release({"01": ANNOTATED, "02": (ROWS[0], "", *ROWS[1:])})
    write_folder(tmp_path / "plain" / "mural", files)
    write_folder(tmp_path / "inner" / "mural" / "MuRAL", files)
    write_folder(tmp_path / "official" / "MuRAL", files)
    write_zip(tmp_path / "zip" / "MuRAL.zip", files)
    write_zip(tmp_path / "flat zip" / "MuRAL.zip", files, inner="")
    write_zip(tmp_path / "download" / "mural" / "MuRAL.zip", files)
    write_zip(tmp_path / "renamed" / "mural", files)
    found = [(place, mural().read(place)) for place in sorted(tmp_path.iterdir())]
    assert len(found) == 7
    for place, recordings in found:
        expected = found[0][1]
        assert dataclasses.replace(recordings, repairs=()) == dataclasses.replace(expected, repairs=())
        assert [notice[1:] for notice in recordings.repairs] == [notice[1:] for notice in expected.repairs]
        assert all(notice.path.startswith(str(place)) for notice in recordings.repairs)
        assert mural().faults(place) == []


@pytest.mark.parametrize("name", ["MuRAL.zip", "copy.zip", "unpacked"])
def test_folder_may_name_any_place(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    write = write_zip if name.endswith(".zip") else write_folder
    path = write(tmp_path / name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    for folder, data in ((name, tmp_path), (str(path), Path("nowhere")), (f"~/{name}", Path("nowhere")), (name, Path("~"))):
        assert len(mural(folder=folder).read(data).sessions) == 1


def test_context_and_floorplan_are_not_needed(tmp_path: Path) -> None:
    files = {name: content for name, content in release().items() if name.endswith((".csv", "s.json"))}
    assert sorted(files) == ["01/data.csv", "activities.json", "sensors.json"]
    assert read(tmp_path / "few", files) == read(tmp_path / "all")


def test_leavings_of_systems_are_no_fault(tmp_path: Path) -> None:
    files = {
        **release(),
        "__MACOSX/01/._data.csv": b"\xff",
        ".DS_Store": b"\xff",
        ".git/config": b"",
        "01/._data.csv": b"\xff",
    }
    write_folder(tmp_path / "a" / "mural", {**files, "README.txt": b"\xff"})
    path = write_zip(tmp_path / "b" / "MuRAL.zip", {**files, "01/": b""})
    assert mural().faults(tmp_path / "a") == mural().faults(path.parent) == []


def test_zip_with_backslashes_and_nothing_extracted(tmp_path: Path) -> None:
    write_zip(
        tmp_path / "MuRAL.zip", {name.replace("/", "\\"): content for name, content in release().items()}, inner="MuRAL\\"
    )
    assert len(mural().read(tmp_path).sessions) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["MuRAL.zip"]


def test_zip_that_points_outside_is_not_followed(tmp_path: Path) -> None:
    outside = {f"../{name}": content for name, content in release().items()}
    write_zip(tmp_path / "MuRAL.zip", {**release(), **outside, "/etc/passwd": b""}, inner="")
    assert len(mural().read(tmp_path).sessions) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["MuRAL.zip"]
