"""Asks the model about windows as they close, in one engine process that stays loaded and is started again when it ends."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from har_llm.data.live.home import LiveHome
from har_llm.data.records import Event, Window
from har_llm.runs.generations import parse_windows
from har_llm.runs.prepare import LiveRun
from har_llm.runs.store import GenerationStore
from har_llm.scoring.prediction import Prediction
from har_llm.sweep.generate import about_run, check_load, record_of
from har_llm.sweep.one_worker import open_worker
from har_llm.sweep.plan import Load
from har_llm.sweep.read_once import Stores

if TYPE_CHECKING:
    from har_llm.engines.worker import WorkerEngine

PROBE_ID = 9000
"""The ids of a busy day have as many digits."""


@dataclass(frozen=True)
class Answered:
    """What the model says of a window."""

    predictions: tuple[Prediction, ...]
    """Of each event."""
    confidence: tuple[float | None, ...]
    """Of each event, the share of the generations that name its activity; None where there is a single one."""
    reasoning: str


class Answerer:
    """Generations are stored under the keys that an offline run of the same windows has, and taken from there."""

    def __init__(self, live: LiveRun, home: LiveHome):
        """Raises HarError for a model that this machine cannot run, as far as that is known without loading it."""
        self._live, self._stores = live, Stores()
        probe = live.about(_probe(home, live.run.experiment.window.events))
        self._load = Load([probe], {probe.requests[0].key: probe})
        check_load(self._load)
        self._store: GenerationStore = live.run.open_store()
        self._stack = ExitStack()
        self._writer = self._stack.enter_context(live.run.open_writer())
        self._worker: WorkerEngine | None = None
        self._about: Mapping[str, Any] = {}

    def ready(self) -> None:
        """Load the model, unless it is, and ask it about a window as long as any, which makes the room that all need. Raises
        EngineError."""
        if self._worker is not None:
            return
        try:
            self._worker = open_worker(self._load)
            list(self._worker.generate(self._load.requests))
            self._about = about_run(self._live.run, self._worker.about, self._stores)
        except BaseException:
            self.stop()
            raise

    def answer(self, window: Window) -> Answered:
        """Ask the model, which is `ready`. Raises EngineError if it fails; it is then to be made ready again."""
        run = self._live.about(window)
        if owed := run.owed(self._store):
            assert self._worker is not None
            try:
                for generation in self._worker.generate(owed):
                    self._writer.add(record_of(generation, self._about, run.kind))
            except BaseException:
                self.stop()
                raise
            self._store.refresh()
        (made,) = parse_windows(run, self._store)
        parsing = run.experiment.settings.metrics.parsing
        predictions = made.predictions(parsing)
        samples = [answer.parsed(parsing) for answer in made.answers]
        shares = (
            sum(sample[place].activity == one.activity for sample in samples) / len(samples)
            for place, one in enumerate(predictions)
        )
        confidence = tuple(
            None if len(samples) == 1 or one.activity is None else share
            for one, share in zip(predictions, shares, strict=True)
        )
        return Answered(predictions, confidence, made.answers[0].reasoning or "")

    def stop(self) -> None:
        """End the engine's process."""
        if self._worker is not None:
            self._worker.close()
            self._worker = None

    def close(self) -> None:
        self.stop()
        self._stack.close()


def _probe(home: LiveHome, events: int) -> Window:
    """A window as long as any may be: of the longest text that a sensor has."""
    told = (one for one in home.described.sensors.values() if not one.left_out)
    words = ((one, [*one.states.values(), *(one.threshold.states if one.threshold else ())]) for one in told)
    texts = [f"{one.room} {one.name} {max(said, key=len, default='')}".strip() for one, said in words]
    text = max(texts, key=len, default="")
    moment = datetime(2026, 3, 2, 12, 34, 56)
    return Window("", 0, tuple(Event(PROBE_ID + place, moment, text, (), ()) for place in range(events)))
