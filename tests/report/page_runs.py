"""Run directories as runs.write leaves them, made without a model: the rest follows from the generations."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from har_llm.common.digest import digest
from har_llm.config.settings import PARSINGS
from har_llm.data.answer_form import AnswerForm, AnswerKeys
from har_llm.models.reasoning import split_reasoning
from har_llm.runs.directory import RunResult, read_run
from har_llm.runs.result import FORMAT
from har_llm.scoring import metrics, parsing
from har_llm.scoring.asked import Asked
from har_llm.scoring.labels import Labels
from har_llm.scoring.prediction import Prediction
from har_llm.scoring.voting import vote
from tests.report.fabricated import ABOUT, DATA, SAMPLE, VLLM, merged, shipped
from tests.report.run_folders import sealed

ACTIVITIES = {1: "sleeping", 2: "cooking", 3: "eating"}
SYNTHETIC = "synthetic home, synthetic model"
WINDOW = 5
HEAD = (
    "Find the activity behind each sensor event.\n\n"
    + "A long description of the home.\n" * 20
    + 'Example: {"id": 8, "event": "lamp"}\n'
    + "Events:\n"
)


class Event(NamedTuple):
    """An event as a run directory has it: a hostile one may have any text as its time."""

    id: int
    time: str
    text: str
    activities: tuple[int, ...]
    subjects: tuple[str, ...]
    date: str | None = None
    utc_offset: str | None = None


Write = Callable[[Sequence[Event]], str]
"""A model: what it writes for the events of a window."""


@dataclass(frozen=True)
class Fabricated:
    name: str
    sessions: Mapping[str, Sequence[Event]]
    models: Sequence[Write]
    """One text a window from each; several stand for self-consistency."""
    dataset: str = "home"
    activities: Mapping[int, str] = field(default_factory=lambda: ACTIVITIES)
    model: str = "tiny"
    adapter: str | None = None
    provenance: str | None = SYNTHETIC
    finish_reason: str = "stop"
    limit: int | None = None
    window: int = WINDOW
    fold: int | None = None
    """Of a cross-validation of two."""
    unscored: int | None = None
    """The null class, which counts in no score."""


def events(*lines: str, gold: Sequence[Sequence[int]] = ()) -> list[Event]:
    """A session of these events, half a minute apart; the gold goes round in the catalogue unless it is given."""
    return [
        Event(
            number,
            f"19:{number // 2 % 60:02d}:{number % 2 * 30:02d}",
            line,
            tuple(gold[number]) if gold else (1 + number % 3,),
            ("Ann",),
        )
        for number, line in enumerate(lines)
    ]


def says(*activities: int, reasoning: str | None = None) -> Write:
    """A model that gives the events of every window these activities in turn, after a line about each."""

    def write(window: Sequence[Event]) -> str:
        named = [activities[event.id % len(activities)] for event in window]
        lines = [f'Event {event.id} "{event.text}": activity {number}.' for event, number in zip(window, named, strict=True)]
        rows = [{"id": event.id, "activity": number} for event, number in zip(window, named, strict=True)]
        return f"<think>\n{reasoning or chr(10).join(lines)}\n</think>\n\n{json.dumps(rows)}"

    return write


def writes(text: str) -> Write:
    """A model that writes the same whatever it sees."""
    return lambda window: text


def make(root: Path, run: Fabricated) -> RunResult:
    folder = root / run.name
    folder.mkdir(parents=True)
    rows, windows = _content(run)
    for name, lines in (("predictions.jsonl", rows), ("windows.jsonl", windows)):
        (folder / name).write_text("".join(json.dumps(line) + "\n" for line in lines))
    (folder / "metrics.json").write_text(json.dumps(_metrics(run, rows, windows)))
    (folder / "environment.json").write_text(json.dumps(_environment(run, windows)))
    (folder / "data.json").write_text(json.dumps(DATA | {"provenance": run.provenance}))
    (folder / "sample.json").write_text(json.dumps(SAMPLE))
    # Names that Hydra could not have composed stand in metrics.json only, where the page reads them.
    plain = {key: {"name": re.sub(r"\W", "_", name)} for key, name in (("dataset", run.dataset), ("model", run.model))}
    settings = merged(shipped("dataset=mural", "lora=none", "prompt=reasoning"), plain)
    (folder / "config.yaml").write_text(yaml.safe_dump(settings))
    return read_run(sealed(folder))


def _environment(run: Fabricated, windows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    texts = [text for window in windows for text in window["generations"]]
    return {
        "provenance": run.provenance,
        **ABOUT,
        "model": {"id": f"embedded:{run.model}", "revision": "abc", "dtype": "float32", "adapter": None},
        "generated_by": [VLLM],
        "engine_seconds": sum(text["seconds"] for text in texts),
        "prompt_tokens": sum(text["prompt_tokens"] for text in texts),
        "completion_tokens": sum(text["completion_tokens"] for text in texts),
        "finish_reasons": {run.finish_reason: len(texts)},
        "ran_on": 0,
        "unclosed_reasoning": 0,
    }


def _content(run: Fabricated) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    rows: list[dict[str, Any]] = []
    windows: list[dict[str, Any]] = []
    for session, recorded in run.sessions.items():
        for index, start in enumerate(range(0, len(recorded), run.window)):
            held = recorded[start : start + run.window]
            if run.limit is not None and len(windows) >= run.limit:
                rows += [_event(session, event) | _EXCLUDED for event in held]
            else:
                windows.append(_window(run, session, index, held))
                rows += _predictions(run, session, index, held)
    return rows, windows


_EXCLUDED = {"scored": False, "excluded": "window beyond limit"}


def _event(session: str, event: Event) -> dict[str, Any]:
    return {
        "session": session,
        "id": event.id,
        "date": event.date,
        "utc_offset": event.utc_offset,
        "time": event.time,
        "event": event.text,
        "gold": list(event.activities),
        "subjects": list(event.subjects),
    }


def _window(run: Fabricated, session: str, index: int, held: Sequence[Event]) -> dict[str, Any]:
    shown = ",\n".join(json.dumps({"id": event.id, "time": event.time, "event": event.text}) for event in held)
    messages = [{"role": "system", "content": "You recognise."}, {"role": "user", "content": f"{HEAD}[\n{shown}\n]"}]
    texts = []
    for number, model in enumerate(run.models):
        text = model(held)
        reasoning, answer = split_reasoning(text, thinking=True)
        texts.append(
            {
                "key": digest([run.name, session, index, number]),
                "text": text,
                "finish_reason": run.finish_reason,
                "prompt_tokens": 300,
                "completion_tokens": len(text) // 4,
                "seconds": 0.5,
                "reasoning": reasoning,
                "answer": answer,
            }
        )
    return {
        "session": session,
        "window": index,
        "messages": messages,
        "ids": [event.id for event in held],
        "generations": texts,
        "provenance": run.provenance,
    }


def _predictions(run: Fabricated, session: str, index: int, held: Sequence[Event]) -> list[dict[str, Any]]:
    ids = [event.id for event in held]
    asked = Asked(ids, Labels(run.activities), AnswerForm(keys=AnswerKeys(resident="resident")))
    read = [parsing.parse(model(held), run.finish_reason, asked, thinking=True) for model in run.models]
    rows = []
    for inside, event in enumerate(held):
        samples = [
            {
                "generation": digest([run.name, session, index, number]),
                "generation_digest": "0" * 16,
                **{parsing: _said(getattr(answer, parsing)[inside]) for parsing in PARSINGS},
            }
            for number, answer in enumerate(read)
        ]
        voted = {parsing: _said(vote([getattr(answer, parsing)[inside] for answer in read])) for parsing in PARSINGS}
        row = _event(session, event) | {
            "window": index,
            "scored": event.activities not in ((), (run.unscored,)),
            "shown_id": event.id,
        }
        rows.append({**row, **voted, **({"samples": samples} if len(read) > 1 else {}), "provenance": run.provenance})
    return rows


def _said(prediction: Prediction) -> dict[str, Any]:
    known = {} if prediction.resident is None else {"resident": prediction.resident}
    return {"activity": prediction.activity, "missed": prediction.missed, **known}


def _metrics(run: Fabricated, rows: Sequence[Mapping[str, Any]], windows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    shown = [row for row in rows if "excluded" not in row]
    null_class = () if run.unscored is None else (run.unscored,)
    excluded = len(rows) - len(shown)
    return {
        "format": FORMAT,
        "provenance": run.provenance,
        "partial": run.limit is not None,
        "limit": run.limit,
        "dataset": run.dataset,
        "model": run.model,
        "model_id": f"embedded:{run.model}",
        "parameters": 1000,
        "adapter": None
        if run.adapter is None
        else {"name": run.adapter, "label": run.adapter, "id": "local", "revision": "files-0"},
        "decoding": "plain" if len(run.models) == 1 else "self_consistency",
        "samples": len(run.models),
        "part": "test",
        "seed": 0,
        "generations_digest": "0" * 64,
        "sessions": len({row["session"] for row in shown}),
        "windows": len(windows),
        "events": len(shown),
        "activities": {str(number): name for number, name in run.activities.items()},
        "null_class": list(null_class),
        "excluded_events": {_EXCLUDED["excluded"]: excluded} if excluded else {},
        "choices": {"window": {}, "prompt": {}, "split": _split(run), "generation": {}},
        "versions": {"parsing": parsing.VERSION, "metrics": metrics.VERSION},
        "shown": {"headline": "f1_weighted", "parsing": "strict"},
        **{parsing: _scores(run, shown, parsing, null_class) for parsing in PARSINGS},
    }


def _split(run: Fabricated) -> dict[str, Any]:
    return {} if run.fold is None else {"kind": "KFoldSplit", "part": "test", "folds": 2, "fold": run.fold}


def _scores(run: Fabricated, shown: Sequence[Mapping[str, Any]], parsing: str, null_class: Sequence[int]) -> dict[str, Any]:
    scored = [
        metrics.ScoredEvent(row["session"], tuple(row["gold"]), row[parsing]["activity"], row[parsing]["missed"])
        for row in shown
    ]
    return asdict(metrics.score_all(scored, run.activities, null_class, null_class))


VIEWS = ("overview", "results", "days", "timeline", "confusion", "explorer")


def gives_up(window: Sequence[Event]) -> str:
    """A model that comes to an end in some windows only."""
    return "<think>\nEvent 0 and so on." if window[0].id < 100 else says(1)(window)


PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
