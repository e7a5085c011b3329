"""A home's recording to predictions: seconds and peak memory of whole commands, with a scripted engine in place of a model.

    python benchmarks/bench_year.py [--events 300000]

Writes tables of events of a year to a temporary folder, of a tenth of the events and of all, and runs task=predict on each
in a fresh process, the smaller one first. 3 million events are a year of a home with many sensors.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SENSORS = [
    f"{room}_{thing}" for room in ("kitchen", "hall", "bedroom", "bathroom") for thing in ("motion", "door", "lamp", "plug")
]
ANSWER = "\\n".join(f"{place}. eating" for place in range(10))
YEAR = timedelta(days=365)
MEASURE = """
import resource, subprocess, sys, time
started = time.perf_counter()
done = subprocess.run(sys.argv[1:], capture_output=True, text=True)
assert done.returncode == 0, done.stderr
print(time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)
"""


def write(file: Path, events: int) -> None:
    chance, on = random.Random(1), dict.fromkeys(SENSORS, False)
    with file.open("w") as stream:
        stream.write("time,sensor,value\n")
        for place in range(events):
            sensor = chance.choice(SENSORS)
            on[sensor] = not on[sensor]
            moment = datetime(2025, 1, 1) + YEAR * (place / events)
            stream.write(f"{moment.isoformat(' ', 'seconds')},{sensor},{'on' if on[sensor] else 'off'}\n")


def measured(folder: Path, events: int) -> tuple[float, float]:
    """Seconds, and MB of the largest process."""
    write(folder / "year.csv", events)
    command = [
        *(sys.executable, "-m", "har_llm", "task=predict", "dataset=events", "dataset.path=year.csv", "split.part=all"),
        *("prompt=direct", "prompt.event_ids=window", "engine=scripted", f"engine.text='{ANSWER}'"),
    ]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, *command], cwd=folder, env=environment, capture_output=True, text=True, check=True
    )
    seconds, megabytes = map(float, done.stdout.split())
    return seconds, megabytes


def main() -> None:
    arguments = argparse.ArgumentParser(description="A home's recording to predictions.")
    arguments.add_argument("--events", type=int, default=300_000, help="events of the larger measurement")
    most = arguments.parse_args().events
    for events in (most // 10, most):
        with tempfile.TemporaryDirectory() as folder:
            started = time.perf_counter()
            seconds, megabytes = measured(Path(folder), events)
            whole = time.perf_counter() - started
            print(
                f"{events:>9,} events: {seconds:6.1f} s, {megabytes:,.0f} MB at most ({whole - seconds:.1f} s to write them)"
            )


if __name__ == "__main__":
    main()
