"""Sensors of which nothing is told are named, with the reason and the way out."""

from __future__ import annotations

from pathlib import Path

from tests.data.datasets.own.homes import events_of, history_of, one_fault, read

DOOR = "2026-03-02 07:00:00,hall_door,ON\n2026-03-02 07:00:30,hall_door,OFF\n"
POWERS = """2026-03-02 07:01:00,kettle_power,1800
2026-03-02 07:04:00,kettle_power,0
2026-03-02 07:10:00,stove_power,1200
2026-03-02 07:30:00,stove_power,0
2026-03-02 20:00:00,tv_power,90
2026-03-02 22:00:00,tv_power,0
"""
WEEK = f"time,sensor,value\n{DOOR}{POWERS}"
THRESHOLD = "week.home.yaml (task=init drafts it)"


def test_sensors_of_numbers_are_named_with_what_to_do(tmp_path: Path) -> None:
    names = "kettle_power, stove_power and tv_power"
    assert read(events_of(tmp_path, WEEK)).dropped_events == {
        f"{names} report numbers and have no threshold; give each one in {THRESHOLD}": 6
    }


def test_one_sensor_is_told_in_the_singular(tmp_path: Path) -> None:
    content = f"time,sensor,value\n{DOOR}2026-03-02 07:01:00,kettle_power,1800\n"
    assert read(events_of(tmp_path, content)).dropped_events == {
        f"kettle_power reports numbers and has no threshold; give it one in {THRESHOLD}": 1
    }


def test_of_many_sensors_those_with_most_readings_are_named(tmp_path: Path) -> None:
    rows = [
        f"2026-03-02 08:{sensor:02}:{row:02},s{sensor}_power,{row + 7}\n" for sensor in range(9) for row in range(sensor + 1)
    ]
    (reason,) = read(events_of(tmp_path, f"time,sensor,value\n{DOOR}{''.join(rows)}")).dropped_events
    assert reason.startswith("s8_power, s7_power, s6_power and 6 more report numbers")


def test_each_reason_has_its_own_sensors(tmp_path: Path) -> None:
    states = [("sensor.bath_humidity", 60), ("sensor.bath_humidity", 61), ("update.router", "on"), ("update.router", "off")]
    states += [("sensor.tv_title", f"film {number}") for number in range(13)]
    states += [("binary_sensor.hall_door", "off"), ("binary_sensor.hall_door", "on")]
    rows = "".join(f"{one},{state},2026-03-02T06:{minute:02}:00Z\n" for minute, (one, state) in enumerate(states))
    dropped = read(history_of(tmp_path, "entity_id,state,last_changed\n" + rows)).dropped_events
    place = "history.home.yaml (task=init drafts it)"
    assert dropped == {
        "first state of a sensor, no change": 1,
        f"sensor.tv_title has more than 12 different values; give it words for them in {place}": 13,
        f"sensor.bath_humidity reports numbers and has no threshold; give it one in {place}": 2,
        f"update.router seldom tells what people do; describe it in {place} if it does": 2,
    }


def test_what_the_home_s_file_leaves_out_is_said_to_be_left_out_there(tmp_path: Path) -> None:
    dataset = events_of(tmp_path, WEEK)
    dataset.draft()
    assert read(dataset).dropped_events == {
        "kettle_power, stove_power and tv_power have left_out: true in week.home.yaml": 6
    }


def test_a_home_of_numbers_alone_names_them_in_its_fault(tmp_path: Path) -> None:
    fault = one_fault(events_of(tmp_path, f"time,sensor,value\n{POWERS}"))
    assert "no event is left of it (6: kettle_power, stove_power and tv_power report numbers" in fault.message
