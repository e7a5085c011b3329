"""Runs with several samples a window, answered by hand."""

from __future__ import annotations

import json
from pathlib import Path

from har_llm.runs.directory import RunResult, read_run
from har_llm.runs.prepare import prepare
from har_llm.runs.run import PreparedRun
from har_llm.runs.store import Record
from har_llm.runs.write import write_run
from tests.composing import experiment
from tests.scripted_runs import SMALL

HOT = "model.sampling.temperature=0.6"


def sampled(tmp_path: Path, *overrides: str) -> PreparedRun:
    common = (*SMALL, HOT, f"paths.outputs={tmp_path / 'outputs'}")
    return prepare(experiment(*common, "limit=2", *overrides))


def answered(prepared: PreparedRun, *texts: str) -> RunResult:
    """The run, finished with these generations for each of its windows; "$ids:3" stands for activity 3 for every event."""
    with prepared.open_writer() as writer:
        for place, request in enumerate(prepared.requests):
            text = texts[place % len(texts)]
            prompt = prepared.prompts[place // prepared.experiment.decoding.samples]
            if text.startswith("$ids:"):
                rows = [{"id": shown, "activity": int(text.removeprefix("$ids:"))} for shown in prompt.ids]
                text = f"<think>\nIt is {place}.\n</think>\n\n{json.dumps(rows)}"
            reason = "stop" if "</think>" in text else "length"
            writer.add(Record(request.key, text, reason, 10, 5, 0.1, {"engine": "hand"}))
    return read_run(write_run(prepared, prepared.open_store()))
