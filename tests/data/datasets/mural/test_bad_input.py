"""Broken files in MuRAL's format: each is refused with its file and line, and all of them in one pass."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from har_llm.common.errors import DataError, MissingError
from tests.data.datasets.mural_files import (
    ANY_FILES,
    HEADER,
    ROWS,
    activities_file,
    csv_file,
    json_file,
    mural,
    one_fault,
    release,
    sensors_file,
    write_folder,
    write_zip,
)


def test_missing_release(tmp_path: Path) -> None:
    for act in (mural().read, mural().faults):
        with pytest.raises(MissingError) as raised:
            act(tmp_path)
        message = str(raised.value)
        assert message.startswith("MuRAL is missing") and str(tmp_path / "mural") in message and "\n" not in message
        assert "Download MuRAL.zip from https://mural.imag.fr/" in message and "HAR_LLM_DATA" in message


def test_other_places_are_not_looked_for_when_a_place_is_named(tmp_path: Path) -> None:
    write_zip(tmp_path / "MuRAL.zip")
    with pytest.raises(MissingError):
        mural(folder="mine").read(tmp_path)


def test_folder_without_a_release(tmp_path: Path) -> None:
    (tmp_path / "mural").mkdir()
    assert [(Path(fault.path).name, fault.kind) for fault in mural().faults(tmp_path)] == [
        ("sensors.json", "missing file"),
        ("activities.json", "missing file"),
        ("mural", "no recordings"),
    ]


def rows(*changed: str, header: str = HEADER) -> bytes:
    return csv_file(changed, header)


def changed(row: int, old: str, new: str) -> bytes:
    assert old in ROWS[row]
    return rows(*(text.replace(old, new) if number == row else text for number, text in enumerate(ROWS)))


DATA, SENSORS, ACTS = "01/data.csv", "sensors.json", "activities.json"


BAD_FILES: dict[str, tuple[str, bytes | None, int | None, str, str]] = {
    "no events": (DATA, None, None, "missing file", "missing"),
    "no sensors": (SENSORS, None, None, "missing file", "missing"),
    "no activities": (ACTS, None, None, "missing file", "missing"),
    "empty events": (DATA, b"", None, "empty file", "empty"),
    "empty sensors": (SENSORS, b"\n", None, "empty file", "empty"),
    "empty activities": (ACTS, b" ", None, "empty file", "empty"),
    "header only": (DATA, rows(), 1, "empty file", "no rows"),
    "wrong column": (DATA, rows(*ROWS, header=HEADER.replace("Subject", "subject")), 1, "wrong header", HEADER),
    "column missing": (DATA, rows(*ROWS, header="uid,time,sensor,action"), 1, "wrong header", HEADER),
    "a field too few": (DATA, changed(1, ".,0", "."), 3, "wrong number of fields", "has 6 fields"),
    "a comma without quotes": (DATA, changed(1, "the", "the,"), 3, "wrong number of fields", "has 8 fields"),
    "a lost quote": (DATA, changed(2, '"A and', "A and"), 4, "wrong number of fields", "has 9 fields"),
    "a lost quote before a row": (DATA, changed(0, '_1."', "_1."), 2, "wrong quotes", "cannot be split"),
    "a huge text": (DATA, changed(0, "After", "A" * 200_000), 2, "wrong quotes", "characters"),
    "unknown sensor": (DATA, changed(1, "counter", "sofa"), 3, "unknown sensor", "'kitchen sofa mov'"),
    "a sensor's words in disorder": (DATA, changed(1, "kitchen counter", "counter kitchen"), 3, "unknown sensor", "counter"),
    "a room alone, misspelt": (DATA, changed(1, "kitchen counter mov", "kitchn"), 3, "unknown sensor", "'kitchn'"),
    "no action": (DATA, changed(0, "OPENED", ""), 2, "no action", "dataset.actions"),
    "unknown action": (DATA, changed(0, "OPENED", "OPEN"), 2, "unknown action", "'OPEN'"),
    "no time": (DATA, changed(1, "07:22:50", ""), 3, "unreadable time", "HH:MM:SS"),
    "half a time": (DATA, changed(1, "07:22:50", "07:22"), 3, "unreadable time", "'07:22'"),
    "a time that is none": (DATA, changed(1, "07:22:50", "24:00:00"), 3, "unreadable time", "'24:00:00'"),
    "a date": (DATA, changed(1, "07:22:50", "2024-01-01 07:22:50"), 3, "unreadable time", "2024"),
    "other digits": (DATA, changed(1, "07:22:50", "\u0660\u0667:22:50"), 3, "unreadable time", "HH:MM:SS"),
    "out of order": (DATA, changed(1, "07:22:50", "07:21:44"), 3, "event out of order", "61 s before"),
    "unknown activity": (DATA, changed(0, ",6", ",8"), 2, "unknown activity", "'8'"),
    "one activity unknown": (DATA, changed(0, ",6", ',"6, 8"'), 2, "unknown activity", "'6, 8'"),
    "a fraction of an activity": (DATA, changed(0, ",6", ",6.5"), 2, "unknown activity", "'6.5'"),
    "a name for an activity": (DATA, changed(0, ",6", ",leaving"), 2, "unknown activity", "'leaving'"),
    "a negative activity": (DATA, changed(0, ",6", ",-6"), 2, "unknown activity", "'-6'"),
    "a huge activity": (DATA, changed(0, ",6", "," + "6" * 5000), 2, "unknown activity", "5000 characters"),
    "not UTF-8": (DATA, csv_file(ROWS).replace(b"hungry", b"aff\xe9"), 4, "not UTF-8", "byte 0xe9 at offset"),
    "sensors not UTF-8": (SENSORS, sensors_file().replace(b"oven", b"\xff"), 33, "not UTF-8", "byte 0xff at offset"),
    "not JSON": (SENSORS, sensors_file().replace(b'"kitchen"', b"kitchen", 1), 25, "not JSON", "column 22"),
    "half a JSON": (ACTS, activities_file()[:-3], 21, "not JSON", "column"),
    "deep JSON": (ACTS, b"[" * 100_000, None, "not JSON", "recursion"),
    "a huge number in JSON": (ACTS, b"[" + b"9" * 5000 + b"]", None, "not JSON", "digits"),
    "no list": (ACTS, b'{"0": "others"}', None, "wrong JSON", "list of objects with id, name"),
    "an empty list": (SENSORS, b"[]", None, "wrong JSON", "sensor location"),
    "no object": (ACTS, json_file([{"id": 0, "name": "others"}, "eating"]), None, "wrong item", "item 2 is 'eating'"),
    "a key missing": (SENSORS, json_file([{"sensor name": "main door"}]), None, "wrong item", "sensor location"),
    "a number for a name": (ACTS, json_file([{"id": 0, "name": 5}]), None, "wrong item", "item 1"),
    "a text for an id": (ACTS, activities_file({"0": "others"}), None, "wrong item", "whole number"),
    "an id that is true": (ACTS, activities_file({True: "others"}), None, "wrong item", "whole number"),
    "half a character": (ACTS, json_file([{"id": 0, "name": "a \ud800"}]), None, "half a character", "item 1"),
    "half a character in a key": (
        ACTS, json_file([{"id": 0, "name": "others", "\udfff": 1}]), None, "half a character", "\\udfff"
    ),
    "a sensor without a name": (SENSORS, sensors_file([("", "wattmeter", "kitchen")]), None, "wrong item", "non-empty"),
    "a name twice": (ACTS, activities_file({0: "others", 6: "b c", 7: " b\nc", 19: "c"}), None, "activity twice", "item 3"),
    "an id twice": (ACTS, json_file([{"id": 0, "name": n} for n in "ab"]), None, "activity twice", "item 2"),
    "no others": (
        ACTS, activities_file({6: "b", 19: "c", 0: "cooking"}), None, "unknown null class", "dataset.home.null_class"
    ),
}  # fmt: skip


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("name", BAD_FILES)
def test_bad_file(tmp_path: Path, name: str, zipped: bool) -> None:
    file, content, line, kind, words = BAD_FILES[name]
    files = release()
    if kind == "unknown null class":
        files[DATA] = rows(ROWS[0])
    del files[file]
    if content is not None:
        files[file] = content
    root = write_zip(tmp_path / "MuRAL.zip", files) / "MuRAL" if zipped else write_folder(tmp_path / "mural", files)
    fault = one_fault(tmp_path)
    assert (fault.path, fault.line, fault.kind) == (str(root / file), line, kind)
    assert words in fault.message
    assert len(str(fault)) < 700


def test_steps_back_of_up_to_half_a_day_are_faults_each_told_once(tmp_path: Path) -> None:
    times = ("08:00:00", "20:00:00", "08:00:00", "08:00:10", "08:00:20")
    late = [f"{uid},{time},main door,OPENED,A,,6" for uid, time in enumerate(times)]
    write_folder(tmp_path / "mural", release({"01": late}))
    fault = one_fault(tmp_path)
    assert (fault.line, fault.kind) == (4, "event out of order") and "43200 s before" in fault.message


def test_unknown_sensor_is_a_fault_with_short_names_too(tmp_path: Path) -> None:
    write_folder(tmp_path / "mural", release({"01": [ROWS[1].replace("counter", "sofa")]}))
    assert [fault.kind for fault in mural(sensor_names="short").faults(tmp_path)] == ["unknown sensor"]


def test_empty_activity_without_a_null_class_is_a_fault(tmp_path: Path) -> None:
    write_folder(tmp_path / "mural", release({"01": ["0,08:00:00,main door,OPENED,A,,"]}))
    assert [fault.kind for fault in mural(home={"null_class": []}).faults(tmp_path)] == ["unknown activity"]


@pytest.mark.parametrize("name", ["session 1", "01 copy", "train", "00001", "\u0661"])
def test_bad_folder_name(tmp_path: Path, name: str) -> None:
    write_folder(tmp_path / "mural", {**release(), f"{name}/data.csv": csv_file(ROWS)})
    fault = one_fault(tmp_path)
    assert (fault.path, fault.kind) == (str(tmp_path / "mural" / name), "folder name")


def test_every_fault_is_found_in_one_pass(tmp_path: Path) -> None:
    files = release(
        {
            "01": ["0,soon,hall,OPEN,A,,99", *ROWS, "x"],
            "02": [ROWS[0], '5,08:00:00,"main door,OPENED,A,lost,6', ROWS[0]],
            "03": ROWS,
        }
    )
    files["03/data.csv"] = b"uid\n"
    files["04/data.csv"] = csv_file(ROWS).replace(b"hungry", b"\xff").replace(b"OPENED", b"\xfe")
    write_folder(tmp_path / "mural", {**files, "docs/a.txt": b""})
    with pytest.raises(DataError, match="10 faults") as raised:
        mural().read(tmp_path)
    assert Counter(fault.kind for fault in raised.value.faults) == {
        "unreadable time": 1,
        "unknown sensor": 1,
        "unknown action": 1,
        "unknown activity": 1,
        "wrong number of fields": 1,
        "wrong quotes": 1,
        "wrong header": 1,
        "not UTF-8": 2,
        "folder name": 1,
    }
    assert tuple(mural().faults(tmp_path)) == raised.value.faults
    assert "... and 5 more" in str(raised.value)


@pytest.mark.slow
@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, raw: bytes) -> None:
    data = tmp_path_factory.mktemp("any")
    write_folder(data / "mural", {**ANY_FILES, "01/data.csv": csv_file(ROWS[:1]) + raw, "02/data.csv": raw})
    mural().faults(data)
