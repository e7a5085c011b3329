"""Every command of docs/your-own-home.md is typed, one after the other, in the folder of a made-up home."""

from __future__ import annotations

import csv
import re
import shlex
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.commands import har_llm

pytestmark = pytest.mark.slow

DOCS = Path(__file__).parent.parent / "docs"
DAY = datetime(2026, 11, 2)
SENSORS = {"binary_sensor.kitchen_fridge_door": (7, 12), "binary_sensor.hall_front_door": (8, 18), "switch.tv": (19,)}


def commands(page: str) -> list[list[str]]:
    """What stands behind har-llm in the page's blocks of bash, without comments."""
    blocks = re.findall(r"^```bash\n(.*?)^```", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    lines = [shlex.split(line, comments=True) for block in blocks for line in block.splitlines()]
    assert all(line[0] == "har-llm" for line in lines)
    return [line[1:] for line in lines]


def write(file: Path, header: str, rows: list[tuple[str, ...]]) -> None:
    with file.open("w", newline="") as stream:
        csv.writer(stream).writerows([header.split(","), *rows])


def write_recording(file: Path) -> list[tuple[str, datetime, bool]]:
    """Three days of a home, as Home Assistant exports them."""
    changes = [
        (sensor, DAY + timedelta(days=day, hours=hour, minutes=minutes), minutes == 0)
        for day in range(3)
        for sensor, hours in SENSORS.items()
        for hour in hours
        for minutes in (0, 3)
    ]
    exported = [(sensor, "on" if on else "off", f"{moment.isoformat()}.000000Z") for sensor, moment, on in changes]
    write(file, "entity_id,state,last_changed", exported)
    return changes


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Three days of a home, as Home Assistant exports them, and as a table, with what was done at breakfast."""
    changes = write_recording(tmp_path / "history.csv")
    write(tmp_path / "events.csv", "time,sensor,value", [(str(moment), one, str(on)) for one, moment, on in changes])
    breakfasts = [DAY + timedelta(days=day, hours=7) for day in range(3)]
    spans = [(str(moment), str(moment + timedelta(hours=2)), "eating") for moment in breakfasts]
    write(tmp_path / "labels.csv", "start,end,activity", spans)
    return tmp_path


def test_a_reader_comes_from_an_export_to_a_picture_of_the_week(home: Path) -> None:
    typed = commands("your-own-home.md")
    assert len(typed) > 10
    for arguments in typed:
        if any("qwen3" in one for one in arguments):  # a model that would be downloaded is planned for only
            arguments = [*(one for one in arguments if not one.startswith("task=")), "task=plan"]
        har_llm(home, *arguments)
    assert (home / "history.home.yaml").is_file() and (home / "events.home.yaml").is_file()
    assert "The usual week" in (home / "week" / "report.html").read_text(encoding="utf-8")
    folders = [*(home / "outputs" / "runs").glob("*-tiny_teacher-all-*")]
    assert len(folders) == 2
    for folder in folders:
        segments = (folder / "segments.csv").read_text(encoding="utf-8").splitlines()
        assert segments[0].startswith("session,start,") and len(segments) > 3
