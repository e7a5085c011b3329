"""MARBLE's files as events: words, activities, subjects, order, counts."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from har_llm.common.errors import ConfigError
from har_llm.data.datasets.marble import Marble
from har_llm.data.datasets.marble_times import SubjectTimeline, local_time
from har_llm.data.datasets.timeline import apart
from har_llm.data.records import Recordings, Session
from har_llm.data.splits import PaperSplit
from har_llm.data.windows import FixedWindows
from tests.data.datasets.marble_files import (
    EVENT_ROWS,
    EVENTS_HEADER,
    LABELS_HEADER,
    START,
    write,
    write_instance,
    write_synthetic,
)
from tests.helpers import ROOT, load, real_data

REAL_LABELS = {
    "transition between two activities": 450,
    "cooking": 382,
    "preparing cold meal": 232,
    "watching TV": 183,
    "taking medicines": 175,
    "setting up table": 138,
    "clearing table": 96,
    "eating": 33,
    "using PC": 31,
    "answering phone": 30,
    "making phone call": 26,
    "washing dishes": 14,
}


REAL_REPAIRS = {"label row out of order": 174, "label row twice": 33, "label ends before it starts": 4}


@pytest.fixture
def marble() -> Marble:
    dataset = load("dataset/marble", Marble)
    dataset.check()
    dataset.expected = {}  # small releases differ from the counts of the real one
    return dataset


# The real release


@pytest.fixture(scope="module")
def real() -> Recordings:
    return load("dataset/marble", Marble).read(real_data("marble"))


def test_real_events_and_labels(real: Recordings) -> None:
    events = [event for session in real.sessions for event in session.events]
    assert len(real.sessions) == 69 and len(events) == 1790
    assert Counter(real.home.activities[event.activities[0]] for event in events) == REAL_LABELS
    assert all(len(event.activities) == len(event.subjects) == 1 for event in events)
    *repairs, told = real.repairs
    assert Counter(notice.kind for notice in repairs) == REAL_REPAIRS
    assert len({notice.path for notice in repairs}) == 8
    assert told.kind == "training windows differ from the paper's 126" and told.message == (
        "127 windows of 10 come out of the 41 training sessions; window.min_events=2, without windows of a single event, "
        "gives 126; the paper has 126"
    )


def test_real_sessions_are_in_order(real: Recordings) -> None:
    ids = [session.id for session in real.sessions]
    assert ids[:4] == ["A1a/1", "A1a/2", "A1a/3", "A1e/1"] and ids[-1] == "D4mae/3"
    assert all([event.id for event in session.events] == list(range(len(session.events))) for session in real.sessions)


@pytest.mark.parametrize(("least", "windows"), [(1, (127, 80)), (2, (126, 79))])
def test_real_split_and_windows(real: Recordings, marble: Marble, least: int, windows: tuple[int, int]) -> None:
    parts = load("split/paper", PaperSplit).divide(real.sessions, marble.paper_split)
    train, test = parts["train"], parts["test"]
    assert (len(train), len(test)) == (41, 28)
    assert tuple(sum(len(session.events) for session in part) for part in (train, test)) == (1095, 695)
    window = load("window/fixed", FixedWindows, min_events=least)
    assert tuple(sum(1 for session in part for _ in window.cut(session)) for part in (train, test)) == windows


@pytest.mark.parametrize(("least", "windows"), [(1, 127), (2, 125)])
def test_in_order_of_time_the_real_release_has_not_the_papers_windows(
    real: Recordings, marble: Marble, least: int, windows: int
) -> None:
    """As conf/dataset/marble.yaml says: instances are numbered otherwise in 12 of 22 scenarios."""
    groups: dict[str, list[Session]] = {}
    for session in real.sessions:
        groups.setdefault(session.group, []).append(session)
    by_time = {name: sorted(group, key=lambda one: one.events[0].moment) for name, group in groups.items()}
    assert (len(groups), sum(by_time[name] != group for name, group in groups.items())) == (22, 12)
    ordered = [session for group in by_time.values() for session in group]
    train = load("split/paper", PaperSplit).divide(ordered, marble.paper_split)["train"]
    window = load("window/fixed", FixedWindows, min_events=least)
    assert sum(1 for session in train for _ in window.cut(session)) == windows


def test_real_transitions_can_be_dropped(real: Recordings) -> None:
    kept = load("dataset/marble", Marble, null_class="dropped").read(real_data("marble"))
    assert kept.dropped_events == {"null class": 450}
    assert [session.id for session in kept.sessions] == [session.id for session in real.sessions]
    assert sum(len(session.events) for session in kept.sessions) == 1340
    assert all([event.id for event in session.events] == list(range(len(session.events))) for session in kept.sessions)
    assert 14 not in kept.home.activities and not kept.home.null_class


def test_real_release_has_no_fault(marble: Marble) -> None:
    assert marble.faults(real_data("marble")) == []


# Well-formed files


def test_events_in_words(marble: Marble, tmp_path: Path) -> None:
    write_instance(tmp_path)
    (session,) = marble.read(tmp_path).sessions
    assert session.id == "A1a/1" and session.group == "A1a"
    assert [tuple(event) for event in session.events] == [
        (0, datetime(2018, 11, 14, 14, 43, 21), "kitchen pantry door OPENED", (14,), ("200",)),
        (1, datetime(2018, 11, 14, 14, 43, 25), "kitchen pantry door CLOSED", (3,), ("200",)),
        (2, datetime(2018, 11, 14, 14, 43, 29), "kitchen stove turned ON", (3,), ("200",)),
    ]


def test_instances_are_ordered_by_number(marble: Marble, tmp_path: Path) -> None:
    for number in (10, 9, 1):
        write_instance(tmp_path, f"B2e/instance{number}")
    assert [session.id for session in marble.read(tmp_path).sessions] == ["B2e/1", "B2e/9", "B2e/10"]


def test_quotes_line_ends_and_byte_order_mark_do_not_matter(marble: Marble, tmp_path: Path) -> None:
    folder = write_instance(tmp_path / "release")
    expected = marble.read(tmp_path / "release").sessions
    rows = [",".join(f'"{field}"' for field in row.replace('"', "").split(",")) for row in (EVENTS_HEADER, *EVENT_ROWS)]
    (folder / "environmental.csv").write_bytes(b"\xef\xbb\xbf" + "\n".join(rows).encode())
    assert marble.read(tmp_path / "release").sessions == expected


def test_other_files_and_leavings_of_systems_are_no_fault(marble: Marble, tmp_path: Path) -> None:
    folder = write_instance(tmp_path)
    for path in ("subject-200/accelerometer.csv", "../../README.txt", "../.DS_Store", "notes.txt"):
        (folder / path).write_bytes(b"\xff\x00 anything")
    (tmp_path / "marble" / "__MACOSX").mkdir()
    (tmp_path / "marble" / ".git").mkdir()
    assert marble.faults(tmp_path) == []


@pytest.mark.parametrize("place", ["MARBLE", "MARBLE/dataset", "marble/MARBLE/dataset", "marble/dataset"])
def test_the_release_is_found_as_it_was_unpacked(marble: Marble, tmp_path: Path, place: str) -> None:
    write_instance(tmp_path / "elsewhere", "A1a/instance1")
    expected = marble.read(tmp_path / "elsewhere").sessions
    (tmp_path / "data" / place).parent.mkdir(parents=True)
    (tmp_path / "elsewhere" / "marble").rename(tmp_path / "data" / place)
    assert marble.read(tmp_path / "data").sessions == expected


def test_a_folder_of_scenarios_is_the_release_whatever_else_is_in_it(marble: Marble, tmp_path: Path) -> None:
    write_instance(tmp_path)
    (tmp_path / "marble" / "dataset").mkdir()
    (fault,) = marble.faults(tmp_path)
    assert (fault.path, fault.kind) == (str(tmp_path / "marble" / "dataset"), "folder name")


def test_empty_lines_are_left_out_and_counted(marble: Marble, tmp_path: Path) -> None:
    write_instance(tmp_path, events=[EVENT_ROWS[0], "", *EVENT_ROWS[1:], "", ""])
    recordings = marble.read(tmp_path)
    assert [(notice.line, notice.kind) for notice in recordings.repairs] == [(n, "empty line") for n in (3, 6, 7)]
    assert len(recordings.sessions[0].events) == 3


def test_folder_may_be_absolute(tmp_path: Path) -> None:
    write_instance(tmp_path)
    dataset = load("dataset/marble", Marble, folder=str(tmp_path / "marble"))
    assert len(dataset.read(Path("nowhere")).sessions) == 1


def test_folder_may_be_below_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_instance(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert len(load("dataset/marble", Marble, folder="~/marble").read(Path("nowhere")).sessions) == 1
    assert len(load("dataset/marble", Marble).read(Path("~")).sessions) == 1


def test_dropping_every_event_of_a_session_keeps_the_session(tmp_path: Path) -> None:
    write_instance(tmp_path, labels=[f"{START},{START + 60000},TRANSITION"])
    recordings = load("dataset/marble", Marble, null_class="dropped").read(tmp_path)
    assert [len(session.events) for session in recordings.sessions] == [0]
    assert recordings.dropped_events == {"null class": 3}


def test_synthetic_files_are_well_formed(marble: Marble, tmp_path: Path) -> None:
    write_synthetic(tmp_path, 2500)
    recordings = marble.read(tmp_path)
    assert [len(session.events) for session in recordings.sessions] == [1000, 1000, 500]
    assert not recordings.repairs


# The known counts


def test_other_counts_are_told(tmp_path: Path) -> None:
    write_instance(tmp_path)
    for null_class in ("label", "dropped"):
        repairs = load("dataset/marble", Marble, null_class=null_class).read(tmp_path).repairs
        assert [notice.kind for notice in repairs] == [
            "sessions differ from the release's 69",
            "events differ from the release's 1,790",
        ]
        assert {notice.path for notice in repairs} == {str(tmp_path / "marble")}
        assert "1 session read" in repairs[0].message and "a partial copy is divided otherwise" in repairs[0].message
        assert "3 events read" in repairs[1].message and "dataset.expected" in repairs[1].message


def test_known_counts_give_no_notice(marble: Marble, tmp_path: Path) -> None:
    write_instance(tmp_path)
    marble.expected = {"sessions": 1, "events": 3}
    assert not marble.read(tmp_path).repairs


# Rules


def test_rules_about_the_null_class_go_with_it() -> None:
    said = {
        use: load("dataset/marble", Marble, null_class=use).build_home().rules for use in ("label", "unscored", "dropped")
    }
    assert said["label"] == said["unscored"] and len(said["label"]) == len(said["dropped"]) + 1
    assert any("transition" in rule for rule in said["label"]) and not any("transition" in rule for rule in said["dropped"])


# Labels


def test_labels_include_both_ends(marble: Marble, tmp_path: Path) -> None:
    rows = [f'R1,"ON",{START},"200"', f'R1,"OFF",{START + 9},"200"', f'R1,"ON",{START + 10},"200"']
    write_instance(tmp_path, events=rows, labels=[f"{START},{START + 9},EATING", f"{START + 10},{START + 10},COOKING"])
    assert [event.activities for event in marble.read(tmp_path).sessions[0].events] == [(4,), (4,), (3,)]


def test_a_label_that_ends_where_another_begins_ends_before_it(marble: Marble, tmp_path: Path) -> None:
    rows = [f'R1,"ON",{START},"200"', f'R1,"OFF",{START + 9},"200"']
    write_instance(tmp_path, events=rows, labels=[f"{START},{START + 9},EATING", f"{START + 9},{START + 20},COOKING"])
    assert [event.activities for event in marble.read(tmp_path).sessions[0].events] == [(4,), (3,)]


def test_an_event_has_the_label_of_its_own_subject(marble: Marble, tmp_path: Path) -> None:
    rows = [f'R1,"ON",{START},"200"', f'R1,"OFF",{START + 9},"201"']
    folder = write_instance(tmp_path, "A2a/instance1", events=rows, labels=[f"{START},{START + 9},EATING"])
    write(folder / "subject-201" / "labels.csv", LABELS_HEADER, [f"{START},{START + 9},COOKING"])
    events = marble.read(tmp_path).sessions[0].events
    assert [(event.activities, event.subjects) for event in events] == [((4,), ("200",)), ((3,), ("201",))]


def test_label_rows_are_repaired_as_the_release_needs(marble: Marble, tmp_path: Path) -> None:
    rows = [
        f"{START + 5000},{START + 60000},COOKING",
        f"{START},{START + 4999},TRANSITION",
        f"{START + 5000},{START + 60000},COOKING",
        f"{START + 5000},{START + 4000},EATING",
    ]
    write_instance(tmp_path, labels=rows)
    recordings = marble.read(tmp_path)
    assert [event.activities for event in recordings.sessions[0].events] == [(14,), (3,), (3,)]
    assert [(notice.line, notice.kind) for notice in recordings.repairs] == [
        (3, "label row out of order"),
        (4, "label row twice"),
        (5, "label ends before it starts"),
    ]
    assert marble.faults(tmp_path) == []


spans = st.lists(st.tuples(st.integers(1, 60), st.integers(0, 20), st.integers(1, 3)), max_size=12)


@given(spans)
def test_timeline_agrees_with_looking_at_every_span(drawn: list[tuple[int, int, int]]) -> None:
    listed = [(start, start + length, number) for start, length, number in drawn]
    timeline = SubjectTimeline("A", listed, complete=True)
    for moment in range(90):
        assert timeline.at(moment) == tuple(sorted({n for start, end, n in apart(listed) if start <= moment <= end}))


@pytest.mark.parametrize(
    ("second", "zone", "expected"),
    [
        (1540688400 - 1, "Europe/Rome", "02:59:59"),  # the last second of summer time in 2018
        (1540688400, "Europe/Rome", "02:00:00"),
        (1553994000 - 1, "Europe/Rome", "01:59:59"),  # the last second before summer time in 2019
        (1553994000, "Europe/Rome", "03:00:00"),
        (1540688400, "Asia/Kathmandu", "06:45:00"),
        (1540688400, "UTC", "01:00:00"),
    ],
)
def test_local_time(second: int, zone: str, expected: str) -> None:
    shown = local_time(second * 1000 + 999, ZoneInfo(zone))
    assert shown.isoformat(timespec="milliseconds")[11:] == f"{expected}.999" and shown.tzinfo is None


# Settings


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"timezone": "Mars/Olympus"}, "dataset.timezone is 'Mars/Olympus'"),
        ({"timezone": "../Rome"}, "dataset.timezone is '../Rome'"),
        ({"timezone": ""}, "dataset.timezone is ''"),
        ({"labels": {"COOKING": 99}}, "dataset.labels.COOKING is 99"),
        ({"sensors": {"R1": {"room": "cellar"}}}, "dataset.sensors.R1.room is 'cellar'"),
        ({"sensors": {"R1": {"states": ["OPENED"]}}}, "dataset.sensors.R1.states"),
        ({"expected": {"sensors": 16}}, "dataset.expected.sensors is no count; it may have sessions, events"),
        ({"null_class": "gone"}, "dataset.null_class is 'gone'"),
    ],
)
def test_wrong_setting_is_refused(changes: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError) as raised:
        load("dataset/marble", Marble, **changes).check()
    assert words in str(raised.value)


@pytest.mark.parametrize("setting", ["sensors", "labels"])
def test_empty_setting_is_refused(marble: Marble, setting: str) -> None:
    setattr(marble, setting, {})
    with pytest.raises(ConfigError, match=f"dataset.{setting} is empty"):
        marble.check()


def test_every_activity_has_a_label(marble: Marble) -> None:
    assert sorted(marble.labels.values()) == sorted(marble.home.activities) == list(range(1, 15))


def test_reader_needs_nothing_but_the_standard_library() -> None:
    command = [sys.executable, "-S", "-c", "import har_llm.data.datasets.marble"]  # -S: no installed package can be imported
    subprocess.run(command, check=True, env={**os.environ, "PYTHONPATH": str(ROOT)})


def test_a_doubled_row_is_counted_and_kept(marble: Marble, tmp_path: Path) -> None:
    write_instance(tmp_path, events=[EVENT_ROWS[0], EVENT_ROWS[0].replace('"', ""), *EVENT_ROWS[1:]])
    recordings = marble.read(tmp_path)
    assert [(notice.line, notice.kind) for notice in recordings.repairs] == [(3, "event row twice")]
    assert len(recordings.sessions[0].events) == 4
