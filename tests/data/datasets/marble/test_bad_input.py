"""Broken files in MARBLE's format: each is refused with its file and line, and all of them in one pass."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from har_llm.common.errors import DataError, MissingError
from har_llm.common.notices import Notice
from har_llm.data.datasets import files
from har_llm.data.datasets.marble import Marble
from tests.data.datasets.marble_files import (
    EVENT_ROWS,
    EVENTS_HEADER,
    LABEL_ROWS,
    LABELS_HEADER,
    START,
    write,
    write_instance,
)
from tests.helpers import load


@pytest.fixture
def marble() -> Marble:
    dataset = load("dataset/marble", Marble)
    dataset.check()
    return dataset


def one_fault(marble: Marble, data: Path) -> Notice:
    faults = marble.faults(data)
    assert len(faults) == 1, [str(fault) for fault in faults]
    with pytest.raises(DataError) as raised:
        marble.read(data)
    assert raised.value.faults == tuple(faults)
    assert str(faults[0]) in str(raised.value)
    return faults[0]


def test_missing_folder(marble: Marble, tmp_path: Path) -> None:
    for act in (marble.read, marble.faults):
        with pytest.raises(MissingError) as raised:
            act(tmp_path)
        message = str(raised.value)
        assert str(tmp_path / "marble") in message and "Download" in message and "HAR_LLM_DATA" in message
        assert "\n" not in message


def test_folder_without_scenarios(marble: Marble, tmp_path: Path) -> None:
    (tmp_path / "marble").mkdir()
    fault = one_fault(marble, tmp_path)
    assert (fault.path, fault.kind) == (str(tmp_path / "marble"), "no recordings")


Change = Callable[[Path], object]


def environmental(*rows: str, header: str = EVENTS_HEADER) -> Change:
    return lambda folder: write(folder / "environmental.csv", header, rows)


def labels(*rows: str, header: str = LABELS_HEADER) -> Change:
    return lambda folder: write(folder / "subject-200" / "labels.csv", header, rows)


def remove(name: str) -> Change:
    return lambda folder: (folder / name).unlink()


FIRST, SECOND, THIRD = EVENT_ROWS


BAD_FILES: dict[str, tuple[Change, str, int | None, str, str]] = {
    "missing events": (remove("environmental.csv"), "events", None, "missing file", "missing"),
    "missing labels": (remove("subject-200/labels.csv"), "labels", None, "missing file", "missing"),
    "empty events": (lambda folder: (folder / "environmental.csv").write_bytes(b""), "events", None, "empty file", "empty"),
    "empty labels": (
        lambda folder: (folder / "subject-200/labels.csv").write_bytes(b"\r\n"), "labels", None, "empty file", "empty"
    ),
    "no event": (environmental(), "events", 1, "empty file", "no rows"),
    "no event, but an empty line": (environmental(" "), "events", 1, "empty file", "no rows"),
    "wrong column": (
        environmental(FIRST, header="sensor,sensor_status,ts,subject_id"), "events", 1, "wrong header", "sensor,sensor"
    ),
    "wrong column of labels": (labels(*LABEL_ROWS, header="start,end,act"), "labels", 1, "wrong header", "ts_start"),
    "a field too few": (environmental(FIRST, 'R1,"OFF"'), "events", 3, "wrong number of fields", "2 fields"),
    "a field too many": (labels(f"{START},{START},EATING,1"), "labels", 2, "wrong number of fields", "4 fields"),
    "unknown sensor": (environmental(FIRST, FIRST.replace("R1", "R3")), "events", 3, "unknown sensor", "'R3'"),
    "phone in the wrong file": (environmental(FIRST.replace("R1", "S1")), "events", 2, "unknown sensor", "'S1'"),
    "unknown status": (environmental(FIRST.replace("ON", "OPEN")), "events", 2, "unknown status", "'OPEN'"),
    "no time": (environmental('R1,"ON",yesterday,"200"'), "events", 2, "unreadable time", "'yesterday'"),
    "seconds": (environmental('R1,"ON",1542203895,"200"'), "events", 2, "unreadable time", "13 digits"),
    "a label's time": (labels(f"{START},soon,EATING", *LABEL_ROWS), "labels", 2, "unreadable time", "ts_end is 'soon'"),
    "out of order": (environmental(SECOND, FIRST, THIRD), "events", 3, "event out of order", f"{START + 1000}"),
    "unknown label": (labels(f"{START},{START + 60000},DANCING"), "labels", 2, "unknown label", "'DANCING'"),
    "unknown subject": (environmental(FIRST.replace("200", "299")), "events", 2, "unknown subject", "'299'"),
    "no label": (labels(LABEL_ROWS[0], f"{START + 5000},{START + 8000},COOKING"), "events", 4, "no label", "subject-200"),
    "contradicting labels": (
        labels(*LABEL_ROWS, f"{START + 9000},{START + 9000},EATING"), "events", 4, "contradicting labels", "3 and 4"
    ),
    "a lost quote": (environmental(FIRST.replace('"ON"', '"ON'), SECOND), "events", 2, "unknown status", "'\"ON'"),
    "a null byte": (environmental(FIRST.replace("R1", "R\0"), SECOND), "events", 2, "unknown sensor", r"\x00"),
    "a huge field": (environmental("R" * 200_000 + FIRST, SECOND), "events", 2, "unknown sensor", "200002 characters"),
    "a huge number": (environmental(f'R1,"ON",{"9" * 5000},"200"'), "events", 2, "unreadable time", "5000 characters"),
    "other digits": (environmental('R1,"ON",' + "\u0661" * 13 + ',"200"'), "events", 2, "unreadable time", "13 digits"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_FILES)
def test_bad_file(marble: Marble, tmp_path: Path, name: str) -> None:
    change, file, line, kind, words = BAD_FILES[name]
    folder = write_instance(tmp_path)
    change(folder)
    fault = one_fault(marble, tmp_path)
    assert fault.path == str(folder / {"events": "environmental.csv", "labels": "subject-200/labels.csv"}[file])
    assert (fault.line, fault.kind) == (line, kind)
    assert words in fault.message
    assert len(str(fault)) < 600


@pytest.mark.parametrize("name", ["A1", "a1m", "A0m", "A1x", "AA1m", "docs", "instance1"])
def test_bad_scenario_name(marble: Marble, tmp_path: Path, name: str) -> None:
    write_instance(tmp_path)
    (tmp_path / "marble" / name).mkdir()
    fault = one_fault(marble, tmp_path)
    assert (fault.path, fault.kind) == (str(tmp_path / "marble" / name), "folder name")


@pytest.mark.parametrize(
    "name", ["instance0", "instance01", "instance", "instance-1", "session1", "instance1 copy", "instance\u0663"]
)
def test_bad_instance_name(marble: Marble, tmp_path: Path, name: str) -> None:
    write_instance(tmp_path)
    (tmp_path / "marble" / "A1a" / name).mkdir()
    assert one_fault(marble, tmp_path).kind == "folder name"


def test_scenario_without_instances(marble: Marble, tmp_path: Path) -> None:
    write_instance(tmp_path)
    (tmp_path / "marble" / "B1m").mkdir()
    assert one_fault(marble, tmp_path).kind == "no recordings"


def test_a_folder_in_place_of_a_file(marble: Marble, tmp_path: Path) -> None:
    folder = write_instance(tmp_path)
    (folder / "environmental.csv").unlink()
    (folder / "environmental.csv").mkdir()
    assert one_fault(marble, tmp_path).kind == "unreadable"


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_byte_that_is_not_utf8_is_named_with_line_and_offset(marble: Marble, tmp_path: Path, mark: bytes) -> None:
    path = write_instance(tmp_path) / "environmental.csv"
    raw = mark + path.read_bytes().replace(b"OFF", b"O\xfcF")
    path.write_bytes(raw)
    fault = one_fault(marble, tmp_path)
    assert (fault.line, fault.kind) == (3, "not UTF-8")
    assert f"byte 0xfc at offset {raw.index(0xFC)} " in fault.message


def test_header_that_is_not_utf8(marble: Marble, tmp_path: Path) -> None:
    path = write_instance(tmp_path) / "environmental.csv"
    path.write_bytes(b"\xff" + path.read_bytes())
    assert one_fault(marble, tmp_path)[1:3] == (1, "not UTF-8")


def test_every_fault_is_found_in_one_pass(marble: Marble, tmp_path: Path) -> None:
    write_instance(tmp_path, "A1a/instance1", events=['R3,"OPEN",soon,"299"', FIRST.replace("R1", "R9"), FIRST, "x"])
    write_instance(tmp_path, "A1a/instance2", labels=[f"{START},soon,DANCING"])
    path = write_instance(tmp_path, "B1m/instance1") / "environmental.csv"
    path.write_bytes(path.read_bytes().replace(b"ON", b"\xff\xfe").replace(b"R1", b"R8"))
    (tmp_path / "marble" / "Z").mkdir()
    faults = marble.faults(tmp_path)
    assert Counter(fault.kind for fault in faults) == {
        "unknown sensor": 3,
        "unknown status": 1,
        "unreadable time": 2,
        "unknown subject": 1,
        "wrong number of fields": 1,
        "unknown label": 1,
        "not UTF-8": 2,
        "folder name": 1,
    }
    with pytest.raises(DataError, match="12 faults") as raised:
        marble.read(tmp_path)
    assert "... and 7 more" in str(raised.value)


def test_order_is_checked_on_rows_with_other_faults(marble: Marble, tmp_path: Path) -> None:
    write_instance(tmp_path, events=[SECOND, FIRST.replace("R1", "R9"), THIRD])
    assert [(fault.line, fault.kind) for fault in marble.faults(tmp_path)] == [
        (3, "unknown sensor"),
        (3, "event out of order"),
    ]


ANY_MARBLE = load("dataset/marble", Marble)


@pytest.mark.slow
@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, raw: bytes) -> None:
    data = tmp_path_factory.mktemp("any")
    folder = write_instance(data)
    (folder / "environmental.csv").write_bytes(f"{EVENTS_HEADER}\r\n{FIRST}\r\n".encode() + raw)
    (folder / "subject-200" / "labels.csv").write_bytes(f"{LABELS_HEADER}\r\n".encode() + raw)
    if not ANY_MARBLE.faults(data):
        ANY_MARBLE.read(data)


def test_of_many_faults_the_first_are_kept_and_all_are_counted(marble: Marble, tmp_path: Path) -> None:
    write_instance(tmp_path, events=[EVENT_ROWS[0].replace("R1", "X9")] * 1500)
    faults = marble.faults(tmp_path)
    assert (len(faults), faults.total, faults.counts) == (1000, 1500, {"unknown sensor": 1500})
    with pytest.raises(DataError, match="1,500 faults") as raised:
        marble.read(tmp_path)
    assert "... and 1,495 more" in str(raised.value)


def test_more_repairs_than_a_release_could_need_are_a_fault(
    marble: Marble, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "MOST_REPAIRS", 3)
    write_instance(tmp_path, labels=LABEL_ROWS[:1] * 3 + LABEL_ROWS)
    assert [notice.kind for notice in marble.read(tmp_path).repairs[:3]] == ["label row twice"] * 3
    write_instance(tmp_path, labels=LABEL_ROWS[:1] * 9 + LABEL_ROWS)
    assert one_fault(marble, tmp_path).kind == "too many repairs"


def test_a_file_of_too_many_lines_is_not_read(marble: Marble, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MOST_LINES", 3)
    folder = write_instance(tmp_path)
    fault = one_fault(marble, tmp_path)
    assert (fault.path, fault.line, fault.kind) == (str(folder / "environmental.csv"), None, "too large")
    assert "has 4 lines, and at most 3 are read" in fault.message


def test_what_is_no_regular_file_is_not_read(marble: Marble, tmp_path: Path) -> None:
    path = write_instance(tmp_path) / "environmental.csv"
    path.unlink()
    os.mkfifo(path)
    assert "it is no regular file" in one_fault(marble, tmp_path).message
