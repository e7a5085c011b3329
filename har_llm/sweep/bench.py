"""Measures what a window costs on this machine, one after the other, as a gateway meets them. Nothing is stored."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from har_llm.common.errors import ConfigError
from har_llm.engines.base import Generation
from har_llm.runs.run import PreparedRun
from har_llm.sweep.callbacks import Callback
from har_llm.sweep.plan import Load, Plan, characters

WINDOWS = 20
"""Most that are measured."""
ENERGY = Path("/sys/class/powercap")
"""Where Linux counts the energy of processors (RAPL), each package in microjoules; often readable by root only."""


@dataclass(frozen=True)
class Measured:
    """The cost of some windows. The longest, asked first, is only in `start`: it makes the room that all need, and computes
    what all prompts begin with."""

    engine: str
    start: float
    """Seconds until the model is loaded and has answered that window."""
    seconds: Sequence[float]
    """Of each other window."""
    prompt_tokens: int
    cached_tokens: int
    """Of these, those that were not computed again."""
    completion_tokens: int
    peak_bytes: float | None
    """Most memory of the engine's processes; None where it cannot be read, or the model runs elsewhere."""
    joules: float | None
    """Of all processors during the other windows; None where it cannot be read."""


def measure(run: PreparedRun, callback: Callback) -> Measured:
    """Load the run's model and ask it about windows of its part, each of which `callback` is told.

    Raises ConfigError for a baseline or a part of one window, and for a model that this machine cannot run; EngineError for
    one that fails.
    """
    from har_llm.sweep.generate import check_load
    from har_llm.sweep.one_worker import open_worker

    if run.experiment.baseline is not None:
        raise ConfigError(f"model={run.experiment.model.name} is a baseline, which loads no model; choose another model.")
    asked = run.requests[:: run.experiment.decoding.samples][: WINDOWS + 1]
    if len(asked) < 2:
        raise ConfigError("task=bench needs two windows, of which the first warms the model up; set limit=2 or more.")
    load = Load([run], {request.key: run for request in asked}, 0)
    check_load(load)
    here = load.engine.needs_model()
    callback.planned(Plan([run], (), (), [load], len(asked)))
    callback.loading(load)
    started = time.monotonic()
    worker = open_worker(load)
    try:
        longest = max(asked, key=characters)
        (first,) = worker.generate([longest])
        start, before = time.monotonic() - started, _joules()
        callback.generated(first)
        seconds: list[float] = []
        made: list[Generation] = []
        for request in (one for one in asked if one is not longest):
            began = time.monotonic()
            made += worker.generate([request])
            seconds.append(time.monotonic() - began)
            callback.generated(made[-1])
        after = _joules()
        return Measured(
            engine=f"{load.engine.engine_name} on {worker.about['hardware'] or 'a server'}",
            start=start,
            seconds=seconds,
            prompt_tokens=sum(one.prompt_tokens for one in made),
            cached_tokens=sum(one.cached_tokens for one in made),
            completion_tokens=sum(one.completion_tokens for one in made),
            peak_bytes=_peak(worker.pid) if here else None,
            joules=None if before is None or after is None or not here or after < before else after - before,
        )
    finally:
        worker.close()


def _peak(pid: int) -> float | None:
    """Most bytes that a process and those below it have held, each by itself, as Linux counts them."""
    import psutil

    try:
        found = psutil.Process(pid)
        family = [found, *found.children(recursive=True)]
        return sum(_most_held(one.pid) for one in family)
    except (psutil.Error, OSError, ValueError, StopIteration):
        return None


def _most_held(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return 1024.0 * int(next(line for line in lines if line.startswith("VmHWM")).split()[1])


def _joules() -> float | None:
    """What the counters of all packages say; None where there is none, or it may not be read. At its maximum, after hours, a
    counter begins again: what was measured then is not known."""
    try:
        counters = [folder / "energy_uj" for folder in ENERGY.glob("intel-rapl:*") if folder.name.count(":") == 1]
        return sum(int(one.read_text()) for one in counters) / 1e6 if counters else None
    except (OSError, ValueError):
        return None
