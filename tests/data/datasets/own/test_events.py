"""Tables of events: columns, times, labels, and what becomes of each row."""

from __future__ import annotations

from pathlib import Path
from unicodedata import normalize

import pandas
import pytest

from har_llm.common.errors import ConfigError, MissingError
from har_llm.common.notices import Notice
from har_llm.data.datasets.own import table
from har_llm.data.datasets.own.base import OwnHome
from har_llm.data.splits import FractionSplit, KFoldSplit, PaperSplit
from tests.data.datasets.own.homes import WEEK, as_composed, events, events_of, kinds, own, read, texts

PLAIN = [
    ("2026-03-02 07:10:00", "kitchen fridge door OPENED"),
    ("2026-03-02 07:10:30", "kitchen fridge door CLOSED"),
]


def test_a_file_alone_is_a_home(tmp_path: Path) -> None:
    recordings = read(events_of(tmp_path, WEEK))
    assert [session.id for session in recordings.sessions] == ["2026-03-02", "2026-03-03"]
    found = [(one.id, one.time, one.text, one.activities) for session in recordings.sessions for one in session.events]
    assert found == [
        (0, "07:00:00", "bedroom bed PRESSED", ()),
        (1, "07:10:00", "kitchen fridge door OPENED", (1,)),
        (2, "07:10:30", "kitchen fridge door CLOSED", (1,)),
        (0, "22:00:00", "hall motion BEGINS", (2,)),
    ]
    home = recordings.home
    assert (home.name, home.activities) == ("week", {1: "Prepare Breakfast", 2: "leaving"})
    assert home.rooms == {"bedroom": ("bed",), "kitchen": ("fridge door",), "hall": ("motion",)}
    assert [notice.kind for notice in recordings.repairs] == ["no file that describes the home"]
    assert not recordings.dropped_events


@pytest.mark.parametrize(
    "content",
    [
        "Timestamp;Entity;State\r\n2026-03-02 07:10:00;kitchen_fridge_door;on\r\n"
        "2026-03-02 07:10:30;kitchen_fridge_door;off\r\n",
        "\ufeffdatetime\tdevice\tstatus\n2026-03-02T07:10:00\tkitchen fridge door\topen\n"
        "2026-03-02T07:10:30\tkitchen fridge door\tclosed",
        'date,time,"name",message\n2026-03-02,07:10:00,"kitchen.fridge.door","1"\n2026-03-02,07:10:30,"kitchen.fridge.door","0"\n',
        "value,sensor,time\ntrue,KitchenFridgeDoor,2026-03-02 07:10:00\nfalse,KitchenFridgeDoor,2026-03-02 07:10:30\n",
        "start,end,sensor\n2026-03-02 07:10:00,2026-03-02 07:10:30,fridge_door_kitchen\n",
        "TIME , SENSOR , VALUE\n 2026-03-02 07:10:00 , kitchen-fridge-door , ON \n\n"
        "2026-03-02 07:10:30,kitchen-fridge-door,OFF\n,,\n",
    ],
)
def test_plain_headers_and_separators_are_known(tmp_path: Path, content: str) -> None:
    assert texts(events_of(tmp_path, content)) == PLAIN


def test_columns_and_the_separator_may_be_named(tmp_path: Path) -> None:
    content = (
        "when|1,who|2,what|3\n2026-03-02 07:10:00,kitchen_fridge_door,ON\n2026-03-02 07:10:30,kitchen_fridge_door,OFF\n"
    )
    names = [
        f"+dataset.columns.{role}={name}"
        for role, name in (("time", "'When|1'"), ("sensor", "'who|2'"), ("value", "'what|3'"))
    ]
    dataset = events_of(tmp_path, content, *names, "dataset.separator=','")
    assert texts(dataset) == PLAIN
    with pytest.raises(ConfigError, match=r"dataset\.separator is '\|'; it must be one of"):
        events_of(tmp_path, content, "dataset.separator='|'")


def test_times_may_be_written_in_a_form_of_ones_own(tmp_path: Path) -> None:
    content = (
        "date;time;sensor;value\n02.03.2026;07:10:00;kitchen_fridge_door;ON\n02.03.2026;07:10:30;kitchen_fridge_door;OFF\n"
    )
    assert texts(events_of(tmp_path, content, "+dataset.time_format='%d.%m.%Y %H:%M:%S'")) == PLAIN
    assert "set dataset.time_format" in events_of(tmp_path, content).faults(tmp_path)[0].message


@pytest.mark.parametrize(
    ("date", "first", "second", "overrides"),
    [
        ("2026-03-02", "071000", "071030", ()),
        ("2026-03-02", "07:10:00.000000+00:00", "07:10:30.000000+00:00", ()),
        ("02/03/2026", "07.10.00", "07.10.30", ("+dataset.time_format='%d/%m/%Y %H.%M.%S'",)),
    ],
)
def test_a_date_is_joined_with_a_time_of_day_of_any_form(
    tmp_path: Path, date: str, first: str, second: str, overrides: tuple[str, ...]
) -> None:
    content = f"date,time,sensor,value\n{date},{first},kitchen_fridge_door,ON\n{date},{second},kitchen_fridge_door,OFF\n"
    assert texts(events_of(tmp_path, content, *overrides)) == PLAIN


def test_a_date_beside_a_whole_time_is_not_read(tmp_path: Path) -> None:
    content = "date,time,sensor,value\n{0},{1} 07:10:00,kitchen_fridge_door,ON\n{0},07:10:30,kitchen_fridge_door,OFF\n"
    assert texts(events_of(tmp_path, content.format("2026-03-02", "2026-03-02"))) == PLAIN


def test_columns_that_are_not_read_are_said(tmp_path: Path) -> None:
    recordings = read(events_of(tmp_path, "time,sensor,value,battery\n2026-03-02 07:10:00,a_door,ON,99\n"))
    (notice,) = [one for one in recordings.repairs if one.kind == "columns that are not read"]
    assert notice.message == "not read: battery"


def test_rows_out_of_order_are_put_in_order_and_counted(tmp_path: Path) -> None:
    first, second, third, *rest = WEEK.splitlines()
    recordings = read(events_of(tmp_path, "\n".join([first, third, second, *rest])))
    assert [one.time for one in recordings.sessions[0].events] == ["07:00:00", "07:10:00", "07:10:30"]
    (notice,) = [one for one in recordings.repairs if one.kind == "rows out of order"]
    assert notice.message.startswith("1 row earlier")


def test_intervals_that_touch_end_before_they_begin_again_in_any_order_of_rows(tmp_path: Path) -> None:
    spans = [("08:10", "08:20"), ("08:00", "08:10"), ("08:20", "08:20")]
    content = "start,end,sensor\n" + "".join(f"2026-03-02 {a},2026-03-02 {b},a_door\n" for a, b in spans)
    recordings = read(events_of(tmp_path, content))
    words = [event.text.split()[-1] for event in recordings.sessions[0].events]
    assert words == ["OPENED", "CLOSED"] * 3
    (notice,) = [one for one in recordings.repairs if one.kind == "rows out of order"]
    assert notice.message.startswith("1 row earlier")


def test_a_row_twice_is_left_out_and_counted(tmp_path: Path) -> None:
    row = "2026-03-02 07:00:00,hall_motion,{}\n"
    content = "time,sensor,value\n" + "".join(row.format(value) for value in ("ON", "ON", "OFF", "ON"))
    recordings = read(events_of(tmp_path, content))
    assert [one.text for one in recordings.sessions[0].events] == [
        "hall motion BEGINS",
        "hall motion ENDS",
        "hall motion BEGINS",
    ]
    assert recordings.dropped_events == {"row twice": 1}


def test_rows_without_a_sensor_or_a_value_are_counted(tmp_path: Path) -> None:
    recordings = read(events_of(tmp_path, WEEK + "2026-03-04 07:00:00,,ON,\n2026-03-04 07:00:00,hall_motion, ,\n"))
    assert recordings.dropped_events == {"row without a sensor": 1, "row without a value": 1}


def test_what_says_that_a_value_is_missing_is_no_word_of_a_sensor(tmp_path: Path) -> None:
    marks = ["-", "n/a", "NaN", "NULL", "None", "", "unknown"]
    rows = [f"2026-03-02 07:1{place}:00,hall_temperature,{mark}" for place, mark in enumerate(marks)]
    head = "time,sensor,value\n2026-03-02 07:00:00,a_door,ON\n2026-03-02 07:01:00,hall_temperature,19.5\n"
    dataset = events_of(tmp_path, head + "\n".join(rows))
    assert texts(dataset) == [("2026-03-02 07:00:00", "home a door OPENED")]  # numbers are left out
    numbers = "hall_temperature reports numbers and has no threshold; give it one in week.home.yaml (task=init drafts it)"
    assert read(dataset).dropped_events == {"row without a value": 7, numbers: 1}
    dataset.draft()
    assert "numbers, 19.5 to 19.5" in (tmp_path / "week.home.yaml").read_text()
    (tmp_path / "week.home.yaml").write_text(
        "activities: {1: eating}\nsensors: {a_door: {name: door}, hall_temperature: {room: hall, states: {none: EMPTY}}}\n"
    )
    assert [text for _, text in texts(dataset)] == ["door ON", "hall 19.5", "hall EMPTY"]


def test_the_hour_that_comes_twice_keeps_its_order(tmp_path: Path) -> None:
    rows = [
        f"2026-10-25T{text},hall_motion,{value}" for text, value in (("00:30Z", "ON"), ("00:59Z", "OFF"), ("01:10Z", "ON"))
    ]
    content = "\n".join(["time,sensor,value", *reversed(rows)])
    found = texts(events_of(tmp_path, content, "+dataset.timezone=Europe/Paris"))
    assert [moment[11:16] for moment, _ in found] == ["02:30", "02:59", "02:10"]
    local = [line.replace("T", " ") for line in ("2026-10-25T02:30,a_door,ON", "2026-10-25T02:10,a_door,OFF")]
    dataset = events_of(tmp_path, "\n".join(["time,sensor,value", *local]), "+dataset.timezone=Europe/Paris")
    assert [moment[11:16] for moment, _ in texts(dataset)] == ["02:30", "02:10"]
    assert kinds(read(dataset)) == {"time in the repeated hour"}


def test_intervals_that_overlap_in_the_hour_that_comes_twice_are_each_of_its_first_time(tmp_path: Path) -> None:
    rows = ["2026-10-25 02:05,2026-10-25 02:30,a_door", "2026-10-25 02:10,2026-10-25 02:15,b_door"]
    dataset = events_of(tmp_path, "\n".join(["start,end,sensor", *rows]), "+dataset.timezone=Europe/Paris")
    assert [(moment[11:16], text.split()[1]) for moment, text in texts(dataset)] == [
        ("02:05", "a"),
        ("02:10", "b"),
        ("02:15", "b"),
        ("02:30", "a"),
    ]


def of_kind(kind: str, dataset: OwnHome) -> list[Notice]:
    return [one for one in read(dataset).repairs if one.kind == kind]


def test_a_zone_that_is_not_set_is_said(tmp_path: Path) -> None:
    content = "time,sensor,value\n1782892800,hall_motion,ON\n"
    recordings = read(events_of(tmp_path, content))
    assert kinds(recordings) == {"no time zone is set"} and recordings.sessions[0].events[0].time == "08:00:00"
    assert not kinds(read(events_of(tmp_path, content, "+dataset.timezone=UTC")))
    skipped = "time,sensor,value\n2026-03-29 02:30:00,hall_motion,ON\n"
    assert kinds(read(events_of(tmp_path, skipped, "+dataset.timezone=Europe/Paris"))) == {"time in the skipped hour"}


@pytest.mark.parametrize(
    ("times", "shown"),
    [
        (("2026-03-29 01:50:00", "2026-03-29 03:10:00"), ("01:50:00+01:00", "03:10:00+02:00")),
        (("2026-10-25T00:50:00Z", "2026-10-25T01:10:00Z"), ("02:50:00+02:00", "02:10:00+01:00")),
        (("2026-10-25 02:50:00", "2026-10-25 02:10:00"), ("02:50:00+02:00", "02:10:00+01:00")),
        (("1792889400", "1792890600"), ("02:50:00+02:00", "02:10:00+01:00")),
    ],
)
def test_what_passes_is_known_where_clocks_change(tmp_path: Path, times: tuple[str, str], shown: tuple[str, str]) -> None:
    content = "time,sensor,value\n" + "".join(f"{one},hall_motion,ON\n" for one in times)
    for gap, sessions in ((15, 2), (30, 1)):
        cut = ("dataset.cut.at=gaps", f"dataset.cut.gap_minutes={gap}")
        dataset = events_of(tmp_path, content, "+dataset.timezone=Europe/Paris", *cut)
        first, second = found = events(dataset)
        assert first.seconds_until(second) == 20 * 60 and len(read(dataset).sessions) == sessions
        assert tuple(f"{one.time}{one.utc_offset}" for one in found) == shown


def test_sessions_that_begin_alike_have_names_of_their_own(tmp_path: Path) -> None:
    times = ("2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z", "2026-10-25T01:40:00Z", "2026-10-25T03:00:00Z")
    content = "time,sensor,value\n" + "".join(f"{one},hall_motion,ON\n" for one in times)
    dataset = events_of(tmp_path, content, "+dataset.timezone=Europe/Paris", "dataset.cut.at=gaps")
    assert [(one.id, len(one.events)) for one in read(dataset).sessions] == [
        ("2026-10-25_02-30-00", 1),
        ("2026-10-25_02-30-00_2", 2),
        ("2026-10-25_04-00-00", 1),
    ]


@pytest.mark.parametrize(("year", "said"), [(1970, True), (1989, True), (1990, False), (2099, False), (2126, True)])
def test_a_year_in_which_no_home_is_recorded_is_said(tmp_path: Path, year: int, said: bool) -> None:
    times = sorted([f"{year}-06-01 00:00:03", "2026-03-02 07:00:00"])
    content = "time,sensor,value\n" + "".join(f"{one},hall_motion,ON\n" for one in times)
    found = of_kind("unlikely year", events_of(tmp_path, content))
    assert bool(found) == said and all(f"begins or ends on {year}-06-01;" in one.message for one in found)


def test_a_clock_that_nobody_knows_has_no_offset(tmp_path: Path) -> None:
    content = "time,sensor,value\n2026-03-29 01:50:00,hall_motion,ON\n2026-03-29 03:10:00,hall_motion,OFF\n"
    first, second = events(events_of(tmp_path, content))
    assert first.utc_offset is None and first.seconds_until(second) == 80 * 60


def test_sensors_that_are_told_alike_are_said(tmp_path: Path) -> None:
    sensors = ("Kitchen Door", "kitchen_door", "hall_motion")
    content = "time,sensor,value\n" + "".join(f"2026-03-02 07:1{at}:00,{one},ON\n" for at, one in enumerate(sensors))
    (notice,) = of_kind("sensors told alike", events_of(tmp_path, content))
    assert notice.message.startswith(
        "1 text is told of several sensors, as 'kitchen door OPENED' of 'Kitchen Door', 'kitchen_door'"
    )


LABELS = (
    "start;end;activity\n2026-03-02 06:00:00;2026-03-02 07:00:00;sleeping\n2026-03-03 21:00;2026-03-03 23:00;Going_Out\n"
)


def test_labels_may_be_intervals_in_a_file_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text(LABELS)
    lines = [line.rpartition(",")[0] for line in WEEK.splitlines()]
    path = f"dataset.labels_path={tmp_path}/labels.csv"
    dataset = events_of(tmp_path, "\n".join(lines), path)
    assert [one.activities for one in events(dataset)] == [(1,), (), (), (2,)]
    assert read(dataset).home.activities == {1: "sleeping", 2: "Going Out"}
    both = events_of(tmp_path, WEEK, path)  # an event's own label counts before an interval
    assert [read(both).home.activities[number] for one in events(both) for number in one.activities] == [
        "sleeping",
        "Prepare Breakfast",
        "Prepare Breakfast",
        "leaving",
    ]
    (tmp_path / "labels.csv").write_text(LABELS + "2026-03-04 00:00,2026-03-04 00:00;other\n".replace(",", ";"))
    filled = events_of(tmp_path, "\n".join(lines), path, "dataset.gaps=null_class")
    assert [one.activities for one in events(filled)] == [(1,), (3,), (3,), (2,)]


def test_labels_that_cover_no_event_are_counted_and_said(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    lines = "\n".join(line.rpartition(",")[0] for line in WEEK.splitlines())
    dataset = events_of(tmp_path, lines, f"dataset.labels_path={path}")
    rows = LABELS.splitlines()
    recording = "the recording is of 2026-03-02 to 2026-03-03"
    quiet, wrong_year = "2026-03-02 12:00;2026-03-02 13:00;resting", rows[2].replace("2026", "2025")
    for labels, message in (
        (
            LABELS.replace("2026", "2025"),
            f"no event is in 2 of 2 labels, the first in line 2; {recording}; check the year and the time zone",
        ),
        ("\n".join([*rows, wrong_year]), f"no event is in 1 of 3 labels, the first in line 4; {recording}; check the year"),
        ("\n".join([*rows, quiet]), f"no event is in 1 of 3 labels, the first in line 4; {recording}"),
    ):
        path.write_text(labels)
        (notice,) = of_kind("label covers no event", dataset)
        assert (notice.path, notice.line) == (str(path), None) and notice.message.startswith(message)
        assert ("check" in notice.message) == (quiet not in labels)
    path.write_text(LABELS)
    assert not kinds(read(dataset))


def test_labels_that_overlap_are_said(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    lines = "\n".join(line.rpartition(",")[0] for line in WEEK.splitlines())
    dataset = events_of(tmp_path, lines, f"dataset.labels_path={path}")
    path.write_text(LABELS + "2026-03-02 06:55;2026-03-02 08:00;eating\n")
    (notice,) = of_kind("labels overlap", dataset)
    assert notice.message.startswith(
        "1 label begins before one of another activity ends, the first in line 4; an event there"
    )
    path.write_text(LABELS + "2026-03-02 06:10;2026-03-02 08:00;Sleeping\n")
    assert not of_kind("labels overlap", dataset)
    path.write_text(LABELS + "2026-03-02 07:00;2026-03-02 08:00;eating\n")
    assert not kinds(read(dataset))


def test_a_label_in_the_hour_that_comes_twice_is_said(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("start,end,activity\n2026-10-25 02:20,2026-10-25 04:30,up\n")
    content = "time,sensor,value\n2026-10-25T01:30:00Z,hall_motion,ON\n"
    chosen = ("+dataset.timezone=Europe/Paris", f"dataset.labels_path={tmp_path / 'labels.csv'}")
    (notice,) = [
        one for one in read(events_of(tmp_path, content, *chosen)).repairs if one.kind == "time in the repeated hour"
    ]
    assert notice.path == str(tmp_path / "labels.csv") and notice.message.startswith("1 time that a clock")


def test_labels_in_the_hour_that_comes_twice_do_not_depend_on_the_events_before_them(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("start,end,activity\n2026-10-25 02:00:00,2026-10-25 02:20:00,up\n")
    rows = [
        "2026-10-25 02:10:00,hall_motion,ON",
        "2026-10-25 02:10:00,hall_motion,OFF",
        "2026-10-26 08:00:00,hall_motion,ON",
    ]
    zone, path = "+dataset.timezone=Europe/Paris", f"dataset.labels_path={tmp_path}/labels.csv"
    dataset = events_of(tmp_path, "\n".join(["time,sensor,value", *rows]), zone, path)
    assert [one.activities for one in events(dataset)] == [(1,), (1,), ()]


def test_many_rows_are_read_like_few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = '2026-03-02 07:10:30,"kitchen\n_door",ON,\n'
    for content in (WEEK, WEEK.replace(" ", "T"), WEEK + "\n\n" + WEEK):
        whole = read(events_of(tmp_path, content))
        faults = events_of(tmp_path, content + broken + "x,y\n" + WEEK).faults(tmp_path)
        for rows in (1, 2, 3):
            monkeypatch.setattr(table, "ROWS", rows)
            assert read(events_of(tmp_path, content)) == whole
            assert list(events_of(tmp_path, content + broken + "x,y\n" + WEEK).faults(tmp_path)) == list(faults)
        monkeypatch.undo()
    assert [(one.line, one.kind) for one in faults] == [(15, "wrong number of fields"), (13, "unusable sensor")]


def test_gaps_need_one_null_class(tmp_path: Path) -> None:
    dataset = events_of(tmp_path, WEEK, "dataset.gaps=null_class")
    assert "it must be one activity" in dataset.faults(Path())[0].message


def test_residents_are_subjects(tmp_path: Path) -> None:
    dataset = events_of(
        tmp_path, "time,sensor,value,Resident\n2026-03-02 07:10:00,hall_motion,ON,Ada\n2026-03-02 07:11,hall_motion,OFF,\n"
    )
    assert [one.subjects for one in events(dataset)] == [("Ada",), ()]


def test_activities_may_be_numbers(tmp_path: Path) -> None:
    content = "time,sensor,value,activity\n2026-03-02 07:10:00,hall_motion,ON,7\n2026-03-02 07:11,hall_motion,OFF,03\n"
    dataset = events_of(tmp_path, content)
    assert read(dataset).home.activities == {3: "activity 3", 7: "activity 7"}
    assert [one.activities for one in events(dataset)] == [(7,), (3,)]


def test_a_label_that_looks_like_a_number_is_a_name_first(tmp_path: Path) -> None:
    rows = "".join(
        f"2026-03-02 07:1{place}:00,m{place}_motion,ON,{label}\n" for place, label in enumerate(("Eat", "eat", "1"))
    )
    dataset = events_of(tmp_path, "time,sensor,value,activity\n" + rows)
    assert read(dataset).home.activities == {1: "Eat", 2: "1"}
    assert [one.activities for one in events(dataset)] == [(1,), (1,), (2,)]


def test_names_in_any_language(tmp_path: Path) -> None:
    content = "time,sensor,value,activity\n" + "".join(
        f"2026-03-02 07:1{place}:00,{name},on,{label}\n"
        for place, (name, label) in enumerate(
            [("cuisine_réfrigérateur", "préparer"), ("厨房_冰箱", "做饭"), ("مطبخ_باب", "طبخ")]
        )
    )
    dataset = events_of(tmp_path, content, name="semaine.csv")
    assert [one.text for one in events(dataset)] == ["cuisine réfrigérateur ON", "home 厨房 冰箱 ON", "home مطبخ باب ON"]
    assert read(dataset).home.activities == {1: "préparer", 2: "做饭", 3: "طبخ"}


def test_letters_with_their_accents_apart_are_the_same_names(tmp_path: Path) -> None:
    content = "time,sensor,value,activity\n2026-03-02 07:10:00,cuisine_réfrigérateur,on,dîner\n"
    dataset = events_of(tmp_path, normalize("NFD", content))
    dataset.home_file.write_text(
        "activities: {1: dîner}\nsensors:\n  cuisine_réfrigérateur: {room: cuisine, name: réfrigérateur}\n"
    )
    assert [(one.text, one.activities) for one in events(dataset)] == [("cuisine réfrigérateur on", (1,))]
    columns = [normalize("NFD", one) for one in ("moment", "détecteur", "valeur")]
    frame = pandas.DataFrame([["2026-03-02 07:10:00", normalize("NFD", "cuisine_réfrigérateur"), "on"]], columns=columns)
    frame.to_parquet(tmp_path / "week.parquet")
    named = [f"dataset.columns.{role}='{name}'" for role, name in zip(("time", "sensor", "value"), columns, strict=True)]
    assert [text for _, text in texts(own("events", tmp_path / "week.parquet", *named))] == ["cuisine réfrigérateur on"]


def test_parquet(tmp_path: Path) -> None:
    frame = pandas.DataFrame(
        {
            "time": pandas.to_datetime(["2026-03-02 06:10:00", "2026-03-02 06:10:30"], utc=True).tz_convert("Europe/Paris"),
            "sensor": ["kitchen_fridge_door"] * 2,
            "value": [1, 0],
            "activity": ["cooking", None],
        }
    )
    frame.to_parquet(tmp_path / "week.parquet")
    dataset = own("events", tmp_path / "week.parquet")
    assert texts(dataset) == PLAIN and [one.activities for one in events(dataset)] == [(1,), ()]
    frame["value"] = [True, False]
    frame["time"] = frame["time"].dt.tz_localize(None)
    frame.to_parquet(tmp_path / "week.parquet")
    assert texts(own("events", tmp_path / "week.parquet")) == PLAIN


def test_sessions_may_be_cut_at_gaps_and_any_split_divides_them(tmp_path: Path) -> None:
    sessions = read(events_of(tmp_path, WEEK, "dataset.cut.at=gaps", "dataset.cut.gap_minutes=5")).sessions
    assert [len(session.events) for session in sessions] == [1, 2, 1]
    for split in (PaperSplit(), FractionSplit(), KFoldSplit()):
        parts = split.divide(sessions, {})
        assert sorted(one.id for part in parts.values() for one in part) == sorted(one.id for one in sessions)
        assert parts["train"] and parts["test"]


def test_a_gap_is_as_long_as_what_passed_and_not_as_a_clock_shows(tmp_path: Path) -> None:
    times = ["03-29 00:59", "03-29 01:01", "10-24 23:40", "10-25 01:20", "10-25 02:19"]
    content = "time,sensor,value\n" + "".join(f"2026-{time}:00Z,hall_door,open\n" for time in times)
    sessions = read(events_of(tmp_path, content, "dataset.timezone=Europe/Paris", "dataset.cut.at=gaps")).sessions
    assert [[event.time[:5] for event in session.events] for session in sessions] == [
        ["01:59", "03:01"],
        ["01:40"],
        ["02:20", "03:19"],
    ]


def test_the_path_is_relative_to_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    events_of(tmp_path, WEEK)
    monkeypatch.chdir(tmp_path)
    assert len(events(own("events", Path("week.csv")))) == 4
    monkeypatch.setenv("HOME", str(tmp_path))
    assert len(events(own("events", Path("~/week.csv")))) == 4
    with pytest.raises(
        MissingError, match=r"dataset.path is 'weak.csv', which is not there .* dataset=events dataset.path="
    ):
        read(own("events", Path("weak.csv")))


@pytest.mark.parametrize(("kind", "words"), [("events", "week.csv"), ("home_assistant", "history.csv")])
def test_a_path_that_is_not_set_is_asked_for(kind: str, words: str) -> None:
    with pytest.raises(ConfigError, match=rf"dataset.path is not set; .* dataset={kind} dataset.path={words}"):
        own(kind, Path())


def test_the_name_is_that_of_the_file() -> None:
    for name, called in (("~/x/My week.CSV", "My-week"), ("数.csv", "custom"), ("a.b.tsv", "a.b"), ("_é_.db", "e_")):
        assert as_composed("events", name).name == called
    assert as_composed("events", "week.csv", "dataset.name=mine").name == "mine"
