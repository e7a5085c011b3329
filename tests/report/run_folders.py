"""Run directories written by hand, so that a test may say what each event of each session became."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from har_llm.common.checksums import seal
from har_llm.report.compare.pairing import Pairing, pair
from har_llm.runs.directory import FILES, RunResult, read_run
from har_llm.runs.result import FORMAT
from har_llm.scoring.metrics import ScoredEvent, score_all
from tests.helpers import description_of

ACTIVITIES = {1: "cooking", 2: "eating", 3: "nothing in particular"}

Said = int | str
"""An activity, or the cause for which the event is missed."""
Sessions = Mapping[str, Sequence[tuple[int, Said]]]
"""By session: (gold, what was said) of each event."""


A_RIGHT: Sequence[tuple[int, Said]] = [(1, 1), (1, 1), (2, 2), (2, 2)]
A_WRONG: Sequence[tuple[int, Said]] = [(1, 2), (1, 1), (2, 1), (2, "omitted")]
BETTER: Sessions = {f"s{place}": [*A_RIGHT[: 4 - place % 3], *[(2, 1)] * (place % 3)] for place in range(6)}
"""Beside A_WRONG in each session better by 75, 50 or 25 points of accuracy."""
EVERY_OUTCOME: tuple[Sessions, Sessions] = (
    {"s": [(1, 1), (1, 1), (1, 2), (1, 2), (1, 2), (1, 3), *[(1, "omitted")] * 3]},
    {"s": [(1, 1), (1, 2), (1, 1), (1, 2), (1, 3), (1, "omitted"), (1, 3), (1, "malformed"), (1, 1)]},
)
"""Two runs on one session: of every way in which they may agree or differ about an event, at least one."""


def several(count: int, events: Sequence[tuple[int, Said]]) -> Sessions:
    """So many sessions of these events."""
    return {f"s{number}": events for number in range(count)}


def row(session: str, number: int, gold: Sequence[int], said: Said, **changes: Any) -> dict[str, Any]:
    prediction = {"activity": None, "missed": said} if isinstance(said, str) else {"activity": said, "missed": None}
    return {
        "session": session,
        "id": number,
        "time": f"08:00:{number:02d}",
        "event": f"kitchen fridge {number}",
        "gold": list(gold),
        "subjects": [],
        "scored": True,
        "strict": prediction,
        "lenient": prediction,
        **changes,
    }


def rows(sessions: Sessions) -> list[dict[str, Any]]:
    return [row(name, n, [gold], said) for name, events in sessions.items() for n, (gold, said) in enumerate(events)]


def written(
    folder: Path,
    events: Sequence[Mapping[str, Any]],
    *,
    unscored: Sequence[int] = (),
    environment: Mapping[str, Any] | None = None,
    sample: Mapping[str, Any] | None = None,
    **changes: Any,
) -> RunResult:
    """A run directory with these rows in predictions.jsonl, and scores that agree with them."""
    folder.mkdir(parents=True)
    (folder / "predictions.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events))
    activities = changes.get("activities", ACTIVITIES)
    null_class = changes.get("null_class", [])
    read = {
        parsing: score_all(
            [
                ScoredEvent(one["session"], tuple(one["gold"]), one[parsing]["activity"], one[parsing]["missed"])
                for one in events
                if "excluded" not in one
            ],
            activities,
            null_class,
            unscored,
        )
        for parsing in ("strict", "lenient")
    }
    parsed = {parsing: asdict(one) for parsing, one in read.items()}
    scores = {**facts_of(len({one["session"] for one in events}), len(events)), **parsed, **changes}
    scores["activities"] = {str(number): name for number, name in activities.items()}
    for name, content in (
        ("metrics", scores),
        ("environment", {**ENVIRONMENT, **(environment or {})}),
        ("data", {"provenance": None, "description": description_of(10), "repairs": []}),
        ("sample", {**SAMPLE, **(sample or {})}),
    ):
        (folder / f"{name}.json").write_text(json.dumps(content))
    (folder / "config.yaml").write_text("seed: 0\n")
    return read_run(sealed(folder))


def sealed(folder: Path) -> Path:
    """With the digests of the files that are there."""
    seal(folder, [name for name in FILES if (folder / name).exists()])
    return folder


def paired(folder: Path, a: Sessions, b: Sessions) -> Pairing:
    """Two such runs, strictly parsed."""
    return pair(written(folder / "a", rows(a)), written(folder / "b", rows(b)), "strict")


def facts_of(sessions: int, events: int) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "provenance": None,
        "partial": False,
        "limit": None,
        "dataset": "small",
        "model": "student",
        "model_id": "owner/student",
        "parameters": 600_000_000,
        "adapter": None,
        "decoding": "plain",
        "samples": 1,
        "part": "test",
        "choices": {
            "window": {"kind": "FixedWindows", "events": 10, "min_events": 1},
            "prompt": {"kind": "SectionedPrompt", "name": "direct", "digest": "0123456789ab"},
            "split": {"kind": "NamedSplit", "part": "test", "test": ["s1"]},
            "generation": {"thinking": True, "context": None, "temperature": 0.6},
        },
        "seed": 0,
        "generations_digest": "0" * 64,
        "sessions": sessions,
        "windows": 4,
        "events": events,
        "null_class": [],
        "excluded_events": {},
        "versions": {"parsing": 1, "metrics": 1},
        "shown": {"headline": "f1_weighted", "parsing": "strict"},
    }


ENVIRONMENT: dict[str, Any] = {
    "provenance": None,
    "platform": "Linux",
    "versions": {},
    "har_llm": "0.1.0",
    "code": "0123456789abcdef0123456789abcdef01234567+changes",
    "written": "2026-11-29 16:20:05",
    "python": "3.12.1",
    "model": {"id": "owner/student", "revision": "f" * 40, "dtype": "bfloat16", "adapter": None, "quantization": "fp8"},
    "generated_by": [
        {"engine": "vLLM", "versions": {"vllm": "0.32.0"}, "hardware": "1 x GPU", "model": {}, "provenance": None}
    ],
    "engine_seconds": 10.0,
    "prompt_tokens": 4000,
    "completion_tokens": 1000,
    "finish_reasons": {"stop": 4},
    "ran_on": 0,
    "unclosed_reasoning": 0,
}
SAMPLE: dict[str, Any] = {
    "provenance": None,
    "session": "s1",
    "event": 0,
    "window": [{"id": 0, "time": "08:00:00", "event": "kitchen fridge 0"}],
    "reasoning": "It is so.",
    "answer": "[]",
    "gold": ["1. cooking"],
    "predicted": {"strict": "2. eating", "lenient": "1. cooking"},
    "generation": "0" * 64,
}
