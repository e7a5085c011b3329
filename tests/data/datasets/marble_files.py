"""Writes folders in MARBLE's format, for tests and benchmarks: nothing of the real release is needed or copied."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

START = 1_542_203_000_000
"""A Wednesday in November 2018, 14:43:20 in Milan."""
EVENTS_HEADER = "sensor_id,sensor_status,ts,subject_id"
LABELS_HEADER = "ts_start,ts_end,act"
PHONE_HEADER = "event_id,event_status,ts"
LOCATIONS_HEADER = "ts_start,ts_end,location"
EVENT_ROWS = (
    f'R1,"ON",{START + 1000},"200"',
    f'R1,"OFF",{START + 5000},"200"',
    f'E1,"ON",{START + 9000},"200"',
)
LABEL_ROWS = (f"{START},{START + 4999},TRANSITION", f"{START + 5000},{START + 60000},COOKING")
PHONE_ROWS = (f'S1,"ON",{START + 7000}', f'S1,"OFF",{START + 59000}')
LOCATION_ROWS = (f"{START},{START + 4900},HALL", f"{START + 4950},{START + 60000},KITCHEN")


def write(path: Path, header: str, rows: Iterable[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes("".join(f"{row}\r\n" for row in (header, *rows)).encode())


def write_instance(
    data: Path,
    name: str = "A1a/instance1",
    events: Iterable[str] = EVENT_ROWS,
    labels: Iterable[str] = LABEL_ROWS,
    subject: str = "200",
    phone: Iterable[str] | None = None,
    locations: Iterable[str] | None = None,
) -> Path:
    """One instance of one subject below data/marble; returns its folder. None: the file is not there."""
    folder = data / "marble" / name
    write(folder / "environmental.csv", EVENTS_HEADER, events)
    write_subject(folder, subject, labels, phone, locations)
    return folder


def write_subject(
    folder: Path,
    subject: str,
    labels: Iterable[str] = LABEL_ROWS,
    phone: Iterable[str] | None = None,
    locations: Iterable[str] | None = None,
) -> None:
    """A subject's files in the folder of an instance."""
    files = (
        ("labels", LABELS_HEADER, labels),
        ("smartphone", PHONE_HEADER, phone),
        ("locations", LOCATIONS_HEADER, locations),
    )
    for name, header, rows in files:
        if rows is not None:
            write(folder / f"subject-{subject}" / f"{name}.csv", header, rows)


def write_synthetic(data: Path, events: int, per_session: int = 1000) -> None:
    """Any number of events of two subjects, in sessions of equal length, each scenario with up to 4 of them."""
    for session in range(0, -(-events // per_session)):
        scenario, instance = divmod(session, 4)
        letter, digit = divmod(scenario, 9)
        # 26 letters x 9 digits x 4 periods, as far as the names of scenarios go
        period = ("m", "a", "e", "mae")[letter // 26]
        folder = data / "marble" / f"{chr(65 + letter % 26)}{digit + 1}{period}" / f"instance{instance + 1}"
        count = min(per_session, events - session * per_session)
        write(folder / "environmental.csv", EVENTS_HEADER, _synthetic_events(session, count))
        for number, subject in enumerate(("200", "201")):
            rows = _synthetic_labels(session, count, number)
            write(folder / f"subject-{subject}" / "labels.csv", LABELS_HEADER, rows)


def _synthetic_events(session: int, count: int) -> Iterator[str]:
    sensors = ("R1", "R2", "R5", "R6", "R7", "E1", "E2", "P1", "P2", "P3", "P4", "P5", "P6", "P7", "P8", "P9")
    start = START + session * 86_400_000
    for number in range(count):
        status = "OFF" if number // 16 % 2 else "ON"
        subject = 200 + (number * 7 + session) % 2
        yield f'{sensors[(number * 5 + session) % 16]},"{status}",{start + number * 3001},"{subject}"'


def _synthetic_labels(session: int, count: int, shift: int) -> Iterator[str]:
    """Spans of 60 seconds without gaps, so that every event has one."""
    acts = ("TRANSITION", "COOKING", "EATING", "WATCHING_TV", "SETTING_UP_TABLE")
    start = START + session * 86_400_000
    for number in range(count * 3001 // 60_000 + 1):
        first = start + number * 60_000
        yield f"{first},{first + 59_999},{acts[(number + shift) % len(acts)]}"
