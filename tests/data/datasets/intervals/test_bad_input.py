"""Broken files of intervals: one clear fault with file and line, or a counted repair; never a crash."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from har_llm.common.errors import DataError
from tests.data.datasets.intervals.homes import DAY, SENSORS, kasteren, uci_adl
from tests.helpers import only_fault

FINE = f"{DAY} 09:00:00\t{DAY} 09:01:00\tBed\tPressure\tBedroom"


@pytest.mark.parametrize(
    ("row", "kind", "words"),
    [
        (FINE[:25], "wrong number of fields", "has 2 fields; a row must have 5"),
        (FINE.replace("\t", ","), "wrong number of fields", "has 1 field; a row must have 5"),
        (FINE + "\tmore", "wrong number of fields", "has 6 fields"),
        (FINE.replace("09:00:00", "24:00:00"), "unreadable time", "Start time is '2012-03-04 24:00:00'; it must be a time"),
        (FINE.replace("09:01:00", "09:60:00"), "unreadable time", "End time is '2012-03-04 09:60:00'"),
        (FINE.replace(DAY, "2011-02-29"), "unreadable time", None),
        (FINE.replace(DAY, "0000-01-01"), "unreadable time", None),
        (FINE.replace("09:00:00", "09:00"), "unreadable time", "YYYY-MM-DD HH:MM:SS"),
        (FINE.replace("09:00:00", "09:00:٣٣"), "unreadable time", None),
        (FINE.replace("Bed\t", "Cat\t"), "unknown sensor", "Location Type Place is 'Cat Pressure Bedroom'; dataset.sensors"),
        (FINE.replace("Bed\t", "\t"), "wrong number of fields", "has 4 fields"),
    ],
)
def test_a_broken_row_is_a_fault_with_its_line(tmp_path: Path, row: str, kind: str, words: str | None) -> None:
    dataset = uci_adl(tmp_path, [*SENSORS, row])
    if kind == "unreadable time" and words is None:
        faults = dataset.faults(tmp_path)  # of one time or of both
        assert {(fault.line, fault.kind) for fault in faults} == {(6, kind)}
        return
    fault = only_fault(dataset, tmp_path)
    assert (fault.line, fault.kind) == (6, kind) and (words or "") in fault.message
    assert fault.path.endswith("OrdonezA_Sensors.txt")


@pytest.mark.parametrize(
    ("row", "kind", "words"),
    [
        ("30-Feb-2008 08:00:00\t1-Mar-2008 08:00:09\t24\t1", "unreadable time", "Start time is '30-Feb-2008 08:00:00'"),
        ("3-Fev-2008 08:00:00\t3-Feb-2008 08:00:09\t24\t1", "unreadable time", "DD-Mon-YYYY HH:MM:SS"),
        ("3-Feb-2008 08:00:00\t2008-02-03 08:00:09\t24\t1", "unreadable time", "End time is '2008-02-03 08:00:09'"),
        ("3-Feb-2008 08:00:00\t3-Feb-2008 08:00:09\t99\t1", "unknown sensor", "ID Val is '99'; dataset.sensors knows 1, 5,"),
        ("3-Feb-2008 08:00:00\t3-Feb-2008 08:00:09\t24\t0", "unknown sensor", "ID Val is '24 0'"),
        ("3-Feb-2008 08:00:00\t3-Feb-2008 08:00:09\t24", "wrong number of fields", "has 3 fields; a row must have 4"),
        ("Length: 2", "wrong number of fields", "'Length: 2' has 1 field"),
    ],
)
def test_a_broken_row_of_kasteren_is_a_fault_with_its_line(tmp_path: Path, row: str, kind: str, words: str) -> None:
    fine = "3-Feb-2008 08:00:00\t3-Feb-2008 08:00:09\t24\t1"
    dataset = kasteren(tmp_path, [fine, row, "Length: 2"], ["03-Feb-2008 07:00:00\t03-Feb-2008 08:00:00\t10", "Length: 1"])
    fault = only_fault(dataset, tmp_path)
    assert (fault.line, fault.kind) == (4, kind) and words in fault.message


def test_an_unknown_label_is_a_fault(tmp_path: Path) -> None:
    fault = only_fault(uci_adl(tmp_path, SENSORS, [f"{DAY} 07:00:00\t{DAY} 08:00:00\tJuggling"]), tmp_path)
    assert (fault.line, fault.kind) == (3, "unknown label") and "dataset.labels knows Leaving" in fault.message


@pytest.mark.parametrize(
    ("content", "line", "kind"),
    [
        (b"", None, "empty file"),
        (b"\r\n\r\n", None, "empty file"),
        (b"Start time\tEnd time\tActivity\n", 1, "empty file"),
        (b"Start time\tEnd time\tActivity\n----\t----\t----\n", 1, "empty file"),
        (b"Start time,End time,Activity\n", 1, "wrong header"),
        (b"Start time\tEnd time\tLocation\tType\tPlace\n", 1, "wrong header"),
        (b"\xff\xfeS\0t\0a\0r\0t\0", 1, "not UTF-8"),
        (b"Start time\tEnd time\tActivity\n\n\xff\n", 3, "not UTF-8"),
        (None, None, "missing file"),
    ],
)
def test_a_broken_file_is_one_fault(tmp_path: Path, content: bytes | None, line: int | None, kind: str) -> None:
    dataset = uci_adl(tmp_path)
    path = tmp_path / "uci_adl" / "OrdonezA_ADLs.txt"
    path.unlink() if content is None else path.write_bytes(content)
    faults = dataset.faults(tmp_path)
    assert (line, kind) in [(fault.line, fault.kind) for fault in faults] and len(faults) <= 2
    assert all(fault.path == str(path) for fault in faults)


PIECES = st.sampled_from(
    ["\t", "\n", "\r", "\r\n", " ", "-", DAY, "08:00:00", "Bed", "Sleeping", "\ufeff", "\0", FINE, *SENSORS]
)


@pytest.mark.slow
@given(st.lists(PIECES | st.text(max_size=5), max_size=30).map("".join))
def test_any_text_is_read_or_refused(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        dataset = uci_adl(data, [*SENSORS, text])
        faults = dataset.faults(data)
        assert all(fault.line is None or fault.line >= 1 for fault in faults)
        if faults:
            with pytest.raises(DataError):
                dataset.read(data)
        else:
            recordings = dataset.read(data)
            assert sum(len(session.events) for session in recordings.sessions) >= 2 * len(SENSORS)
