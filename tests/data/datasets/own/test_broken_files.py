"""Broken files of one's own home: each is one clear fault with file and line, or a counted repair; never a crash."""

from __future__ import annotations

import os
import tempfile
from copy import deepcopy
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from har_llm.common import files
from har_llm.common.errors import ConfigError, DataError, HarError, MissingError
from har_llm.data.datasets.own.base import OwnHome
from tests.data.datasets.own.homes import HISTORY, WEEK, events_of, history_of, kinds, one_fault, own, read

HEAD = "time,sensor,value,activity\n"
ROW = "2026-03-02 07:10:00,hall_motion,ON,cooking\n"
FINE = HEAD + ROW * 1

FAULTS: list[tuple[str, str | bytes, int | None, str, str]] = [
    ("nothing", "", None, "empty file", "the file is empty"),
    ("only a mark", b"\xef\xbb\xbf", None, "empty file", "the file is empty"),
    ("only a header", HEAD, 1, "empty file", "has a header and no rows"),
    ("cut in a row", FINE + "2026-03-02 07:1", 3, "wrong number of fields", "has 1 field; the header has 4"),
    ("cut in a time", FINE + "2026-03-02 07:,hall_motion,ON,cooking", 3, "unreadable time", "time is '2026-03-02 07:'"),
    ("another separator", HEAD + ROW.replace(",", ";"), 2, "wrong number of fields", "has 1 field"),
    ("no separator known", (HEAD + ROW).replace(",", "|"), 1, "wrong header", "it must name the columns"),
    ("a field too many", FINE + ROW.strip() + ",more\n", 3, "wrong number of fields", "has 5 fields; the header has 4"),
    ("a field too few", FINE + "2026-03-02 07:10:00,hall_motion,ON\n", 3, "wrong number of fields", "has 3 fields"),
    ("no column of sensors", "time,value\n2026-03-02 07:10:00,ON\n", 1, "columns", "set dataset.columns.sensor=NAME"),
    ("no column of times", "sensor,value\nhall_motion,ON\n", 1, "columns", "set dataset.columns.time=NAME"),
    (
        "two of sensors",
        "time,sensor,device,value\n2026-03-02 07:10:00,a,b,ON\n",
        1,
        "columns",
        "sensor and device may each be",
    ),
    (
        "a column twice",
        "time,time,sensor\n2026-03-02 07:10:00,2026-03-02 07:10:00,a\n",
        1,
        "columns",
        "time and time may each be the time: give each column a name of its own",
    ),
    (
        "a column twice, and named",
        "time,sensor,value,Value\n2026-03-02 07:10:00,a,ON,OFF\n",
        1,
        "columns",
        "value and Value may each be the value: give each column a name of its own",
    ),
    (
        "foreign names",
        "Zeit;Sensor;Wert\n2026-03-02 07:10:00;a_door;auf\n",
        1,
        "columns",
        "known to be the time or the value (not known: Zeit, Wert; take columns that are none of these out of the file): "
        "set dataset.columns.time=NAME dataset.columns.value=NAME",
    ),
    (
        "a value with a foreign name",
        "time;sensor;Wert\n2026-03-02 07:10:00;a_door;auf\n",
        1,
        "columns",
        "known to be the value (not known: Wert; take columns that are none of these out of the file)"
        ": set dataset.columns.value=Wert",
    ),
    ("a time with a foreign name", "Zeit;sensor\n2026-03-02 07:10:00;a\n", 1, "columns", "set dataset.columns.time=Zeit"),
    ("no end", "start,sensor\n2026-03-02 07:10:00,a\n", 1, "columns", "set dataset.columns.end=NAME"),
    (
        "no header",
        ROW + ROW,
        1,
        "columns",
        "known to be the time or the sensor or the value (not known: 2026-03-02 07:10:00, hall_motion, ON, cooking; take",
    ),
    ("month 13", FINE + ROW.replace("-03-", "-13-"), 3, "unreadable time", "it must be a time, such as"),
    ("29 February", FINE + ROW.replace("03-02", "02-29"), 3, "unreadable time", "time is '2026-02-29 07:10:00'"),
    ("hour 24", FINE + ROW.replace("07:10", "25:10"), 3, "unreadable time", "time is '2026-03-02 25:10:00'"),
    ("only a date", FINE + ROW.replace(" 07:10:00", ""), 3, "unreadable time", "time is '2026-03-02'"),
    ("only a clock", FINE + ROW.replace("2026-03-02 ", ""), 3, "unreadable time", "time is '07:10:00'"),
    ("day first", HEAD + ROW.replace("2026-03-02", "02/03/2026"), 2, "unreadable time", "time is '02/03/2026 07:10:00'"),
    ("no time", FINE + ROW.replace("2026-03-02 07:10:00", ""), 3, "unreadable time", "time is ''"),
    ("with and without a zone", FINE + ROW.replace("07:10:00", "07:10:00Z"), 3, "unreadable time", "set dataset.timezone"),
    (
        "ends before its start",
        "start,end,sensor\n2026-03-02 07:10,2026-03-02 07:09,a\n",
        2,
        "ends before it starts",
        "its end",
    ),
    (
        "a quote that never ends",
        FINE + '2026-03-02 07:10:00,"hall_motion,ON,cooking\n' + ROW * 9,
        3,
        "quote without end",
        "line 12",
    ),
    ("text behind a quote", FINE + '2026-03-02 07:10:00,"hall"_motion,ON,cooking\n', 3, "broken row", "expected after"),
    (
        "a line break in a sensor",
        FINE + '2026-03-02 07:10:00,"hall\nmotion",ON,\n',
        3,
        "unusable sensor",
        "a quote may be lost",
    ),
    ("a NUL in a sensor", FINE + ROW.replace("hall", "hall\0"), 3, "unusable sensor", "printable"),
    ("NULs in a time", FINE + "\0\0\0\0,hall_motion,ON,cooking\n", 3, "unreadable time", "time is '\\x00"),
    ("a NUL in an activity", FINE + ROW.replace("cooking", "coo\0king"), 3, "unusable activity", "printable"),
    ("a long value", FINE + ROW.replace("ON", "x" * 256), 3, "unusable value", "at most 255"),
    (
        "Latin-1",
        HEAD.encode() + "2026-03-02 07:10:00,küche,ON,\n".encode("latin-1"),
        2,
        "not UTF-8",
        "byte 0xfc is not UTF-8",
    ),
    ("UTF-16", FINE.encode("utf-16"), 1, "not UTF-8", "save the file as UTF-8"),
    ("Excel", b"PK\x03\x04\x14\x00\xff\xfe" + bytes(range(256)), None, "no table", "this is an Excel file (or another ZIP"),
    (
        "old Excel",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        None,
        "no table",
        "this is an Excel file of an old form; save it as CSV",
    ),
    ("gzip", b"\x1f\x8b\x08\x08", None, "no table", "unpack it"),
    ("a database", b"SQLite format 3\x00", None, "no table", "read with dataset=home_assistant"),
    ("broken Parquet", b"PAR1" + b"\0" * 64 + b"PAR1", None, "broken Parquet", "save it as CSV"),
    ("cut Parquet", b"PAR1\x15\x04", None, "broken Parquet", "write the file again"),
    (
        "a field of 200,000 characters",
        FINE + "2026-03-02 07:10:00," + "x" * 200_000 + ",ON,\n",
        3,
        "broken row",
        "field larger",
    ),
]


@pytest.mark.parametrize(("content", "line", "kind", "words"), [one[1:] for one in FAULTS], ids=[one[0] for one in FAULTS])
def test_a_broken_table_is_one_fault(tmp_path: Path, content: str | bytes, line: int | None, kind: str, words: str) -> None:
    fault = one_fault(events_of(tmp_path, content))
    assert (fault.line, fault.kind) == (line, kind) and words in fault.message
    assert fault.path == str(tmp_path / "week.csv")


FIRST_STATES = HISTORY.partition("binary_sensor.kitchen_fridge_door,on")[0]
HISTORIES: list[tuple[str, str | bytes, int | None, str, str]] = [
    (
        "another header",
        WEEK,
        1,
        "wrong header",
        "without entity_id and state and last_changed; Home Assistant's history panel",
    ),
    ("a header in capitals", HISTORY.replace("entity_id,state", "ENTITY_ID,state"), 1, "wrong header", "without entity_id"),
    (
        "cut in a time",
        HISTORY + "binary_sensor.hall_motion,off,2026-03-0",
        7,
        "unreadable time",
        "last_changed is '2026-03-0'",
    ),
    ("cut in a row", HISTORY + "binary_sensor.hall", 7, "wrong number of fields", "has 1 field; the header has 3"),
    ("a time that is none", HISTORY + "light.a,on,unknown\n", 7, "unreadable time", "last_changed is 'unknown'"),
    (
        "a quote without end",
        HISTORY + 'light.a,"on,2026-03-02T06:10:00Z\n' + "light.a,off,x\n",
        7,
        "quote without end",
        "line 8",
    ),
    ("only first states", FIRST_STATES, None, "no events", "no event is left of it (1 first state"),
    ("no file of the home", FIRST_STATES, None, "no events", "history.home.yaml (which task=init writes)"),
    ("semicolons", HISTORY.replace(",", ";", 1), 1, "wrong header", "the header is"),
]


@pytest.mark.parametrize(
    ("content", "line", "kind", "words"), [one[1:] for one in HISTORIES], ids=[one[0] for one in HISTORIES]
)
def test_a_broken_history_is_one_fault(tmp_path: Path, content: str, line: int | None, kind: str, words: str) -> None:
    fault = one_fault(history_of(tmp_path, content, "+dataset.timezone=UTC"))
    assert (fault.line, fault.kind) == (line, kind) and words in fault.message


REPAIRED: list[tuple[str, str | bytes, set[str], dict[str, int]]] = [
    ("a mark of the byte order", b"\xef\xbb\xbf" + FINE.encode(), set(), {}),
    ("line ends of all kinds", FINE.replace("\n", "\r\n") + "2026-03-02 07:11:00,hall_motion,OFF,cooking\n", set(), {}),
    ("old line ends", FINE.replace("\n", "\r"), set(), {}),
    ("no line end at the end", FINE.rstrip("\n"), set(), {}),
    ("empty lines", FINE + "\n\n,,,\n" + ROW.replace("07:10", "07:11"), {"empty line"}, {}),
    ("the header again", FINE + HEAD + ROW.replace("07:10", "07:11"), {"repeated header"}, {}),
    ("rows twice", FINE + ROW + ROW, set(), {"row twice": 2}),
    ("newest first", HEAD + ROW.replace("07:10", "07:11") + ROW, {"rows out of order"}, {}),
    ("one event", FINE, set(), {}),
    ("formulas", FINE + ROW.replace("hall_motion", '"=HYPERLINK(""http://x"",""y"")"'), set(), {}),
    (
        "no value",
        FINE + ROW.replace("ON", "") + ROW.replace("hall_motion", ""),
        set(),
        {"row without a value": 1, "row without a sensor": 1},
    ),
]


@pytest.mark.parametrize(("content", "repairs", "dropped"), [one[1:] for one in REPAIRED], ids=[one[0] for one in REPAIRED])
def test_what_can_be_read_is_read_and_counted(
    tmp_path: Path, content: str | bytes, repairs: set[str], dropped: dict[str, int]
) -> None:
    recordings = read(events_of(tmp_path, content))
    assert kinds(recordings) == repairs and recordings.dropped_events == dropped
    assert recordings.sessions[0].events[0].text == "hall motion BEGINS"


def test_a_line_without_end_is_not_read_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "BLOCK", 1000)
    monkeypatch.setattr(files, "LONGEST_LINE", 2000)
    path = tmp_path / "week.csv"
    with path.open("wb") as stream:
        stream.write(FINE.encode())
        stream.truncate(50_000_000)  # a hole: a line of 50 MB of NULs
    fault = one_fault(own("events", path))
    assert (fault.line, fault.kind) == (3, "too long a line") and "2,000 bytes" in fault.message


@pytest.mark.parametrize("kind", ["events", "home_assistant"])
def test_what_is_no_file_is_a_fault(tmp_path: Path, kind: str) -> None:
    (tmp_path / "folder.csv").mkdir()
    os.mkfifo(tmp_path / "pipe.csv")
    for name, words in (
        ("folder.csv", "dataset.path names a folder"),
        ("pipe.csv", "it is no regular file"),
    ):
        fault = one_fault(own(kind, tmp_path / name))
        assert (fault.line, fault.kind) == (None, "unreadable") and words in fault.message


@pytest.mark.parametrize("path", ["a\0b", "x" * 250, "week.csv/x", "loop"])
def test_a_path_that_is_not_there_is_said_with_what_to_type(tmp_path: Path, path: str) -> None:
    (tmp_path / "week.csv").touch()
    (tmp_path / "loop").symlink_to("loop")
    dataset = deepcopy(own("events", Path("week.csv")))
    dataset.path = str(tmp_path / path)
    for act in (dataset.draft, lambda: dataset.faults(Path())):
        with pytest.raises(MissingError, match=r"which is not there \(.*\); write the path of your file: dataset=events"):
            act()


def test_a_name_that_leaves_no_room_for_that_of_the_home_is_said(tmp_path: Path) -> None:
    dataset = deepcopy(own("events", Path("week.csv")))
    dataset.path = str(tmp_path / ("x" * 250))
    Path(dataset.path).write_text(FINE)
    for act in (dataset.draft, lambda: dataset.faults(Path())):
        with pytest.raises(ConfigError, match=r"The name .* has 260 bytes; 255 is the most, so shorten it"):
            act()


@pytest.mark.parametrize("path", ["/", ".", "..", "~"])
def test_a_folder_is_no_home(path: str) -> None:
    dataset = deepcopy(own("events", Path("week.csv")))
    dataset.path = path
    assert one_fault(dataset).kind == "unreadable"
    with pytest.raises(DataError, match=r"dataset\.path names a folder"):
        dataset.draft()


LABELS = "start,end,activity\n2026-03-02 07:00:00,2026-03-02 08:00:00,cooking\n"


@pytest.mark.parametrize(
    ("content", "line", "kind", "words"),
    [
        (None, None, "missing file", "check its name"),
        ("", None, "empty file", "the file is empty"),
        ("start,stop\n2026-03-02 07:00:00,2026-03-02 08:00:00\n", 1, "columns", "set dataset.label_columns.activity=NAME"),
        (LABELS + "2026-03-02 08:00:00,2026-03-02 07:00:00,cooking\n", 3, "ends before it starts", "end is '2026-03-02 07"),
        (LABELS + '2026-03-02 08:00:00,2026-03-02 09:00:00,"coo\nking"\n', 3, "unusable activity", "printable"),
        (LABELS + "2026-03-02 08:00:00,2026-03-02 09:00:00, \n", 3, "no activity", "write it, or leave the row out"),
        (LABELS + "2026-03-02 08:00:00,,cooking\n", 3, "unreadable time", "it must be a time"),
        (LABELS + "2026-03-02 08:00:00,2026-03-02 08:00:00Z,cooking\n", 3, "unreadable time", "set dataset.timezone"),
    ],
)
def test_a_broken_table_of_labels_is_one_fault(
    tmp_path: Path, content: str | None, line: int | None, kind: str, words: str
) -> None:
    path = tmp_path / "labels.csv"
    if content is not None:
        path.write_text(content)
    fault = one_fault(events_of(tmp_path, FINE, f"dataset.labels_path={path}"))
    assert (fault.path, fault.line, fault.kind) == (str(path), line, kind) and words in fault.message


def test_a_folder_is_no_table_of_labels(tmp_path: Path) -> None:
    fault = one_fault(events_of(tmp_path, FINE, f"dataset.labels_path={tmp_path}"))
    assert fault.message.startswith("dataset.labels_path names a folder; set it to a file")


def test_faults_of_rows_do_not_hide_what_is_unknown(tmp_path: Path) -> None:
    (tmp_path / "week.home.yaml").write_text("activities: {1: cooking}\nsensors: {hall_motion: {room: hall, name: x}}\n")
    rows = ["noon,hall_motion,ON,cooking", "2026-03-02 07:11:00,stove,ON,", "2026-03-02 07:12:00,hall_motion,OFF,eating"]
    (tmp_path / "labels.csv").write_text(
        "start,end,activity\n2026-03-02 07:00,,cooking\n2026-03-02 07:00,2026-03-02 07:30,\n"
        "2026-03-02 07:00,2026-03-02 07:30,sleeping\n"
    )
    faults = events_of(tmp_path, FINE + "\n".join(rows), f"dataset.labels_path={tmp_path}/labels.csv").faults(Path())
    assert [(Path(fault.path).name, fault.line, fault.kind) for fault in faults] == [
        ("week.csv", 3, "unreadable time"),
        ("labels.csv", 2, "unreadable time"),
        ("labels.csv", 3, "no activity"),
        ("week.csv", 4, "unknown sensor"),
        ("week.csv", 5, "unknown activity"),
        ("labels.csv", 4, "unknown activity"),
    ]


def test_unknown_sensors_and_activities_are_faults_where_they_are_first(tmp_path: Path) -> None:
    (tmp_path / "week.home.yaml").write_text("activities: {1: eating}\nsensors: {x: {room: hall, name: x}}\n")
    faults = events_of(tmp_path, FINE + ROW).faults(Path())
    assert [(fault.line, fault.kind) for fault in faults] == [(2, "unknown sensor"), (2, "unknown activity")]
    assert "week.home.yaml does not list it; task=init adds it" in faults[0].message
    assert "week.home.yaml has it neither among activities nor among labels" in faults[1].message


PIECES = st.sampled_from(
    [",", ";", "\t", "\n", "\r\n", "\r", '"', "\0", "\ufeff", "=1+1", "ON", "hall_motion", ROW, HEAD, "é"]
)


@cache
def any_table() -> OwnHome:
    """A dataset of a file that each example of a test writes anew."""
    return events_of(Path(tempfile.mkdtemp()), "")


@settings(max_examples=50, deadline=None)
@given(st.lists(PIECES | st.text(max_size=5), max_size=20).map("".join), st.booleans())
def test_any_text_is_read_or_refused(text: str, behind: bool) -> None:
    dataset = any_table()
    Path(str(dataset.path)).write_bytes(((FINE if behind else "") + text).encode("utf-8", "surrogatepass"))
    faults = dataset.faults(Path())
    assert all(fault.line is None or fault.line >= 1 for fault in faults)
    try:
        recordings = read(dataset)
    except HarError as error:
        assert faults and isinstance(error, DataError)
    else:
        assert not faults and sum(len(session.events) for session in recordings.sessions) >= 1
