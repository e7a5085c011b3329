from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import pytest
from rich.console import Console

from har_llm.common.notices import Notice, Notices
from har_llm.data.datasets.marble import Marble
from har_llm.data.datasets.simulated import SimulatedHome
from har_llm.data.describe import PartCounts, TimeSpan, describe
from har_llm.data.records import Event, Recordings, Session
from har_llm.data.splits import NamedSplit, PaperSplit
from har_llm.data.windows import FixedWindows
from har_llm.report.terminal.dataset import render, show_faults
from tests.helpers import clock, load, real_data, session_of, small_home


def printed(renderable: object, width: int = 100) -> str:
    console = Console(width=width, color_system=None, force_terminal=False)
    with console.capture() as capture:
        console.print(renderable)
    return capture.get()


def faults_shown(faults: Sequence[Notice], repairs: Sequence[Notice] = (), width: int = 100) -> str:
    console = Console(width=width, color_system=None, force_terminal=False)
    with console.capture() as capture:
        show_faults(console, Notices(faults), repairs)
    return capture.get()


@pytest.fixture
def recordings() -> Recordings:
    night = [
        Event(0, clock("23:59:50"), "kitchen fridge OPENED", (1,), ("A",)),
        Event(1, clock("00:00:20"), "kitchen fridge CLOSED", (1, 2), ("A", "B")),
        Event(2, clock("00:01:00"), "kitchen stove turned ON", (3,), ("B",)),
        Event(3, clock("00:01:01"), "hall door OPENED", (), ("B",)),
    ]
    repairs = [Notice("a.csv", 3, "label row twice", "left out"), Notice("a.csv", 4, "label row twice", "left out")]
    sessions = [session_of(11, "s1"), Session("night", "g", night), session_of(4, "s3"), Session("empty", "g", ())]
    return Recordings(small_home(), sessions, repairs, {"null class": 7})


def test_describe_counts(recordings: Recordings) -> None:
    parts = NamedSplit(train=["s1"], test=["night", "empty"]).divide(recordings.sessions, {})
    described = describe(recordings, parts, FixedWindows(min_events=2))
    assert json.loads(json.dumps(asdict(described))) == asdict(described)
    assert (described.home, described.synthetic) == ("small", False)
    assert (described.sessions, described.groups, described.events) == (4, 1, 19)
    assert described.events_of_several_activities == 1
    assert described.subjects == {"A": 17, "B": 3}
    assert described.time == TimeSpan("00:00:20", "23:59:50", 3, 71, 84)
    train, test, rest = (described.parts[part] for part in ("train", "test", "unused"))
    assert train == PartCounts(sessions=1, session_ids=["s1"], events=11, windows=1, excluded_events=1, unlabelled_events=0)
    assert test == PartCounts(
        sessions=2, session_ids=["night", "empty"], events=4, windows=1, excluded_events=0, unlabelled_events=1
    )
    assert rest.session_ids == ["s3"]
    assert described.activities[0].events == {"train": 11, "validation": 0, "test": 2, "unused": 4}
    assert [activity.null_class for activity in described.activities] == [False, False, True]
    assert described.repairs == {"label row twice": 2}
    assert described.dropped_events == {"null class": 7}


def test_nothing_unused_is_not_mentioned(recordings: Recordings) -> None:
    parts = PaperSplit().divide(recordings.sessions, {4: 2})
    assert "unused" not in describe(recordings, parts, FixedWindows()).parts


def test_dataset_without_events() -> None:
    nothing = Recordings(small_home(), [])
    described = describe(nothing, PaperSplit().divide([], {}), FixedWindows())
    assert described.time.earliest is None
    assert "0 sessions, 0 events" in printed(render(described))


def test_render_shows_everything(recordings: Recordings) -> None:
    parts = NamedSplit(train=["s1"], test=["night"]).divide(recordings.sessions, {})
    text = printed(render(describe(recordings, parts, FixedWindows(min_events=2))))
    for words in (
        "small: 4 sessions, 19 events",
        "residents in the recordings: 2 (A, B)",
        "time of day: 00:00:20 to 23:59:50",
        "sessions of 3 s to 1 min",
        "events with several activities: 1",
        "events in no window",
        "1. cooking",
        "3. nothing in particular (null class)",
        "unlabelled (not scored)",
        "label row twice",
        "Left out, by the settings or because it is no event",
        "unused",
    ):
        assert words in text


def test_of_a_home_without_labels_it_says_what_a_model_chooses_among() -> None:
    unlabelled = [Session("s", "g", [event._replace(activities=()) for event in session_of(2).events])]
    described = describe(Recordings(small_home(), unlabelled), {"test": unlabelled}, FixedWindows())
    text = " ".join(printed(render(described)).split())
    assert "No event says what was done. A model chooses among: 1. cooking, 2. eating" in text
    assert "unlabelled (" not in text and "Events by activity" not in text


def test_synthetic_homes_are_called_synthetic() -> None:
    home = load("dataset/simulated_flat", SimulatedHome)
    recordings = home.read(Path())
    text = printed(render(describe(recordings, PaperSplit().divide(recordings.sessions, home.paper_split), FixedWindows())))
    assert "simulated_flat (synthetic home): 16 sessions" in text


def test_names_are_not_taken_for_markup() -> None:
    home = small_home(name="[red]my[/] home", activities={1: "[bold]cooking[/bold]"})
    described = describe(Recordings(home, [session_of(2)]), PaperSplit().divide([session_of(2)], {1: 1}), FixedWindows())
    text = printed(render(described))
    assert "[red]my[/] home" in text and "1. [bold]cooking[/bold]" in text


def test_every_fault_is_listed_with_its_place() -> None:
    faults = [Notice(f"data/[x]/file{number}.csv", number, "no label", "has [none]") for number in range(1, 31)]
    faults.append(Notice("data/folder", None, "folder name", "must be otherwise"))
    text = faults_shown(faults, [Notice("a", 1, "label row twice", "left out")])
    for fault in faults:
        assert f"{fault}\n" in text
    assert "data/[x]/file7.csv:7: has [none]" in text and "data/folder: must be otherwise" in text
    assert "no label" in text and "30" in text and "label row twice" in text


def test_a_fault_is_not_cut_at_the_width_of_the_console() -> None:
    fault = Notice(
        "data/a long folder/" * 5 + "environmental.csv", 3, "wrong number of fields", "has 1 fields; " + "rule " * 20
    )
    lines = faults_shown([fault], width=60).splitlines()
    assert lines[0] == str(fault) and "wrong number of fields" in lines[-1]


def test_text_of_files_does_not_move_the_cursor(recordings: Recordings) -> None:
    hostile = "a\x1b[2J\u202e\ud800"
    home = small_home(name=hostile, activities={1: hostile, 2: "eating", 3: "others"})
    notices = [Notice(hostile, 1, hostile, hostile)]
    events = [Event(0, clock("08:00:00"), "x", (1,), (hostile,))]
    changed = Recordings(home, [Session("s", "g", events)], notices, {hostile: 1})
    described = describe(changed, PaperSplit().divide(changed.sessions, {1: 1}), FixedWindows())
    for text in (printed(render(described)), faults_shown(notices, notices), str(notices[0])):
        assert "a\\x1b[2J\\u202e\\ud800" in text and not {"\x1b", "\u202e", "\ud800"} & set(text)


def test_what_was_noticed_is_not_called_a_repair() -> None:
    text = faults_shown([], [Notice("a", None, "sessions differ from the release's 69", "1 session")])
    assert "Repaired or noticed while reading" in text and "sessions differ" in text


def test_notices_about_the_whole_dataset_are_shown_in_full_and_of_rows_the_first(recordings: Recordings) -> None:
    whole = Notice("data/[x]", None, "events differ from the release's 8", "7 events are read; compare your copy")
    rows = [Notice("data/[x]/a.csv", line, "label row twice", "is the same as a row above; left out") for line in (7, 9)]
    parts = NamedSplit(train=["s1"], test=["night"]).divide(recordings.sessions, {})
    described = describe(Recordings(recordings.home, recordings.sessions, [whole, *rows]), parts, FixedWindows())
    for text in (printed(render(described, [whole, *rows])), faults_shown([], [whole, *rows])):
        assert "data/[x]: 7 events are read; compare your copy" in text
        assert text.count("label row twice, as in data/[x]/a.csv:7: is the same as a row above; left out") == 1
    assert "7 events are read" not in printed(render(described))


def test_of_many_faults_the_first_are_listed_and_all_are_counted() -> None:
    faults = [Notice("a.csv", line, "no time", "no time") for line in range(1200)]
    text = faults_shown(faults)
    assert "... and 998 more like these\n... and 200 more, which are only counted" in text
    assert re.search(r"no time +1,200", text)


def test_of_faults_that_are_alike_two_are_shown() -> None:
    times = [Notice("a.csv", line, "unreadable time", f"time is '{line}.3.'; it must be a time") for line in range(2, 48)]
    ends = [
        Notice("a.csv", line, "unreadable time", f"the row's end is 'noon {line}'; it must be a time") for line in (2, 3, 4)
    ]
    unknown = [
        Notice("a.csv", 9, "unknown sensor", f"the home's sensor is {name!r}; add it") for name in ("a", "b", "c'", "d", "e")
    ]
    lines = faults_shown([*times, *ends, *unknown]).splitlines()
    assert lines[:2] == [str(fault) for fault in times[:2]]
    quoted = ", ".join(f"'{line}.3.'" for line in range(4, 16))
    assert lines[2] == f"... and 44 more like these, with {quoted}, ..."
    assert lines[3:6] == [str(fault) for fault in ends]
    assert lines[6:9] == [str(unknown[0]), str(unknown[1]), """... and 3 more like these, with "c'", 'd', 'e'"""]
    assert re.search(r"unreadable time +49", "\n".join(lines))


def test_no_faults() -> None:
    text = faults_shown([])
    assert "No faults." in text and "Faults:" not in text


def test_real_marble() -> None:
    marble = load("dataset/marble", Marble)
    recordings = marble.read(real_data("marble"))
    parts = PaperSplit().divide(recordings.sessions, marble.paper_split)
    described = describe(recordings, parts, FixedWindows())
    assert {part: held.windows for part, held in described.parts.items()} == {
        "train": 127,
        "validation": 0,
        "test": 80,
    }
    assert sum(sum(activity.events.values()) for activity in described.activities) == 1790
    assert described.repairs["label row out of order"] == 174
    assert len(described.subjects) == 12
    described = describe(recordings, parts, FixedWindows(min_events=2))
    # A2m/2 in training and one session of the test part end with a window of one event
    assert [described.parts[part].excluded_events for part in ("train", "test")] == [1, 1]
    assert "1,790 events" in printed(render(described))
