"""What a report needs to know of one run, taken from its directory. The directory may come from anywhere: untrusted."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from har_llm.config import NO_RESULT
from har_llm.runs.result import RunResult, understood
from har_llm.scoring.metrics import METRICS

CANDIDATES = tuple(name for name in METRICS if name.startswith("f1_"))
"""The scores that the paper's "F1" may be."""
NO_EXPERIMENT = (*NO_RESULT, "seed", "limit", "metrics", "engine")
"""Settings that make no other experiment: they change no result, or are facts of their own."""
NO_VARIANT = (
    *("dataset.folder", "model.parameters", "model.revision", "decoding.name"),
    *("lora.name", "lora.train_sessions", "lora.source", "lora.window._target_"),
)
"""The same, further down: where files are, and what RunFacts has fields for."""


@dataclass(frozen=True)
class Taught:
    """Who taught a student on what."""

    teacher: str
    dataset: str
    sessions: int
    windows: int
    uses_gold: bool
    everything: bool
    """Whether on all sessions of that dataset's training part."""


@dataclass(frozen=True)
class Score:
    """A score as a fraction."""

    mean: float
    session_std: float | None
    """How sessions differ within a run; None for a single session."""
    interval: tuple[float, float] | None
    """Where the mean over sessions lies with 95 % confidence."""


@dataclass(frozen=True)
class RunFacts:
    folder: Path
    digest: str
    """Of everything that can change the results; two runs with the same one are the same run."""
    provenance: str | None
    """What is synthetic about it."""
    limit: int | None
    """Of a partial run, its first windows."""
    dataset: str
    part: str
    model: str
    model_id: str
    parameters: int | None
    taught: Taught | None
    adapter: str | None
    """What an adapter that was not taught here is called, with its revision."""
    decoding: str
    samples: int
    seed: int
    sessions: tuple[str, ...]
    windows: int
    events: int
    scores: Mapping[str, Score | None]
    scores_without_null: Mapping[str, Score | None] | None
    """None where the home has no null class, or leaves it unscored anyway."""
    engines: tuple[str, ...]
    """What wrote the texts: engine, version, hardware."""
    weights: Mapping[str, str]
    """Which weights exactly, and how coarsely they are rounded: id, revision, dtype and the like."""
    texts: int
    prompt_tokens: int
    completion_tokens: int
    seconds: float
    versions: Mapping[str, str]
    """Of the parsing of answers and of the scores."""
    config: Mapping[str, str]
    """The settings that make the experiment, flat."""

    def per_event(self, amount: float) -> float | None:
        """What an answer costs, however long windows are, however far they overlap and however many texts each has.

        Equal prompts share a text, which was paid for once.
        """
        return amount / self.texts * self.samples * self.windows / self.events if self.texts and self.events else None


def facts_of(result: RunResult, parsing: str) -> RunFacts:
    """Raises MissingError for a directory whose files do not hold what a run's hold."""
    with understood(result.folder):
        return _facts(result, parsing)


def _facts(result: RunResult, parsing: str) -> RunFacts:
    metrics, environment = result.metrics, result.environment
    scores = metrics[parsing]
    adapter = metrics["adapter"]
    taught = None if adapter is None or "taught" not in adapter else _taught(adapter["taught"], result)
    ready = None if adapter is None or taught is not None else f"{adapter['label']} ({adapter.get('revision')})"
    without = scores.get("without_null_class") if not scores.get("unscored_events") else None
    config = read_config(result.folder)
    return RunFacts(
        folder=result.folder,
        digest=result.folder.name.rpartition("-")[2],
        provenance=None if metrics["provenance"] is None else str(metrics["provenance"]),
        limit=metrics["limit"] if metrics["partial"] else None,
        dataset=str(metrics["dataset"]),
        part=str(metrics["part"]),
        model=str(metrics["model"]),
        model_id=str(metrics["model_id"]),
        parameters=None if metrics["parameters"] is None else int(metrics["parameters"]),
        taught=taught,
        adapter=ready,
        decoding=str(metrics["decoding"]),
        samples=int(metrics["samples"]),
        seed=int(metrics["seed"]),
        sessions=tuple(sorted(scores["all"]["sessions"])),
        windows=int(metrics["windows"]),
        events=int(metrics["events"]),
        scores=_scores(scores["all"]["mean"]),
        scores_without_null=None if without is None else _scores(without["mean"]),
        engines=tuple(sorted({_engine(about) for about in environment["generated_by"]})),
        weights=_flat({key: value for key, value in environment["model"].items() if key != "adapter"}, ""),
        texts=sum(int(count) for count in environment["finish_reasons"].values()),
        prompt_tokens=int(environment["prompt_tokens"]),
        completion_tokens=int(environment["completion_tokens"]),
        seconds=float(environment["engine_seconds"]),
        versions=_flat(metrics["versions"], ""),
        config={
            key: value for key, value in config.items() if adapter is not None or key.partition(".")[0] != "lora"
        },  # of a student as it is, lora says nothing
    )


def _taught(content: Mapping[str, Any], result: RunResult) -> Taught:
    """A student taught on its own dataset's first N sessions was taught on all of them where there are no more."""
    own = content["dataset"] == result.metrics["dataset"]
    there = result.data["parts"]["train"]["sessions"] if own else None
    return Taught(
        teacher=str(content["teacher"]),
        dataset=str(content["dataset"]),
        sessions=int(content["sessions"]),
        windows=int(content["windows"]),
        uses_gold=bool(content["uses_gold"]),
        everything=bool(content["all_sessions"]) or content["sessions"] == there,
    )


def _scores(means: Mapping[str, Any]) -> dict[str, Score | None]:
    return {name: _score(means[name]) for name in METRICS}


def _score(content: Mapping[str, Any]) -> Score | None:
    if content["mean"] is None:
        return None
    spread, interval = content["std"], content["ci95"]
    return Score(
        float(content["mean"]),
        None if spread is None else float(spread),
        None if interval is None else (float(interval[0]), float(interval[1])),
    )


def _engine(about: Mapping[str, Any]) -> str:
    """ "vLLM 0.32.0 on 1 x NVIDIA H100"."""
    name = str(about["engine"]).removesuffix("Engine").replace("Vllm", "vLLM")
    versions = about.get("versions") or {}
    version = next((f" {versions[key]}" for key in (name.lower(), f"{name.lower()}-cpu") if key in versions), "")
    return f"{name}{version} on {about.get('hardware') or 'hardware unknown'}"


def read_config(folder: Path) -> dict[str, str]:
    """The settings that make a run's experiment, flat: "window.events" -> "10". Empty where there is no config.yaml.

    Without those that are null: a run made before such a setting existed is the same experiment.
    Nothing in it is resolved or imported: it may be anybody's.
    """
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException
    from yaml import YAMLError  # type: ignore[import-untyped]

    path = folder / "config.yaml"
    if not path.is_file():
        return {}
    try:
        content = OmegaConf.to_container(OmegaConf.load(path), resolve=False)
    except (OSError, YAMLError, OmegaConfBaseException) as error:
        raise ValueError(f"config.yaml cannot be read: {str(error).splitlines()[0]}") from None
    if not isinstance(content, dict):
        raise ValueError("config.yaml holds no settings")
    flat = _flat({str(key): value for key, value in content.items() if str(key) not in NO_EXPERIMENT}, "")
    return {key: value for key, value in flat.items() if not _under(key, NO_VARIANT)}


def _under(key: str, names: Sequence[str]) -> bool:
    return any(key == name or key.startswith(f"{name}.") for name in names)


def _flat(content: Mapping[Any, Any], where: str) -> dict[str, str]:
    flat: dict[str, str] = {}
    for key, value in content.items():
        name = f"{where}{key}"
        if isinstance(value, dict) and value:
            flat |= _flat(value, f"{name}.")
        elif value is not None:
            flat[name] = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
    return flat
