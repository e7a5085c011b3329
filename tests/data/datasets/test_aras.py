"""ARAS: days as its documentation shows them, with the events that must come of them; and broken ones."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from har_llm.common.errors import ConfigError, DataError, MissingError
from har_llm.data.datasets.aras import Aras
from tests.helpers import load, only_fault


def row(active: Sequence[int], first: int = 12, second: int = 17) -> str:
    """`active`: the columns that are 1, from 1."""
    return " ".join([*("1" if column in active else "0" for column in range(1, 21)), str(first), str(second)])


def aras(data: Path, days: dict[str, Sequence[str]], /, **changes: Any) -> Aras:
    """The dataset, with its files in data/aras."""
    dataset = load("dataset/aras", Aras, **changes) if changes else shipped()
    dataset.check()
    dataset.expected = {}
    folder = data / "aras" / f"House {dataset.house}"
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in days.items():
        (folder / name).write_text("".join(f"{one}\n" for one in rows))
    return dataset


@cache
def shipped() -> Aras:
    return load("dataset/aras", Aras)


DAYS = {
    "DAY_2.txt": [row([4], 12, 12), row([4], 12, 12), row([], 2, 12)],
    "DAY_10.txt": [row([]), row([])],
    "DAY_1.txt": [row([]), *[row([])] * 9, row([15]), row([15], 12, 1), row([1, 12], 12, 1), row([1, 12], 1, 1)],
    "README": ["Ph1 Photocell Wardrobe"],
}


def test_a_change_of_a_sensor_is_an_event_with_the_activities_of_both_residents(tmp_path: Path) -> None:
    recordings = aras(tmp_path, DAYS).read(tmp_path)
    assert [session.id for session in recordings.sessions] == ["day 1", "day 2", "day 10"]
    assert [(one.id, one.time, one.text, one.activities) for one in recordings.sessions[0].events] == [
        (0, "00:00:10", "hall presence BEGINS", (12, 17)),
        (1, "00:00:12", "bedroom wardrobe 1 OPENED", (1, 12)),
        (2, "00:00:12", "hall house door OPENED", (1, 12)),
        (3, "00:00:12", "hall presence ENDS", (1, 12)),
    ]
    assert [(one.time, one.text, one.activities) for one in recordings.sessions[1].events] == [
        ("00:00:02", "living room couch 1 RELEASED", (2, 12)),
    ]
    assert {one.subjects for session in recordings.sessions for one in session.events} == {()}
    assert {one.date for session in recordings.sessions for one in session.events} == {None}
    assert [one.kind for one in recordings.repairs] == ["other number of rows"] * 3


def test_a_whole_day_ends_a_second_before_midnight(tmp_path: Path) -> None:
    recordings = aras(tmp_path, {"DAY_1.txt": [row([])] * 86_399 + [row([20], 11, 11)]}).read(tmp_path)
    assert [(one.time, one.text, one.activities) for one in recordings.sessions[0].events] == [
        ("23:59:59", "bedroom bed PRESSED", (11,))
    ]
    assert not recordings.repairs


def test_the_other_house_has_other_sensors(tmp_path: Path) -> None:
    recordings = aras(tmp_path, {"DAY_1.txt": [row([]), row([1])]}, house="B").read(tmp_path)
    assert recordings.home.name == "aras_B" and recordings.sessions[0].events[0].text == "kitchen cupboard 1 OPENED"
    assert sum(len(things) for things in recordings.home.rooms.values()) == 20


def test_the_null_class_may_be_dropped(tmp_path: Path) -> None:
    recordings = aras(tmp_path, DAYS, null_class="dropped").read(tmp_path)
    assert {one.activities for one in recordings.sessions[0].events} == {(12, 17), (12,)}


@pytest.mark.parametrize(
    ("line", "kind", "words"),
    [
        (row([])[:-3], "wrong number of fields", "has 21 fields; a row must have 20 sensors"),
        (row([]) + " 1", "wrong number of fields", "has 23 fields"),
        (row([]).replace(" ", ","), "wrong number of fields", "has 1 field"),
        (row([]).replace("0", "2", 1), "unknown value", "sensor 1 is '2'; it must be 0 or 1"),
        (row([]).replace("0", "0.0", 1), "unknown value", None),
        (row([], 28), "unknown activity", "resident 1 has '28'"),
        (row([], 12, 0), "unknown activity", "resident 2 has '0'"),
        (row([]).replace("17", "=17"), "unknown activity", None),
        ("\0" * 40, "wrong number of fields", None),
    ],
)
def test_a_broken_row_is_a_fault_with_its_line(tmp_path: Path, line: str, kind: str, words: str | None) -> None:
    fault = only_fault(aras(tmp_path, {"DAY_1.txt": [row([]), line, row([3])]}), tmp_path)
    assert (fault.line, fault.kind) == (2, kind) and (words or "") in fault.message
    assert fault.path.endswith("House A/DAY_1.txt")


def test_an_empty_file_and_an_empty_folder_are_faults(tmp_path: Path) -> None:
    assert only_fault(aras(tmp_path, {"DAY_1.txt": []}), tmp_path).kind == "empty file"
    assert only_fault(aras(tmp_path / "other", {"README": ["x"]}), tmp_path / "other").kind == "no recordings"


@pytest.mark.parametrize("end", ["\r\n", "\n\n"])
def test_line_ends_and_empty_lines_do_not_matter(tmp_path: Path, end: str) -> None:
    dataset = aras(tmp_path, DAYS)
    expected = dataset.read(tmp_path).sessions[0]
    (tmp_path / "aras" / "House A" / "DAY_1.txt").write_bytes(b"\xef\xbb\xbf" + end.join(DAYS["DAY_1.txt"]).encode())
    recordings = dataset.read(tmp_path)
    assert recordings.sessions[0] == expected
    assert ("empty line" in {one.kind for one in recordings.repairs}) == (end == "\n\n")


def test_an_empty_first_line_is_no_second(tmp_path: Path) -> None:
    recordings = aras(tmp_path, {"DAY_1.txt": ["", row([]), row([1])]}).read(tmp_path)
    assert [one.time for one in recordings.sessions[0].events] == ["00:00:01"]
    assert [(one.line, one.kind) for one in recordings.repairs] == [(1, "empty line"), (None, "other number of rows")]
    assert "has 2 rows" in recordings.repairs[1].message


def test_two_files_of_a_day_are_a_fault(tmp_path: Path) -> None:
    fault = only_fault(aras(tmp_path, {"DAY_1.txt": [row([])], "day_1.TXT": [row([])]}), tmp_path)
    assert fault.kind == "day twice" and fault.path.endswith("day_1.TXT") and "as is DAY_1.txt" in fault.message


def test_a_missing_home_says_where_it_is_to_be_had(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match=r"no folder '.*House B'.*cmpe\.boun\.edu\.tr.*not checked.*2013.*HAR_LLM_DATA"):
        aras(tmp_path, DAYS, house="B").read(tmp_path / "elsewhere")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"house": "C"}, "dataset.house is 'C'"),
        ({"houses": {"B": {"sensors": {"more": {"room": "r", "name": "n", "states": []}}}}}, "B.sensors has 21 sensors"),
        (
            {"houses": {"A": {"sensors": {"Ph1": {"states": ["ON"]}}}}},
            r"A\.sensors\.Ph1\.states is \['ON'\]",
        ),
    ],
)
def test_wrong_settings(tmp_path: Path, changes: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        aras(tmp_path, DAYS, **changes)


ROWS = st.lists(st.tuples(st.sets(st.integers(1, 20), max_size=3), st.integers(0, 28), st.integers(1, 27)), max_size=20)


@settings(max_examples=50)
@given(ROWS)
def test_every_change_is_an_event_and_every_broken_row_a_fault(rows: list[tuple[set[int], int, int]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        lines = [row(sorted(active), first, second) for active, first, second in rows]
        dataset = aras(Path(folder), {"DAY_1.txt": lines})
        broken = [place for place, (_, first, _) in enumerate(rows, start=1) if first in (0, 28)]
        if broken or not rows:
            with pytest.raises(DataError):
                dataset.read(Path(folder))
            repeated = [place for place in broken if lines[place - 1 : place] != lines[place - 2 : place - 1]]
            assert [one.line for one in dataset.faults(Path(folder))] == (repeated if rows else [None])
            return
        events = dataset.read(Path(folder)).sessions[0].events
        assert len(events) == sum(len(one[0] ^ other[0]) for one, other in pairwise(rows))
