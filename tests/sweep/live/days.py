"""A day of a home, as a file that grows and as a recording, and a model that answers it."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import accumulate
from pathlib import Path
from typing import Any

from har_llm.config.experiment import Experiment
from har_llm.runs.prepare import prepare
from har_llm.sweep.live.results import Listener, WatchedWindow
from har_llm.sweep.live.service import live_folder, watch
from tests.composing import experiment
from tests.data.live.homes import HEADER, HOME
from tests.same_process import in_this_process
from tests.scripted_runs import made_for

SENSORS = ("fridge", "bed", "door")
BEGINS = datetime(2026, 3, 2, 23, 0)


def rows(count: int) -> list[str]:
    """Changes of three sensors in turn, over midnight, with a quiet time after every 17."""
    states = ("on" if place // len(SENSORS) % 2 else "off" for place in range(count))
    return [
        f"binary_sensor.{SENSORS[place % len(SENSORS)]},{state},{at.isoformat()}Z\n"
        for place, (state, at) in enumerate(zip(states, moments(count), strict=True))
    ]


def moments(count: int) -> list[datetime]:
    """When those are."""
    steps = (1200 if place % 17 == 16 else 97 for place in range(count))
    return [BEGINS + timedelta(seconds=passed) for passed in accumulate(steps)]


def answers(folder: Path) -> Path:
    """The script of a model that says what is done by the hour, of nine events of a window."""
    rules = []
    for hour, name in (("23", "preparing a meal"), ("00", "sleeping")):
        answer = json.dumps([{"id": place, "activity": name} for place in range(9)])
        rule = {"contains": f'[\n{{"id": 0, "time": "{hour}:', "text": f"<think>\nBecause.\n</think>\n\n{answer}"}
        rules.append(json.dumps(rule))
    path = folder / "answers.jsonl"
    path.write_text("\n".join(rules) + "\n")
    return path


def watched(folder: Path, *overrides: str, data: Sequence[str] | None = None) -> Experiment:
    """The experiment of a file, which holds `data`."""
    (folder / "history.home.yaml").write_text(HOME)
    if data is not None:
        (folder / "history.csv").write_text(HEADER + "".join(data))
    return experiment(
        "dataset=home_assistant",
        f"dataset.path={folder / 'history.csv'}",
        "dataset.timezone=UTC",
        "split=named",
        "split.part=all",
        "model=tiny_student",
        "engine=scripted",
        f"engine.path={answers(folder)}",
        f"paths.outputs={folder / 'outputs'}",
        "watch.quiet_s=600",
        *([] if any(one.startswith("watch=") for one in overrides) else ["watch.start=beginning"]),
        "window.gap_minutes=10",
        *overrides,
    )


class Noted(Listener):
    """Notes what it is told, and sets `stop` when enough windows are written."""

    def __init__(self, most: float, meanwhile: threading.Thread | None = None):
        self.stop, self.most, self._meanwhile = threading.Event(), most, meanwhile
        self.sentences: list[str] = []
        self.windows: list[WatchedWindow] = []

    def said(self, sentence: str) -> None:
        self.sentences.append(sentence)
        if self._meanwhile is not None and sentence.startswith("Watching"):
            self._meanwhile.start()

    def written(self, window: WatchedWindow) -> None:
        self.windows.append(window)
        if len(self.windows) >= self.most:
            self.stop.set()


def watch_some(given: Experiment, most: float, *, seconds: float = 20, meanwhile: threading.Thread | None = None) -> Noted:
    """Watch until so many windows are written, in this process. `meanwhile`: what then happens."""
    noted = Noted(most, meanwhile)
    timer = threading.Timer(seconds, noted.stop.set)
    timer.start()
    with in_this_process():
        watch(given, [noted], noted.stop)
    timer.cancel()
    return noted


def lines(given: Experiment) -> list[dict[str, Any]]:
    """What watch.jsonl has."""
    path = live_folder(given) / "watch.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def offline(given: Experiment) -> list[tuple[Any, ...]]:
    """What a run of the same events says of each."""
    from har_llm.runs.generations import parse_windows

    run = prepare(given)
    made_for(run)
    names = run.recordings.home.activities
    found = []
    for prompt, made in zip(run.prompts, parse_windows(run, run.open_store()), strict=True):
        window = prompt.window
        for event, said in zip(window.events, made.predictions("strict"), strict=True):
            activity = None if said.activity is None else names[said.activity]
            found.append((window.session, window.index, event.id, event.text, activity, said.missed))
    return found


def as_offline(said: Sequence[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return [tuple(one[name] for name in ("session", "window", "id", "event", "activity", "missed")) for one in said]


def generations(folder: Path) -> int:
    """How many were stored."""
    shards = (folder / "outputs" / "store" / "generations").rglob("*.jsonl")
    return sum(len(shard.read_text().splitlines()) for shard in shards)
