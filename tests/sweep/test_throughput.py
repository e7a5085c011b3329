"""The known speed is the last measurement of this load on this machine, whatever else is in the file."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from har_llm.sweep import throughput
from har_llm.sweep.throughput import STEPS, Rate, known_rate, note_rate
from tests.helpers import ROOT

LOAD = {"engine": ["TransformersEngineConfig", {"device": "auto"}], "model": ["files-1", "local"], "constrained": None}
RATE = Rate(2.0, 30.0, 60)


def test_the_last_measurement_counts(tmp_path: Path) -> None:
    assert known_rate(tmp_path, LOAD) is None
    note_rate(tmp_path, LOAD, Rate(1.0, 1.0, 1))
    note_rate(tmp_path, LOAD, RATE)
    assert known_rate(tmp_path, LOAD) == RATE


def test_another_load_or_another_machine_says_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    note_rate(tmp_path, LOAD, RATE)
    assert known_rate(tmp_path, {**LOAD, "constrained": True}) is None
    monkeypatch.setattr(throughput, "machine", lambda: "8 x NVIDIA H100")
    assert known_rate(tmp_path, LOAD) is None
    note_rate(tmp_path, LOAD, Rate(9.0, 9.0, 9))
    monkeypatch.undo()
    assert known_rate(tmp_path, LOAD) == RATE


def test_steps_are_no_tokens(tmp_path: Path) -> None:
    note_rate(tmp_path, LOAD, Rate(1.0, 1.0, 1, STEPS))
    assert known_rate(tmp_path, LOAD) is None and known_rate(tmp_path, LOAD, STEPS) is not None


def row(**changes: Any) -> bytes:
    """A line of this machine and this load, not all of it as it should be."""
    return json.dumps({"machine": throughput.machine(), "load": LOAD, **RATE._asdict(), **changes}).encode()


@given(
    garbage=st.binary(max_size=60)
    | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(json.dumps).map(str.encode)
)
@example(b"\xff\xfe")
@example(b"\x00" * 40)
@example(row()[:-20])
@example(row(units=0))
@example(row(units="60"))
@example(row(units=None))
@example(row(unit=None))
@example(row(seconds=None))
@example(row(start_seconds="soon"))
@example(b'"machine"')
@example(b"[1]")
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_torn_and_foreign_lines_are_passed_over(tmp_path: Path, garbage: bytes) -> None:
    file = tmp_path / "rates.jsonl"
    file.unlink(missing_ok=True)
    note_rate(tmp_path, LOAD, RATE)
    good = file.read_bytes()
    for content in (garbage + b"\n" + good, good + garbage):
        file.write_bytes(content)
        known = known_rate(tmp_path, LOAD)
        assert known == RATE and known.hours(10) > 0


def test_after_a_torn_line_measurements_are_kept_again(tmp_path: Path) -> None:
    (tmp_path / "rates.jsonl").write_bytes(row()[:-20])
    for _ in range(2):
        note_rate(tmp_path, LOAD, RATE)
    assert known_rate(tmp_path, LOAD) == RATE


def test_a_rate_that_cannot_be_kept_is_no_fault(tmp_path: Path) -> None:
    note_rate(tmp_path / "nowhere", LOAD, RATE)
    (tmp_path / "rates.jsonl").mkdir()
    note_rate(tmp_path, LOAD, RATE)
    assert known_rate(tmp_path, LOAD) is None


def test_hours_are_the_start_and_the_units() -> None:
    assert Rate(1800.0, 60.0, 30).hours(900) == pytest.approx(1.0)


def test_processes_that_note_at_once_tear_nothing(tmp_path: Path) -> None:
    code = f"""
import sys
from pathlib import Path
from har_llm.sweep.throughput import Rate, note_rate
for number in range(100):
    note_rate(Path({str(tmp_path)!r}), {{"load": "x" * 500}}, Rate(1.0, float(number), int(sys.argv[1])))
"""
    processes = [subprocess.Popen([sys.executable, "-c", code, str(place)], cwd=ROOT) for place in range(1, 4)]
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    rows = [json.loads(line) for line in (tmp_path / "rates.jsonl").read_text().splitlines()]
    assert sorted((one["units"], one["seconds"]) for one in rows) == [
        (place, number) for place in range(1, 4) for number in range(100)
    ]
