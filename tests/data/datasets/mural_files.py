"""Writes releases in MuRAL's format, as folders and zip files: nothing of the real release is needed or copied."""

from __future__ import annotations

import json
import zipfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from har_llm.common.errors import DataError
from har_llm.common.notices import Notice
from har_llm.data.datasets.mural import Mural
from har_llm.data.records import Event, Recordings
from tests.helpers import load

HEADER = "uid,time,sensor,action,Subject,Description,activity"
PIR, CONTACT, METER = "PIR motion sensor", "magnetic contact sensor", "wattmeter"
SENSORS = (
    ("bedroom_1 door sensor", CONTACT, "bedroom_1 door"),
    ("bedroom_2 door sensor", CONTACT, "bedroom_2 door"),
    ("bathroom door sensor", CONTACT, "bathroom door"),
    ("main door sensor", CONTACT, "main door"),
    ("kitchen counter motion sensor", PIR, "kitchen"),
    ("kitchen induction stove wattmeter", METER, "kitchen"),
    ("kitchen microwave oven wattmeter", METER, "kitchen"),
    ("kitchen fridge door sensor", CONTACT, "kitchen"),
    ("dining room chair_1 contact sensor", CONTACT, "dining room"),
    ("dining room chair_2 contact sensor", CONTACT, "dining room"),
    ("living room motion sensor", PIR, "living room"),
    ("living room television wattmeter", METER, "living room"),
)
ACTIVITIES = {0: "others", 6: "leaving the bedroom", 7: "greeting", 19: "preparing dinner", 25: "personal washing"}
ROWS = (
    '0,07:22:45,bedroom_1 door,OPENED,A,"After getting up in the morning, A opens the door to bedroom_1.",6',
    "1,07:22:50,kitchen counter mov,turned ON,B,B comes into the kitchen.,0",
    '2,07:23:10,kitchen induction stove wattmeter,turned ON,"A, B","A and B, both hungry, heat a pan.",19',
)
"""The first is the row that the documentation of the release shows."""
ANNOTATED = (ROWS[0], '1,07:22:47,,,A,"A yawns, loudly.",6', *ROWS[1:])
"""With a row that no sensor caused."""

Files = dict[str, bytes]


def csv_file(rows: Iterable[str], header: str = HEADER) -> bytes:
    return "".join(f"{row}\n" for row in (header, *rows)).encode()


def json_file(value: object) -> bytes:
    return json.dumps(value, indent=1).encode()


def sensors_file(sensors: Iterable[Sequence[str]] = SENSORS) -> bytes:
    keys = ("sensor name", "sensor type", "sensor location")
    return json_file([dict(zip(keys, sensor, strict=True)) for sensor in sensors])


def activities_file(activities: Mapping[Any, str] = ACTIVITIES) -> bytes:
    return json_file([{"id": number, "name": name} for number, name in activities.items()])


def release(sessions: Mapping[str, Iterable[str]] | None = None, **changes: bytes) -> Files:
    """The files of a release by their path in it; changes name them without their ends: sensors, activities."""
    context = {"start time": "07:22:45", "day": "weekday", "resident number": 2, "roles": ["A", "B"], "scenario": "morning"}
    files = {"sensors.json": sensors_file(), "activities.json": activities_file(), "floorplan.png": b"\x89PNG"}
    for name, rows in (sessions or {"01": ROWS}).items():
        files[f"{name}/data.csv"] = csv_file(rows)
        files[f"{name}/context.json"] = json_file(context)
    return {**files, **{f"{name}.json": content for name, content in changes.items()}}


def official_counts() -> Files:
    """A release with as many sessions, events, annotation rows, sensors and activities as the real one.

    Sessions 01-15 have 14 x 36 + 40 = 544 windows of 10, as in the paper.
    """
    sensors = [f"kitchen lamp_{number} wattmeter" for number in range(23)]
    sessions: dict[str, list[str]] = {}
    for session in range(21):
        count = 355 if session < 14 else 395 if session == 14 else 529 if session < 20 else 533
        annotations = 4 if session < 20 else 12
        times = [f"{8 + number // 3600:02d}:{number // 60 % 60:02d}:{number % 60:02d}" for number in range(count)]
        rows = [f"{n},{time},{sensors[n % 23]},turned ON,A,,{n % 26}" for n, time in enumerate(times)]
        rows += [f"{count + n},{times[-1]},,,A,A thinks.,0" for n in range(annotations)]
        sessions[f"{session + 1:02d}"] = rows
    return release(
        sessions,
        sensors=sensors_file((name, METER, "kitchen") for name in sensors),
        activities=activities_file({0: "others"} | {number: f"activity {number}" for number in range(1, 26)}),
    )


def write_folder(folder: Path, files: Files | None = None) -> Path:
    for name, content in (release() if files is None else files).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def write_zip(path: Path, files: Files | None = None, inner: str = "MuRAL/") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in (release() if files is None else files).items():
            archive.writestr(inner + name, content)
    return path


def mural(**changes: object) -> Mural:
    """The shipped config, checked, without the counts of the real release: small releases differ from them."""
    dataset = load("dataset/mural", Mural, **changes)
    dataset.expected = {}
    dataset.check()
    return dataset


def read(data: Path, files: Files | None = None, **changes: object) -> Recordings:
    write_folder(data / "mural", files)
    return mural(**changes).read(data)


def events_of(data: Path, *rows: str, **changes: object) -> list[Event]:
    (session,) = read(data, release({"01": rows}), **changes).sessions
    return list(session.events)


def kinds(recordings: Recordings) -> Counter[str]:
    return Counter(notice.kind for notice in recordings.repairs)


def one_fault(data: Path) -> Notice:
    faults = mural().faults(data)
    assert len(faults) == 1, [str(fault) for fault in faults]
    with pytest.raises(DataError) as raised:
        mural().read(data)
    assert raised.value.faults == tuple(faults)
    assert str(faults[0]) in str(raised.value)
    return faults[0]


ANY_FILES: Files = release(activities=activities_file(ACTIVITIES))
