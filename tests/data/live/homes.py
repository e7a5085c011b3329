"""A home that is watched: its description, and what its sensors report."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from har_llm.data.live.home import LiveHome, live_home
from har_llm.data.live.reading import Batch, Reading, Source, WatchConfig
from tests.data.datasets.own.homes import own

HOME = """
activities: {1: preparing a meal, 2: sleeping}
sensors:
  binary_sensor.fridge: {room: kitchen, name: fridge door, states: {"on": OPENED, "off": CLOSED}}
  binary_sensor.bed: {room: bedroom, name: bed, states: {"on": OCCUPIED, "off": FREE}}
  binary_sensor.door: {room: hall, name: door, states: {"on": OPENED, "off": CLOSED}}
  sensor.power: {room: kitchen, name: cooker, threshold: "100", states: [turned OFF, turned ON]}
  sensor.battery: {left_out: true}
"""
HEADER = "entity_id,state,last_changed\n"


def home(
    folder: Path, *overrides: str, kind: str = "home_assistant", name: str = "history.csv", described: str = HOME
) -> LiveHome:
    (folder / f"{Path(name).stem}.home.yaml").write_text(described)
    return live_home(own(kind, folder / name, *overrides))


def row(sensor: str, value: str, clock: str, day: str = "2026-03-02") -> str:
    return f"binary_sensor.{sensor},{value},{day}T{clock}Z\n"


class Listened:
    """A source whose batches are asked for one by one."""

    def __init__(self, config: WatchConfig, home: LiveHome, place: object = None):
        self.said: list[str] = []
        self.stop = threading.Event()
        self.source: Source = config.open(home, place, self.said.append)
        self._batches: Iterator[Batch | None] = self.source.batches(self.stop)
        self.place = place

    def next(self, *, kept: bool = True, acknowledged: bool = True) -> Sequence[Reading] | None:
        """The readings of the next batch; None for one without a connection. `kept`: whether it is on disk."""
        batch = next(self._batches)
        if batch is not None and batch.place is not None and kept:
            self.place = batch.place
        if batch is not None and acknowledged:
            batch.accepted()
        return None if batch is None else batch.readings

    def values(self) -> list[tuple[str, str | None]]:
        return [(one.sensor.removeprefix("binary_sensor."), one.value) for one in self.next() or ()]
