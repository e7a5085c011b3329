"""Events of a home through a real MQTT broker, live (task=watch) against offline (task=predict) on the same events.

    python benchmarks/bench_live.py [--hours 24] [--speed 100] [--model FILE.gguf] [--small]

Invents the recording of a home and publishes it to mosquitto as Home Assistant's mqtt_statestream does, `speed` times as
fast as it was recorded. The same recording is also answered offline. The model is the scripted engine, which answers at
once, or a GGUF file in llama.cpp. Predictions must be equal. The delay of a window is from when the event was published
that closes it, its tenth or the first one after a quiet time, to when its lines are there.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import quantiles
from typing import Any, NamedTuple

from timing import ROOT, seconds

sys.path.insert(0, str(ROOT))
from tests.data.live.brokers import MOSQUITTO, broker, free_port

ROOMS = ("kitchen", "hall", "bedroom", "bathroom", "living_room")
THINGS = ("motion", "door", "lamp")
DAY = datetime(2026, 11, 2, tzinfo=UTC)
GAP_MINUTES = 10
"""Of quiet, by which a window ends in both."""
PATIENCE_S = 600
MISSED = "missed"


class Change(NamedTuple):
    after_s: float
    """Seconds from the beginning of the recording."""
    sensor: str
    value: str

    @property
    def moment(self) -> str:
        return (DAY + timedelta(seconds=self.after_s)).isoformat(timespec="microseconds")


def invented(hours: float, chance: random.Random) -> list[Change]:
    """Visits to rooms, each with some events, and quiet times between them."""
    on: dict[str, bool] = {}
    found, after = [], 60.0
    while after < hours * 3600:
        room = chance.choice(ROOMS)
        for _ in range(chance.randint(2, 9)):
            sensor = f"binary_sensor.{room}_{chance.choice(THINGS)}"
            on[sensor] = not on.get(sensor, False)
            found.append(Change(round(after, 3), sensor, "on" if on[sensor] else "off"))
            after += chance.expovariate(1 / 20)
        after += chance.choice((30, 120, 1500))
    return found


def write(folder: Path, recorded: Sequence[Change]) -> None:
    with (folder / "history.csv").open("w", newline="") as stream:
        rows = [(one.sensor, one.value, one.moment) for one in recorded]
        csv.writer(stream).writerows([("entity_id", "state", "last_changed"), *rows])


class Live:
    """task=watch, in a process of its own."""

    def __init__(self, folder: Path, choices: Sequence[str], port: int):
        self._log = folder / "live.log"
        self._output = folder / "live" / "live" / "history" / "watch.jsonl"
        self.lines: list[tuple[float, dict[str, Any]]] = []
        """Each line of the output, and when it was seen."""
        self._read = 0
        command = [sys.executable, "-m", "har_llm", "task=watch", "watch=mqtt", "watch.host=127.0.0.1", f"watch.port={port}"]
        command += [f"watch.quiet_s={GAP_MINUTES * 60}", "watch.when_full=wait", "paths.outputs=live", *choices]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
        with self._log.open("w") as log:
            self.process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
        self._until(lambda: "Watching" in self._log.read_text())

    def _until(self, is_so: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not is_so():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"task=watch did not go on:\n{self._log.read_text()}")
            self.look()
            time.sleep(0.01)

    def look(self) -> None:
        """Take the lines that have been written."""
        if self._output.exists():
            with self._output.open("rb") as stream:
                stream.seek(self._read)
                new = stream.read()
            whole = new[: new.rfind(b"\n") + 1]
            self._read += len(whole)
            self.lines += [(time.monotonic(), json.loads(line)) for line in whole.splitlines()]

    def wait_for(self, events: int) -> None:
        self._until(lambda: len(self.lines) >= events)

    def end(self) -> str:
        """What it says last."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)
        return self._log.read_text().splitlines()[-1]


def publish(port: int, recorded: Sequence[Change], speed: float, live: Live) -> list[float]:
    """When each change was published."""
    import paho.mqtt.client as paho
    from paho.mqtt.enums import CallbackAPIVersion

    client = paho.Client(CallbackAPIVersion.VERSION2)
    client.connect("127.0.0.1", port)
    client.loop_start()
    began, sent = time.monotonic() - recorded[0].after_s / speed, []
    for one in recorded:
        while time.monotonic() < began + one.after_s / speed:
            live.look()
            time.sleep(0.005)
        base = f"statestream/{one.sensor.replace('.', '/')}"
        client.publish(f"{base}/state", one.value, qos=1)
        client.publish(f"{base}/last_changed", one.moment, qos=1).wait_for_publish(30)
        sent.append(time.monotonic())
    client.disconnect()
    client.loop_stop()
    return sent


Said = dict[tuple[str, int], str]
"""The activity of each event, or why it has none, by session and id."""


def offline(folder: Path, choices: Sequence[str]) -> tuple[float, Said, int]:
    """Seconds for which the engine of task=predict worked, its start included; what it says; events of the last window."""
    seconds([sys.executable, "-m", "har_llm", "task=predict", "paths.outputs=offline", *choices], folder)
    (run,) = (folder / "offline" / "runs").iterdir()
    taken = json.loads((run / "environment.json").read_text())["engine_seconds"]
    last = json.loads((run / "windows.jsonl").read_text().splitlines()[-1])
    with (run / "predictions.csv").open(newline="") as stream:
        said = {(row["session"], int(row["id"])): row["activity"] or MISSED for row in csv.DictReader(stream)}
    return taken, said, len(last["ids"])


def said_of(lines: Sequence[dict[str, Any]]) -> Said:
    return {(line["session"], line["id"]): line["activity"] or MISSED for line in lines}


def script(folder: Path) -> list[str]:
    """The choices of a model that says what is done by the hour."""
    activities = ("sleeping", "eating", "washing dishes", "working", "watching TV")
    with (folder / "answers.jsonl").open("w") as stream:
        for hour in range(24):
            lines = "\n".join(f"{place}. {activities[hour % len(activities)]}" for place in range(10))
            text = f"<think>\nIt is {hour} o'clock.\n</think>\n\n{lines}"
            stream.write(json.dumps({"contains": f"Events:\n0. {hour:02}:", "text": text}) + "\n")
    return ["engine=scripted", "engine.path=answers.jsonl"]


def delays(lines: Sequence[tuple[float, dict[str, Any]]], events: Sequence[float]) -> list[float]:
    """Of each window: seconds from when the event that closes it was published. `events`: when each was, in order."""
    last: dict[tuple[str, int], tuple[int, int, float]] = {}
    for place, (seen, line) in enumerate(lines):
        window = (line["session"], line["window"])
        count = last[window][1] + 1 if window in last else 1
        last[window] = (place, count, seen)
    closed_by = ((place if count == 10 else place + 1, seen) for place, count, seen in last.values())
    return [seen - events[place] for place, seen in closed_by if place < len(events)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, default=24, help="of the recording")
    parser.add_argument("--speed", type=float, default=100, help="times as fast as it was recorded")
    parser.add_argument("--model", type=Path, help="a GGUF file; without it: the scripted engine")
    parser.add_argument("--small", action="store_true", help="an hour in half a minute, to see that it works")
    arguments = parser.parse_args()
    hours, speed = (1.0, 120.0) if arguments.small else (arguments.hours, arguments.speed)
    if MOSQUITTO is None:
        raise SystemExit("mosquitto is not installed; on Debian: apt-get install mosquitto")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        recorded = invented(hours, random.Random(1))
        write(folder, recorded)
        choices = ["dataset=home_assistant", "dataset.path=history.csv", "dataset.timezone=UTC"]
        seconds([sys.executable, "-m", "har_llm", "task=init", *choices], folder)
        choices += ["split.part=all", f"window.gap_minutes={GAP_MINUTES}", "prompt=direct", "prompt.event_ids=window"]
        if arguments.model is None:
            choices += script(folder)
        else:
            choices += ["model=custom", f"model.id={arguments.model.resolve()}", "model.thinking=false", "engine=llama_cpp"]
        taken, expected, last = offline(folder, choices)
        port = free_port()
        with broker(folder, port):
            live = Live(folder, choices, port)
            sent = publish(port, recorded, speed, live)
            live.wait_for(len(expected) - last)  # the last window may wait for more
            last_words = live.end()
        report(arguments.model, hours, speed, live, recorded, sent, taken, expected)
        print(last_words)


def report(
    model: Path | None,
    hours: float,
    speed: float,
    live: Live,
    recorded: Sequence[Change],
    sent: Sequence[float],
    taken: float,
    expected: Said,
) -> None:
    told = said_of([line for _, line in live.lines])
    seen = dict.fromkeys((one.sensor for one in recorded), 0)
    events: list[float] = []  # when those were published that are no first state of their sensor
    for one, at in zip(recorded, sent, strict=True):
        if seen[one.sensor]:
            events.append(at)
        seen[one.sensor] += 1
    late = sorted(delays(live.lines, events))
    windows = len({(line["session"], line["window"]) for _, line in live.lines})
    offline_windows = taken / max(1, windows)
    differ = sum(expected[key] != value for key, value in told.items())
    what = "scripted engine" if model is None else f"{model.name} (a real model)"
    print(f"{what}, invented home: {hours:g} hours, {len(events)} events, {speed:g} times as fast as recorded")
    named = sum(activity != MISSED for activity in told.values())
    print(f"predictions: {len(told)} of {len(expected)} live, {named} an activity; offline {differ} differ (goal: 0)")
    cuts = quantiles(late, n=20, method="inclusive")
    print(f"delay of {len(late)} windows: p50 {cuts[9]:.3f} s, p95 {cuts[18]:.3f} s")
    ratio = f"; p50 is {cuts[9] / offline_windows:.2f} times as long" if offline_windows else ""
    print(f"offline: {taken:.1f} s for all, {offline_windows:.3f} s a window{ratio}")


if __name__ == "__main__":
    main()
