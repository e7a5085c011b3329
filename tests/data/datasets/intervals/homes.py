"""Small exact files of the two homes, in their forms: nothing is copied from the releases."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from har_llm.data.datasets.intervals.kasteren import Kasteren
from har_llm.data.datasets.intervals.release import IntervalRelease
from har_llm.data.datasets.intervals.uci_adl import UciAdl
from har_llm.data.records import Event
from tests.helpers import load

DAY = "2012-03-04"
SENSORS = (
    f"{DAY} 08:00:00\t\t{DAY} 08:05:00\t\tBed\t\tPressure\tBedroom",
    f"{DAY} 08:06:00 \t{DAY} 08:06:00\t\tFridge\t\tMagnetic\tKitchen\t",
    f"{DAY} 23:00:00\t\t2012-03-05 07:00:00\t\tBed\t\tPressure\tBedroom",
)
ACTIVITIES = (f"{DAY} 07:00:00\t\t{DAY} 08:05:00\t\tSleeping\t", f"{DAY} 08:05:00\t\t{DAY} 08:07:00\t\t \tBreakfast")


def write(path: Path, columns: Iterable[str], rows: Iterable[str], end: str = "\n") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    header = "\t".join(f"{one:20}" for one in columns)
    path.write_bytes((end.join([header, "----\t----", *rows]) + end).encode())


def uci_adl(
    data: Path, sensors: Iterable[str] = SENSORS, activities: Iterable[str] = ACTIVITIES, /, **changes: object
) -> UciAdl:
    """The dataset, with its files in data/uci_adl."""
    dataset = load("dataset/uci_adl", UciAdl, **changes)
    dataset.expected_of = {}
    dataset.check()
    tables = dataset.tables
    write(data / "uci_adl" / tables.sensors, tables.sensor_columns, sensors)
    write(data / "uci_adl" / tables.activities, tables.activity_columns, activities)
    return dataset


def kasteren(data: Path, sensors: Iterable[str], activities: Iterable[str]) -> Kasteren:
    dataset = load("dataset/kasteren", Kasteren)
    dataset.expected = {}
    tables = dataset.tables
    write(data / "kasteren" / tables.sensors, tables.sensor_columns, sensors, "\r\n")
    write(data / "kasteren" / tables.activities, tables.activity_columns, activities, "\r\n")
    return dataset


def events(dataset: IntervalRelease, data: Path) -> list[Event]:
    return [event for session in dataset.read(data).sessions for event in session.events]
