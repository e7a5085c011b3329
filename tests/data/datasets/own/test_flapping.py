"""Sensors that change their state many times within seconds: they are said, and their events are kept."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import accumulate
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from har_llm.data.datasets.own.flapping import CHANGES, WITHIN
from har_llm.data.datasets.own.flapping import flapping as flapping_of
from tests.data.datasets.own.homes import HISTORY, events_of, history_of, kinds, read

NOON = datetime(2026, 3, 2, 12)
QUICK = WITHIN / (CHANGES - 1)


def changes(sensor: str, count: int, step: timedelta, start: datetime = NOON) -> list[tuple[datetime, str, str]]:
    return [(start + place * step, sensor, ("on", "off")[place % 2]) for place in range(count)]


def flapping(said: list[tuple[datetime, str, str]]) -> dict[str, int]:
    return flapping_of([moment for moment, *_ in said], [(sensor, state) for _, sensor, state in said], lambda pair: pair[1])


def test_a_sensor_flaps_with_so_many_changes_within_so_many_seconds() -> None:
    assert flapping(changes("a", CHANGES, QUICK)) == {"a": CHANGES}
    assert not flapping(changes("a", CHANGES - 1, QUICK))
    assert not flapping(changes("a", CHANGES, QUICK + timedelta(milliseconds=1)))


def test_only_the_changes_within_such_seconds_count_each_once() -> None:
    later = changes("a", 30, timedelta(minutes=1), NOON + timedelta(hours=1))
    assert flapping([*changes("a", CHANGES + 3, QUICK), *later]) == {"a": CHANGES + 3}


def test_a_state_that_is_reported_again_is_no_change() -> None:
    assert not flapping([(NOON, "a", "on")] * 100)


def test_sensors_that_change_together_do_not_flap_and_the_worst_is_first() -> None:
    assert not flapping([(NOON, f"sensor {number}", "on") for number in range(100)])
    both = sorted([*changes("a", CHANGES, QUICK), *changes("b", CHANGES + 1, QUICK)])
    assert list(flapping(both)) == ["b", "a"]


@given(
    st.lists(
        st.tuples(st.sampled_from([0, 1, 2, 5, 11]), st.sampled_from("ab"), st.sampled_from(["on", "off"])),
        max_size=40,
    )
)
def test_it_is_what_counting_one_by_one_finds(steps: list[tuple[int, str, str]]) -> None:
    moments = accumulate((timedelta(seconds=step) for step, _, _ in steps), initial=NOON)
    said = [(moment, sensor, state) for moment, (_, sensor, state) in zip(moments, steps, strict=False)]
    expected = {}
    for sensor in "ab":
        states = [(moment, state) for moment, one, state in said if one == sensor]
        times = [moment for place, (moment, state) in enumerate(states) if not place or states[place - 1][1] != state]
        starts = [place for place in range(len(times) - CHANGES + 1) if times[place + CHANGES - 1] - times[place] <= WITHIN]
        if close := {place + more for place in starts for more in range(CHANGES)}:
            expected[sensor] = len(close)
    assert flapping(said) == expected


def history(count: int) -> str:
    """An hour after those of HISTORY, a change each second."""
    rows = (
        f"binary_sensor.hall_motion,{('off', 'on')[place % 2]},2026-03-02T07:10:{place:02}+00:00\n" for place in range(count)
    )
    return HISTORY + "".join(rows)


def test_a_home_says_which_sensors_flap_and_keeps_their_events(tmp_path: Path) -> None:
    recordings = read(history_of(tmp_path, history(20), "+dataset.timezone=UTC"))
    assert sum(len(session.events) for session in recordings.sessions) == 3 + 20
    (notice,) = [one for one in recordings.repairs if one.kind == "flapping sensor"]
    assert notice.line is None
    assert notice.message == (
        "1 sensor changes 6 times or more within 10 seconds: 'binary_sensor.hall_motion' (20 such changes); all are "
        "kept: mend the sensor, move its threshold, or leave it out (left_out: true)"
    )


def test_a_sensor_that_is_left_out_is_not_named(tmp_path: Path) -> None:
    home = tmp_path / "history.home.yaml"
    home.write_text(
        "activities: {1: cooking}\nsensors:\n  binary_sensor.hall_motion: {left_out: true}\n"
        "  binary_sensor.kitchen_fridge_door: {room: kitchen, name: fridge}\n"
    )
    assert "flapping sensor" not in kinds(read(history_of(tmp_path, history(20), "+dataset.timezone=UTC")))


def test_the_draft_names_it_and_marks_its_line(tmp_path: Path) -> None:
    said = history_of(tmp_path, history(20), "+dataset.timezone=UTC").draft()
    assert "1 sensor changes 6 times or more within 10 seconds: 'binary_sensor.hall_motion' (20 such changes)" in said
    lines = (tmp_path / "history.home.yaml").read_text().splitlines()
    assert [line.split(":")[0].strip() for line in lines if line.endswith("# check flaps")] == ["binary_sensor.hall_motion"]


def test_a_table_of_events_says_it_too_and_a_quiet_home_does_not(tmp_path: Path) -> None:
    rows = "".join(f"2026-03-02 07:00:{second:02},hall_motion,{second % 2}\n" for second in range(10))
    assert "flapping sensor" in kinds(read(events_of(tmp_path, "time,sensor,value\n" + rows)))
    assert "flapping sensor" not in kinds(read(history_of(tmp_path, HISTORY, "+dataset.timezone=UTC")))
