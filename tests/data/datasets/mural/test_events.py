"""MuRAL's files as events: words, activities, subjects, order, counts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from har_llm.common.errors import ConfigError, DataError
from har_llm.data.datasets.mural import Mural
from har_llm.data.describe import describe
from har_llm.data.splits import PaperSplit
from har_llm.data.windows import FixedWindows
from tests.data.datasets.mural_files import (
    ACTIVITIES,
    ANNOTATED,
    ROWS,
    activities_file,
    events_of,
    kinds,
    mural,
    official_counts,
    read,
    release,
    write_folder,
    write_zip,
)
from tests.helpers import ROOT, clock, load

# Events


def test_events_in_words(tmp_path: Path) -> None:
    recordings = read(tmp_path)
    (session,) = recordings.sessions
    assert (session.id, session.group) == ("01", "mural")
    assert [tuple(event) for event in session.events] == [
        (0, clock("07:22:45"), "bedroom_1 door sensor OPENED", (6,), ("A",)),
        (1, clock("07:22:50"), "kitchen counter motion sensor turned ON", (0,), ("B",)),
        (2, clock("07:23:10"), "kitchen induction stove wattmeter turned ON", (19,), ("A", "B")),
    ]
    assert not recordings.repairs and not recordings.dropped_events


def test_event_of_the_paper(tmp_path: Path) -> None:
    row = "7,19:53:04,kitchen induction stove wattmeter,turned OFF,A,,19"
    for names in ("long", "short"):
        (event,) = events_of(tmp_path, row, sensor_names=names)
        assert (event.time, event.text) == ("19:53:04", "kitchen induction stove wattmeter turned OFF")


def test_several_subjects_and_activities(tmp_path: Path) -> None:
    (event,) = events_of(tmp_path, '0,08:00:00,main door,OPENED,"A,B , C",,"6, 7,6"')
    assert event.subjects == ("A", "B", "C") and event.activities == (6, 7)
    (event,) = events_of(tmp_path, "0,08:00:00,main door,OPENED,,,6")
    assert event.subjects == ()


def test_sessions_are_in_order_of_their_numbers(tmp_path: Path) -> None:
    names = ["21", "02", "10", "01", "9"]
    recordings = read(tmp_path, release(dict.fromkeys(names, ROWS)))
    assert [session.id for session in recordings.sessions] == ["01", "02", "9", "10", "21"]


def test_quoted_text_with_commas_quotes_and_line_ends(tmp_path: Path) -> None:
    rows = [
        '0,08:00:00,main door,OPENED,A,"A says ""hello, B"",\nand then\n\n12 more words.",7',
        '"1","08:00:05","main door","CLOSED","A","",  "6"',
    ]
    assert [event.activities for event in events_of(tmp_path, *rows)] == [(7,), (6,)]


def test_line_ends_byte_order_mark_and_spaces_do_not_matter(tmp_path: Path) -> None:
    expected = read(tmp_path / "a").sessions
    files = release({"01": [row.replace(",", " ,", 3).replace("OPENED,", " OPENED , ") for row in ROWS]})
    files = {name: b"\xef\xbb\xbf" + content.replace(b"\n", b"\r\n") for name, content in files.items()}
    assert read(tmp_path / "b", files).sessions == expected


def test_quotes_inside_a_text_are_counted(tmp_path: Path) -> None:
    recordings = read(tmp_path, release({"01": ['0,08:00:00,main door,OPENED,A,"A says "hello" to B.",6']}))
    assert kinds(recordings) == {"quotes in a text": 1} and recordings.sessions[0].events[0].activities == (6,)


def test_empty_lines_are_counted(tmp_path: Path) -> None:
    recordings = read(tmp_path, release({"01": [ROWS[0], "", *ROWS[1:], "", ""]}))
    assert [(notice.line, notice.kind) for notice in recordings.repairs] == [(n, "empty line") for n in (3, 6, 7)]
    assert len(recordings.sessions[0].events) == 3


def test_the_null_class_is_found_by_its_name_whatever_its_number(tmp_path: Path) -> None:
    activities = activities_file({0: "b", 5: "Others"})
    files = {**release({"01": ["0,08:00:00,main door,OPENED,A,,"]}), "activities.json": activities}
    recordings = read(tmp_path, files)
    assert recordings.home.null_class == {5} and recordings.sessions[0].events[0].activities == (5,)
    with pytest.raises(DataError, match=r"has no activity 'b2'; dataset\.home\.null_class must"):
        read(tmp_path, files, home={"null_class": ["b2"]})


def test_an_activity_may_be_a_decimal_number_as_data_frames_write_it(tmp_path: Path) -> None:
    rows = [
        f"{number},08:00:00,main door,OPENED,A,,{activity}" for number, activity in enumerate(("6.0", "7.00", '"6.0, 7"'))
    ]
    assert [event.activities for event in events_of(tmp_path, *rows)] == [(6,), (7,), (6, 7)]


def test_empty_activity_is_the_null_class_and_counted(tmp_path: Path) -> None:
    recordings = read(tmp_path, release({"01": ["0,08:00:00,main door,OPENED,A,,"]}))
    assert recordings.sessions[0].events[0].activities == (0,)
    assert [(notice.line, notice.kind) for notice in recordings.repairs] == [(2, "no activity")]


words = st.text(st.characters(codec="utf-8", exclude_characters='"\r\n'), max_size=20)


@pytest.mark.slow
@given(words, words, st.sampled_from([6, 7, 19]))
def test_narration_subject_and_activity_never_get_into_an_event(
    tmp_path_factory: pytest.TempPathFactory, description: str, subject: str, activity: int
) -> None:
    row = f'0,08:00:00,main door,OPENED,"{subject}","{description}",{activity}'
    annotation = f'1,08:00:01,,,"{subject}","{description}",{activity}'
    events = events_of(tmp_path_factory.mktemp("any"), row, annotation, annotation_rows="kept")
    assert [(event.id, event.time, event.text) for event in events] == [
        (0, "08:00:00", "entrance main door sensor OPENED"),
        (1, "08:00:01", "something that no sensor reports"),
    ]


# Annotation rows and the null class


def test_annotation_rows_are_dropped_and_counted(tmp_path: Path) -> None:
    recordings = read(tmp_path, release({"01": ANNOTATED}))
    assert recordings.dropped_events == {"annotation rows": 1}
    assert [event.id for event in recordings.sessions[0].events] == [0, 1, 2]


def test_annotation_rows_that_are_dropped_need_nothing_but_their_place(tmp_path: Path) -> None:
    rows = [ROWS[0], ',,,,,"A thinks, aloud.",', "1,,,,A,,99", *ROWS[1:]]
    recordings = read(tmp_path, release({"01": rows}))
    assert recordings.dropped_events == {"annotation rows": 2} and not recordings.repairs
    assert len(recordings.sessions[0].events) == 3


def test_annotation_rows_can_be_kept(tmp_path: Path) -> None:
    recordings = read(tmp_path, release({"01": ANNOTATED}), annotation_rows="kept", annotation_text="nothing seen")
    assert not recordings.dropped_events
    assert recordings.sessions[0].events[1] == (1, clock("07:22:47"), "nothing seen", (6,), ("A",))


@pytest.mark.parametrize("use", ["label", "unscored", "dropped"])
def test_others_as_a_setting(tmp_path: Path, use: str) -> None:
    rows = [*ANNOTATED, '5,07:30:00,main door,OPENED,"A, B",,"0, 6"']
    recordings = read(tmp_path, release({"01": rows}), null_class=use)
    assert list(recordings.home.activities) == ([6, 7, 19, 25] if use == "dropped" else list(ACTIVITIES))
    assert recordings.home.null_class == (frozenset() if use == "dropped" else {0})
    found = [event.activities for event in recordings.sessions[0].events]
    if use == "dropped":
        assert found == [(6,), (19,), (6,)]
        assert recordings.dropped_events == {"annotation rows": 1, "null class": 1}
    else:
        assert found == [(6,), (0,), (19,), (0, 6)]


# Times


@pytest.mark.parametrize(
    ("times", "order"),
    [
        (("23:59:58", "23:59:58", "00:00:03", "00:10:00"), (0, 1, 2, 3)),
        (("22:00:00", "09:59:59", "10:00:00"), (0, 1, 2)),  # more than 12 hours back: midnight
        (("23:59:58", "00:00:03", "23:59:59", "00:00:04"), (0, 2, 1, 3)),  # a little back, over midnight
        (("08:00:00", "23:00:00", "23:30:00"), (0, 1, 2)),  # a long silence
        (("20:00:00", "03:00:00", "19:00:00", "02:00:00"), (0, 1, 2, 3)),  # two nights
        (("08:00:00", "08:00:00", "08:00:00"), (0, 1, 2)),
    ],
)
def test_midnight(tmp_path: Path, times: tuple[str, ...], order: tuple[int, ...]) -> None:
    rows = [f"{uid},{time},main door,OPENED,{'ABCD'[uid]},,6" for uid, time in enumerate(times)]
    events = events_of(tmp_path, *rows)
    assert [event.subjects[0] for event in events] == ["ABCD"[uid] for uid in order]
    assert [event.id for event in events] == list(range(len(times)))


def test_small_steps_back_are_put_in_order_and_counted(tmp_path: Path) -> None:
    times = ("08:00:00", "08:01:00", "08:00:00", "08:00:59", "08:02:00")
    rows = [f"{uid},{time},main door,OPENED,{'ABCDE'[uid]},,6" for uid, time in enumerate(times)]
    recordings = read(tmp_path, release({"01": rows}))
    assert [event.subjects[0] for event in recordings.sessions[0].events] == list("ACDBE")
    assert [(notice.line, notice.kind) for notice in recordings.repairs] == [(4, "event out of order")]
    assert "60 s before" in recordings.repairs[0].message
    assert len(mural(reorder_seconds=59).faults(tmp_path)) == 1


def test_hours_of_one_digit_are_read(tmp_path: Path) -> None:
    (event,) = events_of(tmp_path, "0,7:05:09,main door,OPENED,A,,6")
    assert event.time == "07:05:09"


# The known counts and the split


def test_known_counts_give_no_notice(tmp_path: Path) -> None:
    dataset = load("dataset/mural", Mural)
    dataset.check()
    write_zip(tmp_path / "MuRAL.zip", official_counts())
    recordings = dataset.read(tmp_path)
    assert sum(len(session.events) for session in recordings.sessions) == 8543
    assert not recordings.repairs and recordings.dropped_events == {"annotation rows": 92}
    parts = load("split/paper", PaperSplit).divide(recordings.sessions, dataset.paper_split)
    assert [session.id for session in parts["train"]] == [f"{n:02d}" for n in range(1, 16)]
    assert [session.id for session in parts["test"]] == [f"{n:02d}" for n in range(16, 22)]
    assert describe(recordings, parts, FixedWindows()).parts["train"].windows == dataset.expected["training_windows"]


@pytest.mark.parametrize("changes", [{"annotation_rows": "kept"}, {"null_class": "unscored"}, {"sensor_names": "short"}])
def test_settings_that_the_known_counts_do_not_depend_on_give_no_notice(tmp_path: Path, changes: dict[str, str]) -> None:
    write_folder(tmp_path / "mural", official_counts())
    recordings = load("dataset/mural", Mural, **changes).read(tmp_path)
    assert not recordings.repairs
    kept = 92 if changes.get("annotation_rows") == "kept" else 0
    assert sum(len(session.events) for session in recordings.sessions) == 8543 + kept


def test_another_number_of_training_windows_is_told_with_the_settings_that_come_nearest(tmp_path: Path) -> None:
    write_folder(tmp_path / "mural", official_counts())
    recordings = load("dataset/mural", Mural, null_class="dropped").read(tmp_path)
    assert recordings.dropped_events["null class"] > 0
    (notice,) = recordings.repairs
    assert (notice.path, notice.line) == (str(tmp_path / "mural"), None)
    assert notice.kind == "training windows differ from the paper's 544"
    assert notice.message == (
        "528 windows of 10 come out of the 15 training sessions with dataset.annotation_rows=dropped "
        "dataset.null_class=dropped; dataset.annotation_rows=dropped dataset.null_class=label comes nearest, "
        "with 544; the paper has 544"
    )


def test_training_windows_of_a_copy_with_other_sessions_are_not_compared(tmp_path: Path) -> None:
    files = official_counts()
    write_folder(tmp_path / "mural", {name: content for name, content in files.items() if not name.startswith("21/")})
    repairs = load("dataset/mural", Mural).read(tmp_path).repairs
    assert [notice.kind.partition(" differ")[0] for notice in repairs] == ["sessions", "events", "annotation rows"]


@pytest.mark.parametrize(("names", "told"), [(25, True), (26, False), (27, False), (28, True)])
def test_the_26_activities_may_or_may_not_include_others(tmp_path: Path, names: int, told: bool) -> None:
    files = {
        **official_counts(),
        "activities.json": activities_file({n: f"activity {n}" if n else "others" for n in range(names)}),
    }
    for session in range(1, 22):
        files[f"{session:02d}/data.csv"] = files[f"{session:02d}/data.csv"].replace(b",25\n", b",1\n")
    write_folder(tmp_path / "mural", files)
    repairs = load("dataset/mural", Mural).read(tmp_path).repairs
    assert [notice.kind for notice in repairs] == (["activities differ from the release's 26"] if told else [])


def test_other_counts_are_told(tmp_path: Path) -> None:
    write_folder(tmp_path / "mural", release({"01": ANNOTATED}))
    repairs = load("dataset/mural", Mural).read(tmp_path).repairs
    assert [notice.kind for notice in repairs] == [
        "sessions differ from the release's 21",
        "events differ from the release's 8,543",
        "annotation rows differ from the release's 92",
        "sensors differ from the release's 23",
        "activities differ from the release's 26",
    ]
    assert "3 events read" in repairs[1].message and "such rows: 1" in repairs[1].message
    assert {notice.path for notice in repairs} == {str(tmp_path / "mural")}


# Settings


def test_shipped_config_needs_no_data() -> None:
    load("dataset/mural", Mural).check()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sensor_names": "full"}, "dataset.sensor_names is 'full'; it must be one of long, short"),
        ({"annotation_rows": "no"}, "dataset.annotation_rows is 'no'; it must be one of dropped, kept"),
        ({"annotation_rows": "kept", "annotation_text": " "}, "dataset.annotation_text is empty"),
        ({"reorder_seconds": -1}, "dataset.reorder_seconds is -1; it must be from 0 to 43200"),
        ({"reorder_seconds": 50000}, "dataset.reorder_seconds is 50000"),
        ({"actions": []}, "dataset.actions is empty"),
        ({"expected": {"windows": 544}}, "dataset.expected.windows is no count"),
        ({"home": {"activities": {1: "cooking"}}}, "dataset.home.activities must be empty"),
        ({"null_class": "gone"}, "dataset.null_class is 'gone'"),
    ],
)
def test_wrong_setting_is_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        load("dataset/mural", Mural, **changes).check()
    assert message in str(raised.value)


def test_check_changes_nothing() -> None:
    dataset = load("dataset/mural", Mural)
    dataset.check()
    assert dataset == load("dataset/mural", Mural)


def test_reader_needs_nothing_but_the_standard_library() -> None:
    command = [sys.executable, "-S", "-c", "import har_llm.data.datasets.mural"]  # -S: no installed package can be imported
    subprocess.run(command, check=True, env={**os.environ, "PYTHONPATH": str(ROOT)})


def test_a_doubled_row_is_counted_and_kept(tmp_path: Path) -> None:
    recordings = read(
        tmp_path, release({"01": [ROWS[0], ROWS[1], ROWS[0].replace("0,", "9,"), ROWS[0]]}), reorder_seconds=60
    )
    assert kinds(recordings)["event row twice"] == 1 and len(recordings.sessions[0].events) == 4
