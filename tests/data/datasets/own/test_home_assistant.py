"""Home Assistant's history as CSV and its recorder's database: events are changes of state, all else is counted."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from unicodedata import normalize

import pytest

from har_llm.data.datasets.own.recorder import WAIT
from tests.data.datasets.own.homes import HISTORY, OLD, events, history_of, kinds, one_fault, own, read, recorder, texts

PARIS = "+dataset.timezone=Europe/Paris"
MORNING = [
    ("2026-03-02 07:10:00.250000", "kitchen fridge door OPENED"),
    ("2026-03-02 07:10:10", "hall motion BEGINS"),
    ("2026-03-02 07:10:30", "kitchen fridge door CLOSED"),
]
DOOR, HALL = "binary_sensor.kitchen_fridge_door", "binary_sensor.hall_motion"
START, SECOND = 1772406000.0, 1772431800.0  # 2026-03-01T23:00Z, 2026-03-02T06:10Z


def test_a_history_is_changes_of_state_in_order_of_time(tmp_path: Path) -> None:
    recordings = read(history_of(tmp_path, HISTORY, PARIS))
    assert texts(history_of(tmp_path, HISTORY, PARIS)) == MORNING
    assert recordings.dropped_events == {"first state of a sensor, no change": 2} and not kinds(recordings)
    assert [session.id for session in recordings.sessions] == ["2026-03-02"]


def test_states_that_say_nothing_or_repeat_the_last_are_counted(tmp_path: Path) -> None:
    more = "".join(
        f"{DOOR},{state},2026-03-02T{hour}:00:00Z\n"
        for hour, state in enumerate(["unavailable", "off", "unknown", "", "off"], start=10)
    )
    recordings = read(history_of(tmp_path, HISTORY + more, PARIS))
    assert sum(len(session.events) for session in recordings.sessions) == 3
    assert recordings.dropped_events == {
        "first state of a sensor, no change": 2,
        "state unavailable, unknown or empty": 3,
        "state as before, no change": 2,
    }


def test_without_a_zone_the_prompt_shows_utc_and_that_is_said(tmp_path: Path) -> None:
    recordings = read(history_of(tmp_path, HISTORY))
    assert recordings.sessions[0].events[0].time == "06:10:00" and kinds(recordings) == {"no time zone is set"}


def test_labels_are_by_the_clock_of_the_home(tmp_path: Path) -> None:
    """They were taken for UTC, as the history is: an hour or two beside what was done."""
    labels = tmp_path / "labels.csv"
    labels.write_text("start,end,activity\n2026-03-02 07:10:00,2026-03-02 07:10:20,cooking\n")
    dataset = history_of(tmp_path, HISTORY, PARIS, f"dataset.labels_path={labels}")
    assert [one.activities for one in events(dataset)] == [(1,), (1,), ()]
    unknown = history_of(tmp_path, HISTORY, f"dataset.labels_path={labels}")
    assert "set dataset.timezone" in one_fault(unknown).message
    labels.write_text("start,end,activity\n2026-03-02T06:10:00Z,2026-03-02T06:10:20Z,cooking\n")
    assert [one.activities for one in events(unknown)] == [(1,), (1,), ()]


def test_commas_in_a_state_and_further_columns(tmp_path: Path) -> None:
    content = (
        "entity_id,state,last_changed,area\n"
        "media_player.tv,off,2026-03-02T06:00:00Z,x\n"
        "media_player.tv,Film, part 2,2026-03-02T06:01:00Z,x\n"
        'media_player.tv,"News, live",2026-03-02T06:02:00Z,x\n'
    )
    dataset = history_of(tmp_path, content)
    assert [text for _, text in texts(dataset)] == ["home tv Film, part 2", "home tv News, live"]
    (notice,) = [one for one in read(dataset).repairs if one.kind == "comma in a state"]
    assert notice.message.startswith("1 row with a comma")


NUMBERS = "entity_id,state,last_changed\n" + "".join(
    f"sensor.bathroom_humidity,{value},2026-03-02T06:0{minute}:00Z\n"
    for minute, value in enumerate([45.1, 45.5, 71.5, 72, 60, "unavailable", 59.9, 80])
)


def test_numbers_are_left_out_unless_a_threshold_is_given(tmp_path: Path) -> None:
    recordings = read(history_of(tmp_path, HISTORY + NUMBERS.partition("\n")[2], PARIS))
    rule = "has no threshold; give it one in history.home.yaml (task=init drafts it)"
    assert recordings.dropped_events[f"sensor.bathroom_humidity reports numbers and {rule}"] == 7
    home = tmp_path / "history.home.yaml"
    home.write_text(
        "activities: {1: washing}\nsensors:\n"
        "  sensor.bathroom_humidity: {room: bathroom, name: shower, threshold: 60, states: [dry, wet]}\n"
    )
    dataset = history_of(tmp_path, NUMBERS, PARIS)
    assert texts(dataset) == [
        ("2026-03-02 07:02:00", "bathroom shower wet"),
        ("2026-03-02 07:06:00", "bathroom shower dry"),
        ("2026-03-02 07:07:00", "bathroom shower wet"),
    ]
    assert read(dataset).dropped_events["state as before, no change"] == 3


def states(folder: Path, name: str = "home-assistant_v2.db") -> Path:
    """The morning in a database: last_changed_ts is NULL where it is last_updated_ts."""
    return recorder(
        folder / name,
        [
            (DOOR, "off", None, START),
            (HALL, "off", None, START),
            (DOOR, "on", None, SECOND + 0.25),
            (DOOR, "off", SECOND + 30, SECOND + 30),
            (DOOR, "off", SECOND + 30, SECOND + 90),  # an attribute has changed
            (HALL, "on", None, SECOND + 10),
            (HALL, None, None, SECOND + 20),
        ],
    )


def test_a_database_is_read_like_a_history(tmp_path: Path) -> None:
    dataset = own("home_assistant", states(tmp_path), PARIS)
    assert dataset.name == "home-assistant_v2"
    assert texts(dataset) == MORNING
    assert read(dataset).dropped_events["state as before, no change"] == 1


def test_a_database_that_is_being_written_to_is_read_and_not_changed(tmp_path: Path) -> None:
    path = states(tmp_path)
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("PRAGMA journal_mode=WAL")
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("INSERT INTO states (state, last_updated_ts, metadata_id) VALUES ('off', ?, 2)", (SECOND + 60,))
    before = path.read_bytes()
    assert texts(own("home_assistant", path, PARIS)) == MORNING
    writer.execute("COMMIT")
    assert path.read_bytes() == before
    assert texts(own("home_assistant", path, PARIS))[-1] == ("2026-03-02 07:11:00", "hall motion ENDS")
    writer.close()


def test_accents_of_their_own_are_the_same_names_in_a_database(tmp_path: Path) -> None:
    states = [("sensor.cuisine", normalize(form, "fermé"), START + at, START + at) for at, form in enumerate(("NFC", "NFD"))]
    recorder(tmp_path / "home.db", [*states, ("sensor.cuisine", "ouvert", SECOND, SECOND)])
    dataset = own("home_assistant", tmp_path / "home.db", PARIS)
    assert [text for _, text in texts(dataset)] == ["cuisine sensor ouvert"]
    assert read(dataset).dropped_events == {"first state of a sensor, no change": 1, "state as before, no change": 1}


def test_a_database_of_an_old_form(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    rows = [(DOOR, "off", "2026-03-01 23:00:00.000000"), (DOOR, "on", "2026-03-02 06:10:00.250000")]
    with sqlite3.connect(path) as database:
        database.executescript(OLD)
        database.executemany(
            "INSERT INTO states (entity_id, state, last_changed, last_updated) VALUES (?, ?, ?, NULL)", rows
        )
        database.execute(
            "INSERT INTO states (entity_id, state, last_updated) VALUES (?, 'off', '2026-03-02 06:10:30')", (DOOR,)
        )
    database.close()
    assert texts(own("home_assistant", path, PARIS)) == [MORNING[0], MORNING[2]]


def test_a_state_without_a_time_is_a_fault(tmp_path: Path) -> None:
    path = recorder(tmp_path / "ha.db", [(DOOR, "off", None, START), (DOOR, "on", None, None), (DOOR, "off", None, SECOND)])
    (fault,) = own("home_assistant", path).faults(tmp_path)
    assert (fault.line, fault.kind) == (2, "unreadable time") and f"a state of '{DOOR}' is None" in fault.message


def test_device_classes_and_friendly_names_give_words(tmp_path: Path) -> None:
    path = recorder(tmp_path / "ha.db", [("binary_sensor.x1", "off", None, START), ("binary_sensor.x1", "on", None, SECOND)])
    assert texts(own("home_assistant", path, PARIS)) == [("2026-03-02 07:10:00", "küche tür OPENED")]


def test_a_database_whose_names_are_being_moved(tmp_path: Path) -> None:
    path = recorder(
        tmp_path / "ha.db",
        [
            (DOOR, "off", None, START),
            (DOOR, "on", None, SECOND),
            (DOOR, "off", None, SECOND + 9),
            (DOOR, "on", None, SECOND + 30),
        ],
    )
    with sqlite3.connect(path) as database:
        database.execute(
            "UPDATE states SET metadata_id = NULL, entity_id = ?, attributes_id = 1 WHERE state_id = 3", (DOOR,)
        )
        database.execute("INSERT INTO states (state, last_updated_ts) VALUES ('off', ?)", (SECOND + 40,))
    database.close()
    dataset = own("home_assistant", path, PARIS)
    words = [text.split()[-1] for _, text in texts(dataset)]
    assert words == ["OPENED", "CLOSED", "OPENED"]
    assert read(dataset).dropped_events == {"first state of a sensor, no change": 1, "row without a sensor": 1}
    assert {text.rpartition(" ")[0] for _, text in texts(dataset)} == {"küche tür"}  # its attributes are found by either


def test_a_newer_schema_is_read_where_its_columns_are_there(tmp_path: Path) -> None:
    path = recorder(tmp_path / "new.db", [(DOOR, "off", None, START), (DOOR, "on", None, SECOND)], version=999)
    assert len(texts(own("home_assistant", path, PARIS))) == 1


def database_fault(path: Path) -> str:
    (fault,) = own("home_assistant", path).faults(Path())
    assert fault.path == str(path)
    return f"{fault.kind}: {fault.message}"


def test_a_locked_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert WAIT <= 10
    monkeypatch.setattr("har_llm.data.datasets.own.recorder.WAIT", 0.05)
    path = states(tmp_path)
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("BEGIN EXCLUSIVE")
    assert database_fault(path).startswith("locked database: another program has locked it for more than 0.05 s; try again")
    writer.close()


def test_a_database_in_a_folder_that_may_not_be_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = states(tmp_path)

    def refused(*_: object, **__: object) -> sqlite3.Connection:
        raise sqlite3.OperationalError("attempt to write a readonly database")

    monkeypatch.setattr(sqlite3, "connect", refused)
    assert database_fault(path).startswith(
        "unreadable: it cannot be opened; copy it, with the files beside it that end in -wal"
    )


def test_a_schema_that_is_not_known(tmp_path: Path) -> None:
    path = tmp_path / "future.db"
    with sqlite3.connect(path) as database:
        database.executescript(
            "CREATE TABLE schema_changes (schema_version INTEGER); CREATE TABLE states (id INTEGER, s TEXT);"
        )
        database.execute("INSERT INTO schema_changes VALUES (999)")
    database.close()
    assert database_fault(path).startswith("unknown schema: its schema is version 999, and its table `states` is of a form")
    other = tmp_path / "photos.db"
    with sqlite3.connect(other) as database:
        # A view might compute for ever.
        database.executescript("CREATE TABLE photos (id INTEGER); CREATE VIEW states AS SELECT 1 AS state, 2 AS entity_id;")
    database.close()
    assert database_fault(other).startswith("no recorder: it has no table `states`")


def test_a_database_that_is_cut_short_or_none(tmp_path: Path) -> None:
    path = states(tmp_path)
    content = path.read_bytes()
    for length, kind in ((0, "no database"), (50, "damaged database"), (len(content) // 2, "damaged database")):
        path.write_bytes(content[:length])
        assert database_fault(path).startswith(kind)
    path.write_bytes(b"encrypted" * 100)
    assert database_fault(path).startswith("no database: it is no SQLite database")
