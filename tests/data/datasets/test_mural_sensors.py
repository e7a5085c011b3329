"""MuRAL's sensors have long and short names, and stand in rooms."""

from __future__ import annotations

from pathlib import Path

import pytest

from har_llm.data.datasets.mural_sensors import Sensor, SensorNames, rooms_of_sensors
from tests.data.datasets.mural_files import (
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


def test_rooms_of_locations() -> None:
    sensors = [
        Sensor("kitchen motion sensor", PIR, "kitchen"),
        Sensor("kitchen sink motion sensor", PIR, "kitchen sink"),
        Sensor("kitchen sink motion sensor", PIR, "kitchen sink"),
        Sensor("balcony door sensor", "magnetic contact sensor", "balcony door"),
        Sensor("garden", PIR, "garden"),
        Sensor("hatch sensor", PIR, "somewhere"),
    ]
    assert rooms_of_sensors(sensors, {"somewhere": "attic"}) == {
        "kitchen": ["sink"],
        "balcony": ["door"],
        "garden": [],
        "attic": ["hatch"],
    }


def test_many_sensors_take_no_longer_for_each(tmp_path: Path) -> None:
    count = 8_000  # compared with each other they would take half a minute
    sensors = [Sensor(f"room_{number} lamp sensor", PIR, f"room_{number} corner") for number in range(count)]
    sensors += [Sensor(f"room_{number} sensor", PIR, f"room_{number}") for number in range(count)]
    rooms = rooms_of_sensors(sensors, {})
    assert len(rooms) == count and rooms["room_7"] == ["lamp"]
    names = SensorNames([sensor.name for sensor in sensors], {})
    assert [names.like(f"room_{number} lamp") for number in range(count)][7] == ["room_7 lamp sensor"]
    assert names.like("room_7 lamp sofa") == names.like("lamp room_7") == []
