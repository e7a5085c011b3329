"""predictions and segments, as CSV and as Parquet: activities by name and over time, for people and their programs."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas
import pytest

from har_llm.common.errors import MissingError
from har_llm.common.tables import write_sheet
from har_llm.data.records import time_of_day
from har_llm.report.terminal.predictions import show_predictions
from har_llm.runs.activities import event_sheet, predicted_segments, segment_sheet
from har_llm.runs.directory import EVENTS, EVENTS_CSV, SEGMENTS, SEGMENTS_CSV, RunResult
from har_llm.runs.load import Runs
from tests.report.run_folders import row, written
from tests.scripted_runs import done

EVIL = {1: "=HYPERLINK(1)", 2: "eating"}


def run_of(
    folder: Path, *events: tuple[str, str | None, int | str], gold: Sequence[int] = (1,), **changes: Any
) -> RunResult:
    """Events of one session: time, date, and what was said."""
    made = [row("s1", n, gold, said, time=time, date=date) for n, (time, date, said) in enumerate(events)]
    return written(folder, made, **changes)


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_a_run_directory_has_its_activities_by_name_and_over_time(tmp_path: Path, script: str) -> None:
    result, _ = done(tmp_path, script, "limit=2")
    events, rows = read(result.folder / EVENTS_CSV), list(result.predictions())
    assert [(one["session"], one["id"], one["time"], one["event"]) for one in events] == [
        (one.session, str(one.id), one.time, one.event) for one in rows
    ]
    names = result.metrics.activities
    assert [one["activity"] for one in events[:20]] == [names[row.gold[0]] for row in rows[:20]]
    assert {one["missed"] for one in events[:20]} == {""} and {one["missed"] for one in events[20:]} == {
        "window beyond limit"
    }
    assert events[0]["gold"] == events[0]["activity"] and events[0]["date"] == ""
    segments = read(result.folder / SEGMENTS_CSV)
    for sheet, written_in_csv in ((EVENTS, events), (SEGMENTS, segments)):
        frame = pandas.read_parquet(result.folder / f"{sheet}.parquet")
        assert [*frame.columns] == [*written_in_csv[0]] and len(frame) == len(written_in_csv)
        assert frame["activity"].fillna("").tolist() == [one["activity"] for one in written_in_csv]
    assert sum(int(one["events"]) for one in segments) == 20
    marked = {one["marked"] for one in [*events, *segments]}
    assert marked == {"synthetic home, synthetic model; partial: first 2 windows only"}


def test_a_segment_goes_over_midnight(tmp_path: Path) -> None:
    night = [("23:50:00", "2012-02-28", 1), ("23:59:30", "2012-02-28", 1), ("00:00:30", "2012-02-29", 2)]
    result = run_of(tmp_path / "dated", *night)
    write_sheet(tmp_path / "segments", segment_sheet(result.metrics, list(result.predictions()), "strict"))
    assert (tmp_path / "segments.csv").read_text(encoding="utf-8").splitlines() == [
        "session,start,last_event,end,minutes,activity,events",
        "s1,2012-02-28 23:50:00,2012-02-28 23:59:30,2012-02-29 00:00:30,10.5,cooking,2",
        "s1,2012-02-29 00:00:30,2012-02-29 00:00:30,2012-02-29 00:00:30,0.0,eating,1",
    ]
    frame = pandas.read_parquet(tmp_path / "segments.parquet")
    assert frame["end"].dt.minute.tolist() == [0, 0] and frame["minutes"].tolist() == [10.5, 0.0]
    undated = run_of(tmp_path / "undated", *((time, None, said) for time, _, said in night))
    first, _ = predicted_segments(undated.predictions(), "strict")
    assert (first.start, first.end, first.seconds) == (time_of_day(85_800), time_of_day(30), 630)


def test_a_night_goes_on_in_the_session_of_the_next_day_but_not_over_a_hole(tmp_path: Path) -> None:
    days = {"a": ("23:10:00", "2012-02-28", 1), "b": ("06:40:00", "2012-02-29", 2), "c": ("20:00:00", "2012-03-01", 1)}
    made = [row(name, 0, (1,), said, time=time, date=date) for name, (time, date, said) in days.items()]
    night, *others = predicted_segments(written(tmp_path / "run", made).predictions(), "strict")
    assert (night.session, night.seconds, night.end) == ("a", 7.5 * 3600, datetime(2012, 2, 29, 6, 40))
    assert [(one.session, one.seconds) for one in others] == [("b", 0.0), ("c", 0.0)]


def test_a_segment_ends_where_the_next_begins_also_where_an_hour_comes_twice(tmp_path: Path) -> None:
    night = [("01:00:00", 1), ("02:50:00", 1), ("02:05:00", 1), ("03:30:00", 2)]
    result = run_of(tmp_path / "run", *((time, "2026-10-25", said) for time, said in night))
    first, second = predicted_segments(result.predictions(), "strict")
    assert first.end == second.start == datetime(2026, 10, 25, 3, 30)


def test_an_hour_that_comes_twice_lasts_two_where_the_offsets_are_known(tmp_path: Path) -> None:
    night = [("01:50:00", "+02:00", 1), ("02:50:00", "+02:00", 1), ("02:50:00", "+01:00", 2)]
    made = [
        row("s1", n, (1,), said, time=time, date="2026-10-25", utc_offset=offset)
        for n, (time, offset, said) in enumerate(night)
    ]
    result = written(tmp_path / "run", made)
    first, second = predicted_segments(result.predictions(), "strict")
    assert (first.seconds, first.end) == (2 * 3600, second.start)
    rows = [*result.predictions()]
    sheets = event_sheet(result.metrics, rows, "strict"), segment_sheet(result.metrics, rows, "strict")
    for sheet, name in zip(sheets, ("events", "segments"), strict=True):
        write_sheet(tmp_path / name, sheet)
    events, segments = (read(tmp_path / f"{name}.csv") for name in ("events", "segments"))
    assert [(one["date"], one["time"], one["utc_offset"]) for one in events] == [
        ("2026-10-25", time, f"UTC{offset}") for time, offset, _ in night
    ]
    assert [(one["start"], one["end"], one["utc_offset"], one["minutes"]) for one in segments] == [
        ("2026-10-25 01:50:00", "2026-10-25 02:50:00", "UTC+02:00", "120.0"),
        ("2026-10-25 02:50:00", "2026-10-25 02:50:00", "UTC+01:00", "0.0"),
    ]
    frame = pandas.read_parquet(tmp_path / "segments.parquet")
    assert frame["start"].dt.tz is None and frame["start"].dt.hour.tolist() == [1, 2], "by the home's clock"


@pytest.mark.parametrize("offset", ["+99:99", ".5", "Z", ""])
def test_an_offset_that_is_none_is_damage(tmp_path: Path, offset: str) -> None:
    made = [row("s1", n, (1,), 1, time=f"08:0{n}:00", date="2026-10-25", utc_offset=offset) for n in range(2)]
    result = written(tmp_path / "run", made)
    with pytest.raises(MissingError, match=r"run is damaged \(predictions\.jsonl: "):
        Runs([result]).segments()
    with pytest.raises(MissingError, match=r"run is damaged \(predictions\.jsonl: "):
        show_predictions(result, parsing="strict", fresh=True)


def test_what_was_missed_is_said_and_is_in_no_segment(tmp_path: Path) -> None:
    result = run_of(tmp_path / "run", ("08:00:00", None, "no_answer"), ("08:00:01", None, 2), gold=())
    sheet = event_sheet(result.metrics, [*result.predictions()], "strict")
    assert [*sheet.columns] == ["session", "date", "time", "id", "event", "activity", "missed"], (
        "no gold where there is none"
    )
    assert [row[5:] for row in sheet.rows] == [(None, "no answer"), ("eating", None)]
    (one,) = predicted_segments(result.predictions(), "strict")
    assert (one.activity, one.events) == (2, 1)


def test_events_with_several_gold_activities_have_all_their_names(tmp_path: Path) -> None:
    result = run_of(tmp_path / "run", ("08:00:00", None, 1), gold=(1, 2))
    assert [cells[-1] for cells in event_sheet(result.metrics, [*result.predictions()], "strict").rows] == [
        "cooking; eating"
    ]
