"""Homes of one's own: small files, and the datasets that read them as a command line composes them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from copy import deepcopy
from functools import cache
from pathlib import Path

from omegaconf import OmegaConf

from har_llm.common.errors import DataError
from har_llm.common.notices import Notice
from har_llm.common.schema import component
from har_llm.data.datasets.own.base import OwnHome
from har_llm.data.records import Event, Recordings
from tests.composing import composed

WEEK = """time,sensor,value,activity
2026-03-02 07:00:00,bedroom_bed,1,
2026-03-02 07:10:00,kitchen_fridge_door,ON,Prepare_Breakfast
2026-03-02 07:10:30,kitchen_fridge_door,OFF,Prepare_Breakfast
2026-03-03 22:00:00,hall_motion,ON,leaving
"""
HISTORY = """entity_id,state,last_changed
binary_sensor.kitchen_fridge_door,off,2026-03-01T23:00:00.000Z
binary_sensor.kitchen_fridge_door,on,2026-03-02T06:10:00.250Z
binary_sensor.kitchen_fridge_door,off,2026-03-02T06:10:30Z
binary_sensor.hall_motion,off,2026-03-01T23:00:00+00:00
binary_sensor.hall_motion,on,2026-03-02T06:10:10+00:00
"""


def own(kind: str, path: Path, *overrides: str) -> OwnHome:
    """The dataset of a file, called by its name; Path() = no file."""
    made = deepcopy(_composed(kind, *overrides))
    made.path, made.name = str(path) if path.name else None, path.stem
    made.check()
    return made


@cache
def _composed(kind: str, *overrides: str) -> OwnHome:
    """Composing takes much longer than reading a small file."""
    return as_composed(kind, "week.csv", *overrides)


def as_composed(kind: str, path: str, *overrides: str) -> OwnHome:
    config = composed(f"dataset={kind}", f"dataset.path='{path}'", *overrides)
    made = component(OmegaConf.to_container(config.dataset, resolve=True), "dataset")
    assert isinstance(made, OwnHome)
    return made


def events_of(folder: Path, content: str | bytes, *overrides: str, name: str = "week.csv") -> OwnHome:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return own("events", path, *overrides)


def history_of(folder: Path, content: str | bytes, *overrides: str, name: str = "history.csv") -> OwnHome:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return own("home_assistant", path, *overrides)


def read(dataset: OwnHome) -> Recordings:
    return dataset.read(Path())


def events(dataset: OwnHome) -> list[Event]:
    return [event for session in read(dataset).sessions for event in session.events]


def texts(dataset: OwnHome) -> list[tuple[str, str]]:
    """When each event was by the home's clock, and what it was."""
    return [(str(event.moment).partition("+")[0], event.text) for event in events(dataset)]


def kinds(recordings: Recordings) -> set[str]:
    """The kinds of what was repaired or noticed, but for what every home without a file of its own has."""
    return {notice.kind for notice in recordings.repairs} - {"no file that describes the home"}


def one_fault(dataset: OwnHome) -> Notice:
    faults = dataset.faults(Path())
    assert len(faults) == 1, [str(fault) for fault in faults]
    try:
        dataset.read(Path())
    except DataError as error:
        assert str(faults[0]) in str(error)
    else:
        raise AssertionError("it was read")
    return faults[0]


NEW = """
CREATE TABLE schema_changes (change_id INTEGER PRIMARY KEY, schema_version INTEGER, changed TIMESTAMP);
CREATE TABLE states_meta (metadata_id INTEGER PRIMARY KEY, entity_id VARCHAR(255));
CREATE TABLE state_attributes (attributes_id INTEGER PRIMARY KEY, hash BIGINT, shared_attrs TEXT);
CREATE TABLE states (state_id INTEGER PRIMARY KEY, entity_id CHAR(0), state VARCHAR(255), attributes CHAR(0),
  last_changed CHAR(0), last_changed_ts FLOAT, last_updated CHAR(0), last_updated_ts FLOAT, old_state_id INTEGER,
  attributes_id INTEGER, metadata_id INTEGER);
"""
OLD = """
CREATE TABLE schema_changes (change_id INTEGER PRIMARY KEY, schema_version INTEGER, changed TIMESTAMP);
CREATE TABLE states (state_id INTEGER PRIMARY KEY, domain VARCHAR(64), entity_id VARCHAR(255), state VARCHAR(255),
  attributes TEXT, last_changed DATETIME, last_updated DATETIME);
"""


def recorder(path: Path, states: Iterable[tuple[str, str | None, float | None, float | None]], *, version: int = 50) -> Path:
    """A database of today's form: entity, state, last_changed_ts, last_updated_ts."""
    with sqlite3.connect(path) as database:
        database.executescript(NEW)
        database.execute("INSERT INTO schema_changes (schema_version) VALUES (?)", (version,))
        database.execute(
            "INSERT INTO state_attributes VALUES (1, 0, ?)", ('{"device_class": "door", "friendly_name": "Küche Tür"}',)
        )
        known: dict[str, int] = {}
        for entity, state, changed, updated in states:
            if entity not in known:
                known[entity] = len(known) + 1
                database.execute("INSERT INTO states_meta VALUES (?, ?)", (known[entity], entity))
            database.execute(
                "INSERT INTO states (state, last_changed_ts, last_updated_ts, attributes_id, metadata_id) "
                "VALUES (?, ?, ?, ?, ?)",
                (state, changed, updated, 1 if entity.endswith("x1") else None, known[entity]),
            )
    database.close()
    return path
