"""Runs of the scripted engine, made in a moment: the answers are the gold ones, except for those that should be wrong."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from har_llm.engines.base import Generation
from har_llm.runs.directory import RunResult, read_run
from har_llm.runs.prepare import prepare, read_recordings, render
from har_llm.runs.run import PreparedRun
from har_llm.runs.write import write_run
from har_llm.sweep.callbacks import Callback
from har_llm.sweep.generate import generate
from har_llm.sweep.plan import make_plan
from har_llm.sweep.read_once import Stores
from tests.composing import experiment
from tests.same_process import in_this_process

SMALL = ("dataset.sessions.count=4", "+dataset.paper_split={4:2}", "model=tiny_student", "engine=scripted")


def gold_script(path: Path, *overrides: str, wrong: int = 0) -> str:
    """Answers for the engine's script: the gold activities of every window, except for the first `wrong` ones."""
    path.write_text(_gold_answers(overrides, wrong))
    return str(path)


@cache
def _gold_answers(overrides: tuple[str, ...], wrong: int) -> str:
    composed = experiment(*SMALL, *overrides)
    recordings = read_recordings(composed)
    lines = []
    for number, prompt in enumerate(render(composed, recordings, recordings.sessions, ())):
        shown = dict(zip(prompt.ids, prompt.window.events, strict=True))
        rows = [{"id": i, "activity": 1 if number < wrong else event.activities[0]} for i, event in shown.items()]
        first = prompt.window.events[0]
        rule = {
            "contains": f'"time": "{first.time}", "event": "{first.text}"',
            "text": f"<think>\nIt is so.\n</think>\n\n{json.dumps(rows)}",
        }
        lines.append(json.dumps(rule) + "\n")
    return "".join(lines)


def done(tmp_path: Path, *overrides: str, stop_after: int | None = None) -> tuple[RunResult, list[Generation]]:
    """The run of these overrides, and what had to be generated for it."""
    prepared = prepare(experiment(*SMALL, f"paths.outputs={tmp_path / 'outputs'}", *overrides))
    made: list[Generation] = []

    class Note(Callback):
        def generated(self, generation: Generation) -> None:
            made.append(generation)
            if len(made) == stop_after:
                raise KeyboardInterrupt

    made_for(prepared, Note())
    return read_run(write_run(prepared, prepared.open_store())), made


def made_for(prepared: PreparedRun, callback: Callback | None = None) -> None:
    with in_this_process():
        for load in make_plan([prepared], Stores()).loads:
            generate(load, callback or Callback(), Stores())


def rows_of(result: RunResult) -> list[dict[str, Any]]:
    """As predictions.jsonl has them, with both fields of every prediction."""
    rows = [json.loads(line) for line in (result.folder / "predictions.jsonl").read_text().splitlines()]
    for said in [one for row in rows for one in (row, *row.get("samples", ()))]:
        said |= {name: {"activity": None, "missed": None, **said[name]} for name in ("strict", "lenient") if name in said}
    return rows
