"""Computes baselines, in this process."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from har_llm.common.environment import library_versions, machine
from har_llm.data.gold_answer import written_answer
from har_llm.engines.base import Generation
from har_llm.runs.run import PreparedRun
from har_llm.sweep.plan import Load


def about(load: Load) -> dict[str, Any]:
    """What is recorded of the answers: versions and hardware, as of those of an engine."""
    baseline = load.runs[0].experiment.baseline
    versions = library_versions(tuple(baseline.libraries)) if baseline is not None else {}
    return {"engine": load.engine.engine_name, "versions": versions, "hardware": machine(), "further": {}}


def answers(load: Load) -> Iterator[Generation]:
    """A generation for each request of the load, in the form of answer that the runs' prompts ask for."""
    for run in load.runs:
        yield from _answers(run, {key for key, asking in load.asked_by.items() if asking is run})


def _answers(run: PreparedRun, keys: set[str]) -> Iterator[Generation]:
    """Train the run's baseline, then answer the windows of these keys."""
    baseline, given = run.experiment.baseline, run.given
    if baseline is None or given is None or not keys:
        return
    started = time.monotonic()
    asked = {request.key: prompt for request, prompt in zip(run.requests, run.prompts, strict=True) if request.key in keys}
    predicted = baseline.fit(given)([prompt.window for prompt in asked.values()])
    seconds = (time.monotonic() - started) / len(asked)
    form = run.experiment.prompt.form
    for (key, prompt), numbers in zip(asked.items(), predicted, strict=True):
        yield Generation(key, written_answer(prompt.ids, numbers, form, [None] * len(numbers)), "stop", 0, 0, seconds)
