"""A release, written as a table of one's own, gives the events that its own reader gives."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pytest

from har_llm.data.datasets.intervals.uci_adl import UciAdl
from har_llm.data.records import Recordings
from tests.data.datasets.own.homes import own
from tests.helpers import load, real_data


def rows_of(path: Path) -> list[list[str]]:
    return [re.split(r"[ ]*\t\s*", line.strip()) for line in path.read_text().splitlines()[2:] if line.strip()]


def written(path: Path, *rows: list[str]) -> Path:
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows(rows)
    return path


def events(recordings: Recordings) -> list[tuple[str, str, str, tuple[int, ...]]]:
    return [
        (session.id, str(one.moment), one.text, one.activities) for session in recordings.sessions for one in session.events
    ]


@pytest.mark.parametrize("house", ["A", "B"])
def test_uci_adl_as_a_table_of_ones_own(tmp_path: Path, house: str) -> None:
    data = real_data("uci_adl")
    release = load("dataset/uci_adl", UciAdl, house=house)
    sensors = [[start, end, " ".join(words)] for start, end, *words in rows_of(data / "uci_adl" / release.tables.sensors)]
    labels = [row for row in rows_of(data / "uci_adl" / release.tables.activities) if row[0] <= row[1]]
    path = written(tmp_path / "home.csv", ["start", "end", "sensor"], *sensors)
    labelled = written(tmp_path / "labels.csv", ["start", "end", "activity"], *labels)
    described = {
        "activities": release.home.activities,
        "null_class": [0],
        "labels": release.labels,
        "sensors": {
            key: {"room": one.room, "name": one.name, "states": dict(zip(["ON", "OFF"], one.states, strict=True))}
            for key, one in release.sensors.items()
        },
    }
    (tmp_path / "home.home.yaml").write_text(json.dumps(described))
    dataset = own("events", path, f"dataset.labels_path={labelled}", "dataset.gaps=null_class")
    assert events(dataset.read(data)) == events(release.read(data))
