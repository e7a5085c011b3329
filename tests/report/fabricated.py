"""Run directories with made-up results, for reports: every number in them is invented."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from har_llm.common.schema import plain
from har_llm.config.settings import PARSINGS
from har_llm.report.paper import MODELS, SIZES, TEACHER, Key, results
from har_llm.runs.directory import RunResult, read_run
from har_llm.runs.result import FORMAT
from har_llm.scoring.names import METRICS
from har_llm.scoring.prediction import CAUSES
from tests.composing import composed, experiment
from tests.helpers import description_of
from tests.report.run_folders import sealed

SHIPPED = ("marble", "mural", "simulated_flat", "simulated_house")
SYNTHETIC = "synthetic home, synthetic model"
TRAINED = {"marble": 41, "mural": 15}
VLLM = {
    "engine": "vLLM",
    "versions": {"vllm": "0.32.0"},
    "hardware": "1 x Imaginary GPU",
    "model": {},
    "provenance": None,
}
ABOUT = {
    "written": "2026-11-29 16:20:05",
    "har_llm": "0.1.0",
    "code": None,
    "python": "3.12.1",
    "platform": "Linux",
    "versions": {},
}
DATA: dict[str, Any] = {
    "provenance": None,
    "description": description_of(10),
    "repairs": [],
}
SAMPLE = {
    "provenance": None,
    "session": "session 0",
    "event": 0,
    "window": [{"id": 0, "time": "08:00:00", "event": "kitchen fridge OPENED"}],
    "reasoning": "It is so.",
    "answer": "[]",
    "gold": ["1. cooking"],
    "predicted": {"strict": "1. cooking", "lenient": "1. cooking"},
    "generation": "0" * 64,
}


def fabricated(folder: Path, f1: float = 0.5, **changes: Any) -> RunResult:
    """A run of Qwen3-0.6B as it is on MuRAL's test part, but for the changes: to metrics.json, or the arguments below."""
    config, engines = changes.pop("config", {}), changes.pop("engines", [VLLM])
    tokens, seconds, missed = changes.pop("tokens", 900), changes.pop("seconds", 2.0), changes.pop("missed", 0.02)
    spread, sessions, weights = changes.pop("spread", 0.1), changes.pop("session_names", 6), changes.pop("weights", {})
    facts: dict[str, Any] = {
        "format": FORMAT,
        "provenance": None,
        "partial": False,
        "limit": None,
        "dataset": "mural",
        "model": "qwen3_0.6b",
        "adapter": None,
        "decoding": "plain",
        "samples": 1,
        "part": "test",
        "seed": 0,
        "generations_digest": f"of seed {changes.get('seed', 0)}",
        "sessions": sessions,
        "windows": 60,
        "events": 600,
        "activities": {"1": "cooking"},
        "excluded_events": {},
        "null_class": [],
        "choices": {"window": {}, "prompt": {}, "split": {}, "generation": {}},
        "versions": {"parsing": 1, "metrics": 1},
        "shown": {"headline": "f1_weighted", "parsing": "strict"},
        **changes,
    }
    facts = {"model_id": MODELS.get(facts["model"], facts["model"]), "parameters": SIZES.get(facts["model"]), **facts}
    facts |= {parsing: scores(f1, missed, spread, sessions) for parsing in PARSINGS if parsing not in facts}
    label = "" if facts["adapter"] is None else f"-{facts['adapter']['label']}"
    name = f"{facts['dataset']}-{facts['model']}{label}-{facts['part']}"
    digest = hashlib.sha256(json.dumps([facts, config, engines, weights]).encode()).hexdigest()[:10]
    run = folder / re.sub(r"[/\0\ud800-\udfff]", "_", f"{name}-{digest}")[-100:]
    run.mkdir(parents=True)
    generations = facts["windows"] * facts["samples"]
    write(run / "metrics.json", facts)
    write(run / "environment.json", {
        "provenance": facts["provenance"],
        **ABOUT,
        "model": {"id": facts["model_id"], "revision": "abc", "dtype": "bfloat16", "adapter": None, **weights},
        "generated_by": [{"model": {}, "provenance": None, **engine} for engine in engines],
        "engine_seconds": seconds * generations,
        "prompt_tokens": 700 * generations,
        "completion_tokens": tokens * generations,
        "finish_reasons": {"stop": generations},
        "ran_on": 0,
        "unclosed_reasoning": 0,
    })  # fmt: skip
    write(run / "data.json", {**DATA, "description": description_of(TRAINED.get(facts["dataset"], 10))})
    write(run / "sample.json", SAMPLE)
    (run / "config.yaml").write_text(yaml.safe_dump(settings_of(facts, config)), encoding="utf-8")
    return read_run(sealed(run))


@cache
def shipped(*choices: str) -> dict[str, Any]:
    """The settings of these choices as a run keeps them; to be read only."""
    return plain(composed(*choices))


def settings_of(facts: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """The shipped settings of such a run, but for the changes. A dataset or model that is not shipped has its name alone."""
    dataset = facts["dataset"] if facts["dataset"] in SHIPPED else "mural"
    model = facts["model"] if facts["model"] in MODELS else "qwen3_0.6b"
    recipe = (facts["adapter"] or {}).get("distillation")
    if facts.get("baseline"):
        return merged(experiment(f"dataset={dataset}", f"model={facts['model']}").source, changes)
    made = deepcopy(
        shipped(f"dataset={dataset}", f"model={model}", f"lora={'distilled' if recipe else 'none'}", "prompt=reasoning")
    )
    made = merged(made, {"dataset": {"name": facts["dataset"]}, "model": {"name": facts["model"], "id": facts["model_id"]}})
    if recipe:
        teacher = {"name": recipe["teacher"], "id": MODELS.get(recipe["teacher"], recipe["teacher"])}
        source = shipped(f"dataset={recipe['dataset']}")["dataset"] if recipe["dataset"] in {*SHIPPED} - {dataset} else None
        made = merged(made, {"lora": {"teacher": teacher, "source": source}})
    return merged(made, changes)


def merged(settings: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Nested settings with some changed."""
    nested = {key: merged(settings.get(key) or {}, value) for key, value in changes.items() if isinstance(value, dict)}
    return {**settings, **changes, **nested}


def write(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(content), encoding="utf-8")


def scores(f1: float, missed: float = 0.02, spread: float = 0.1, sessions: int = 6) -> dict[str, Any]:
    """Each candidate a little below the one before, so that a mix-up shows."""
    means = {metric: max(0.0, f1 - place / 100) for place, metric in enumerate(METRICS, -METRICS.index("f1_weighted"))}
    means["missed"] = missed
    names = [f"session {number}" for number in range(sessions)]
    return {
        "unscored_events": 0,
        "unlabelled_events": 0,
        "all": {
            "sessions": {name: {"events": 100, **means, "missed_by_cause": {}} for name in names},
            "mean": {
                metric: {
                    "mean": mean,
                    "std": spread if sessions > 1 else None,
                    "ci95": [max(0.0, mean - spread / 2), min(1.0, mean + spread / 2)] if sessions > 2 else None,
                    "sessions": sessions,
                }
                for metric, mean in means.items()
            },
            "missed_by_cause": {cause: {"mean": 0.0, "std": 0.0} for cause in CAUSES},
            "pooled": {"events": 600, **means, "missed_by_cause": {}},
            "per_class": [],
            "confusion": {"activities": [1], "matrix": [[1, 0]]},
        },
    }


def baseline(mark: str = "supervised", sessions: int = 15) -> dict[str, Any]:
    """What metrics.json says of a baseline."""
    return {"kind": "RandomForest", "mark": mark, "sessions": sessions, "events": 100, "settings": {}}


def trained(dataset: str, sessions: int | None = None, **changes: Any) -> dict[str, Any]:
    """An adapter trained on the teacher's generations for the first sessions of a dataset, or for all of them."""
    label = f"distilled{sessions or ''}-on-{dataset}"
    recipe = {"teacher": TEACHER, "dataset": dataset, "sessions": sessions or TRAINED.get(dataset, 10)}
    recipe |= {"all_sessions": sessions is None, "windows": 100, "method": "generations", "uses_gold": False, **changes}
    return {"name": "distilled", "label": label, "id": "distilled", "revision": label, "distillation": recipe}


def the_papers_programme(folder: Path) -> Iterator[RunResult]:
    """Everything the paper ran, with scores a little off its own."""
    for place, (key, value) in enumerate(results().items()):
        if key.metric != "f1" or key == Key("f1", "qwen3_0.6b", "mural", 15, "mural"):  # table 2's, once more
            continue
        adapter = trained(key.trained_on, key.sessions) if key.trained_on else None
        missed = results().get(Key("missed", *key[1:]))
        yield fabricated(
            folder,
            float(value.value) / 100 + (place % 5 - 2) / 50,
            model=key.model,
            dataset=key.dataset,
            adapter=adapter,
            missed=float(missed.value) / 100 if missed else 0.01,
            tokens=900 + 97 * (place % 7) + (600 if key.trained_on else 0),
            seconds=SIZES[key.model] / 1e9 * 0.2,
            session_names=28 if key.dataset == "marble" else 6,
        )


def miniature(folder: Path) -> Iterator[RunResult]:
    """experiment=miniature, with invented scores."""
    common: dict[str, Any] = {"provenance": SYNTHETIC, "model_id": "embedded:tiny"}
    for home, other in (("simulated_flat", "simulated_house"), ("simulated_house", "simulated_flat")):
        yield fabricated(folder, 0.8, dataset=home, model="tiny_teacher", parameters=1_700_000, **common)
        student = {"dataset": home, "model": "tiny_student", "parameters": 900_000, **common}
        yield fabricated(folder, 0.1, **student)
        for sessions, f1 in ((1, 0.3), (2, 0.45), (4, 0.6), (8, 0.7), (None, 0.75)):
            yield fabricated(folder, f1, adapter=trained(home, sessions, teacher="tiny_teacher"), **student)
        yield fabricated(folder, 0.2, adapter=trained(other, teacher="tiny_teacher"), **student)
