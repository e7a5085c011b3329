"""Broken logs: one clear fault with file and line, or a repair that is counted; no row disappears."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from har_llm.common import files
from har_llm.common.errors import DataError
from har_llm.data.datasets.base import events_in
from har_llm.data.datasets.logs import lines
from tests.data.datasets.logs.homes import ANNOTATED, CLASSIC, MULTI_RESIDENT, ZENODO, casas
from tests.helpers import only_fault

FINE = "2009-10-16 08:00:00.5 M001 ON"


@pytest.mark.parametrize(
    ("row", "kind", "words"),
    [
        ("2009-10-16 08:00", "unreadable time", None),
        ("2009-10-16", "unreadable time", None),
        (FINE.replace("08:00:00.5", "24:00:00"), "unreadable time", "the time is '2009-10-16 24:00:00'; it must be a time"),
        (FINE.replace("08:00:00.5", "08:61:00"), "unreadable time", None),
        (FINE.replace("08:00:00.5", "8:00:00"), "unreadable time", None),
        (FINE.replace("08:00:00.5", "08:00:00+02:00"), "unreadable time", "must be local ones, without a zone"),
        (FINE.replace("08:00:00.5", "08:00:00Z"), "unreadable time", None),
        (FINE.replace("2009-10-16", "2009-02-29"), "unreadable time", None),
        (FINE.replace("2009-10-16", "16/10/2009"), "unreadable time", None),
        (FINE.replace("2009-10-16", "0000-01-01"), "unreadable time", None),
        (FINE.replace(" ", ";"), "unreadable time", "the time is '2009-10-16;08:00:00.5;M001;ON '"),
        (
            FINE.removesuffix(" ON"),
            "wrong fields",
            "'M001' follows the time; in the form classic there must be sensor, value",
        ),
        (f"{FINE} Sleeping", "wrong fields", "'M001 ON Sleeping' follows the time"),
        (f"{FINE} Sleeping middle", "wrong fields", "dataset.form=classic"),
        (f"{FINE} Sleeping begin begin", "wrong fields", None),
        (f"{FINE} 2 2", "wrong fields", None),
    ],
)
def test_a_broken_row_is_a_fault_with_its_line(tmp_path: Path, row: str, kind: str, words: str | None) -> None:
    dataset = casas(tmp_path, [*CLASSIC, row, FINE])
    if kind == "unreadable time" and len(row.split()) < 4:  # its fields are wrong, too
        assert {(one.line, one.kind) for one in dataset.faults(tmp_path)} >= {(8, kind)}
        return
    fault = only_fault(dataset, tmp_path)
    assert (fault.line, fault.kind) == (8, kind) and (words or "") in fault.message
    assert fault.path == str(tmp_path / "home.txt")


@pytest.mark.parametrize(
    ("rows", "row"),
    [
        (ZENODO, "2011-06-15,08:00:00,Bedroom,ON,Sleep,more"),
        (ZENODO, '2011-06-15,08:00:00,Bedroom,ON,Sleep="middle"'),
        (ZENODO, "2011-06-15,08:00:00,Bedroom"),
        (ANNOTATED, "2011-06-15 08:00:00 Bedroom ON"),
        (ANNOTATED, "2011-06-15 08:00:00 Bedroom Bedroom ON Sleep begin"),
        (MULTI_RESIDENT, "2008-11-10 15:00:00 M22 ON 2"),
        (MULTI_RESIDENT, "2008-11-10 15:00:00 M22 ON 2 2 1"),
        (MULTI_RESIDENT, "2008-11-10 15:00:00 M22 ON two 2"),
        (MULTI_RESIDENT, "2008-11-10 15:00:00 M22 ON 2 ٢"),
    ],
)
def test_a_row_of_another_form_is_a_fault_with_its_line(tmp_path: Path, rows: tuple[str, ...], row: str) -> None:
    fault = only_fault(casas(tmp_path, [*rows, row]), tmp_path)
    assert (fault.line, fault.kind) == (len(rows) + 1, "wrong fields") and row.split("0 ")[-1][-4:] in fault.message


@pytest.mark.parametrize(
    ("sensor", "value"),
    [("M001", "ONf"), ("M001", "OF"), ("c", "ON"), ("X001", "ON"), ("M001", "OPEN"), ("M001", "0ta082"), ("=M1+1", "ON")],
)
def test_what_a_sensor_cannot_say_is_left_out_told_once_and_counted(tmp_path: Path, sensor: str, value: str) -> None:
    row = f"2009-10-16 08:00:00.5 {sensor} {value}"
    recordings = casas(tmp_path, [*CLASSIC, row, row.replace("08:", "09:")]).read(tmp_path)
    assert [(one.line, one.kind) for one in recordings.repairs] == [(8, "unknown value")]
    assert recordings.dropped_events["value or sensor that is not known"] == 2


@pytest.mark.parametrize("label", ["Eat\x1b[31m", "Eat" * 100, "7" * 5_000])
def test_a_label_that_cannot_stand_in_a_line_is_a_fault(tmp_path: Path, label: str) -> None:
    fault = only_fault(casas(tmp_path, [*ZENODO, f"2011-06-15,08:00:00,Bedroom,ON,{label}"]), tmp_path)
    assert (fault.line, fault.kind) == (7, "unusable activity") and "at most 255 printable characters" in fault.message


def test_a_row_of_another_byte_order_or_encoding_is_a_fault(tmp_path: Path) -> None:
    dataset = casas(tmp_path, CLASSIC)
    path = tmp_path / "home.txt"
    path.write_bytes(path.read_bytes() + b"2009-10-16 08:00:00 M\xff01 ON\n")
    fault = only_fault(dataset, tmp_path)
    assert (fault.line, fault.kind) == (8, "not UTF-8") and "byte 0xff, character 22" in fault.message
    path.write_bytes("\n".join(CLASSIC).encode("utf-16"))
    assert {one.kind for one in dataset.faults(tmp_path)} >= {"not UTF-8"}


@pytest.mark.parametrize(
    ("content", "line", "kind"),
    [
        (b"", None, "empty file"),
        (b"\n\n\r\n", None, "no events"),
        (b"date time sensor value\n", 1, "unreadable time"),
        (b"2009-10-16 08:00:00 T001 21\n", None, "no events"),
        (b"\x00" * 50, 1, "unreadable time"),
        (b"PK\x03\x04\x14\x00\xff\n\xfe", None, "zip archive"),
    ],
)
def test_a_broken_file_is_a_fault(tmp_path: Path, content: bytes, line: int | None, kind: str) -> None:
    dataset = casas(tmp_path, CLASSIC)
    (tmp_path / "home.txt").write_bytes(content)
    assert (line, kind) in [(one.line, one.kind) for one in dataset.faults(tmp_path)]
    with pytest.raises(DataError):
        dataset.read(tmp_path)


def test_a_line_without_end_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = casas(tmp_path, [*CLASSIC, "x" * 100, FINE])
    monkeypatch.setattr(files, "BLOCK", 10)
    monkeypatch.setattr(files, "LONGEST_LINE", 60)
    fault = only_fault(dataset, tmp_path)
    assert (fault.line, fault.kind) == (8, "too long a line")


def test_a_file_that_is_too_large_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = casas(tmp_path, CLASSIC)
    monkeypatch.setattr(lines, "MOST_BYTES", 60)
    assert only_fault(dataset, tmp_path).kind == "unreadable"


def test_a_pipe_in_place_of_the_file_is_not_waited_for(tmp_path: Path) -> None:
    dataset = casas(tmp_path, CLASSIC)
    (tmp_path / "home.txt").unlink()
    os.mkfifo(tmp_path / "home.txt")
    assert only_fault(dataset, tmp_path).kind == "unreadable"


def test_an_empty_folder_in_place_of_the_file_is_a_fault(tmp_path: Path) -> None:
    dataset = casas(tmp_path, CLASSIC)
    (tmp_path / "empty").mkdir()
    dataset.path = "empty"
    assert {one.kind for one in dataset.faults(tmp_path)} == {"no recordings"}


def test_a_label_that_the_settings_do_not_list_is_a_fault(tmp_path: Path) -> None:
    fault = only_fault(casas(tmp_path, CLASSIC, home={"activities": {1: "sleeping"}}), tmp_path)
    assert fault.kind == "unknown label" and "'Bed_to_Toilet'; dataset.home.activities lists" in fault.message


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\n\n"])
def test_line_ends_a_byte_order_mark_and_empty_lines_do_not_matter(tmp_path: Path, end: str) -> None:
    expected = casas(tmp_path, CLASSIC).read(tmp_path).sessions
    (tmp_path / "home.txt").write_bytes(b"\xef\xbb\xbf" + (CLASSIC[0] + "\r\n" + end.join(CLASSIC[1:])).encode())
    recordings = casas(tmp_path / "other", CLASSIC).read(tmp_path)
    assert recordings.sessions == expected
    assert {one.kind for one in recordings.repairs} == ({"empty line"} if end == "\n\n" else set())


def test_a_session_of_one_event_and_a_row_twice(tmp_path: Path) -> None:
    assert events_in(casas(tmp_path, [FINE]).read(tmp_path).sessions) == 1
    twice = casas(tmp_path, [FINE, FINE]).read(tmp_path)
    assert events_in(twice.sessions) == 2
    assert [(one.line, one.kind) for one in twice.repairs] == [(2, "row twice")]


ROW = st.tuples(
    st.sampled_from(["2009-10-16", "2009-10-17", "2009-13-01"]),
    st.sampled_from(["08:00:00", "08:30:00.25", "07:59:59", "25:00:00", "1:2:3"]),
    st.sampled_from(["M001", "T001", "D001", "LEAVEHOME", "Kitchen", "?"]),
    st.sampled_from(["ON", "OFF", "21.5", "OPEN", "what"]),
    st.sampled_from(["", "", "Work begin", "Work end", "Rest begin", "Rest", "2 2"]),
).map(" ".join)


@pytest.mark.slow
@settings(max_examples=50)
@given(st.lists(ROW | st.sampled_from(["", " ", "\0", FINE]), max_size=25))
def test_every_row_is_an_event_or_counted_or_a_fault(rows: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        dataset = casas(Path(folder), rows)
        faults = dataset.faults(Path(folder))
        if faults:
            with pytest.raises(DataError):
                dataset.read(Path(folder))
            return
        recordings = dataset.read(Path(folder))
        empty = sum(one.kind == "empty line" for one in recordings.repairs)
        assert events_in(recordings.sessions) + sum(recordings.dropped_events.values()) + empty == len(rows)
        assert all([one.id for one in session.events] == list(range(len(session.events))) for session in recordings.sessions)
