"""What a report needs to know of one run, taken from its directory. The directory may come from anywhere: untrusted."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from har_llm.config import NO_RESULT
from har_llm.runs.directory import RunResult
from har_llm.runs.result import Distillation, GeneratedBy
from har_llm.scoring.metrics import METRICS, SessionMean

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
    metrics, environment = result.metrics, result.environment
    scores = metrics.parsed(parsing)
    adapter = metrics.adapter
    taught = None if adapter is None or adapter.distillation is None else _taught(adapter.distillation, result)
    ready = None if adapter is None or taught is not None else f"{adapter.label} ({adapter.revision})"
    without = None if scores.unscored_events else scores.without_null_class
    config = flat_config(result.config)
    return RunFacts(
        folder=result.folder,
        digest=result.digest,
        provenance=metrics.provenance,
        limit=metrics.limit if metrics.partial else None,
        dataset=metrics.dataset,
        part=metrics.part,
        model=metrics.model,
        model_id=metrics.model_id,
        parameters=metrics.parameters,
        taught=taught,
        adapter=ready,
        decoding=metrics.decoding,
        samples=metrics.samples,
        seed=metrics.seed,
        sessions=tuple(sorted(scores.all.sessions)),
        windows=metrics.windows,
        events=metrics.events,
        scores=_scores(scores.all.mean),
        scores_without_null=None if without is None else _scores(without.mean),
        engines=tuple(sorted({_engine(one) for one in environment.generated_by})),
        weights=_flat({key: value for key, value in environment.model.items() if key != "adapter"}, ""),
        texts=sum(environment.finish_reasons.values()),
        prompt_tokens=environment.prompt_tokens,
        completion_tokens=environment.completion_tokens,
        seconds=environment.engine_seconds,
        versions={name: str(version) for name, version in vars(metrics.versions).items()},
        config={
            key: value for key, value in config.items() if adapter is not None or key.partition(".")[0] != "lora"
        },  # of a student as it is, lora says nothing
    )


def _taught(distillation: Distillation, result: RunResult) -> Taught:
    """A student distilled on its own dataset's first N sessions was so on all of them where there are no more."""
    own = distillation.dataset == result.metrics.dataset
    there = result.data.description["parts"]["train"]["sessions"] if own else None
    return Taught(
        teacher=distillation.teacher,
        dataset=distillation.dataset,
        sessions=distillation.sessions,
        windows=distillation.windows,
        uses_gold=distillation.uses_gold,
        everything=distillation.all_sessions or distillation.sessions == there,
    )


def _scores(means: Mapping[str, SessionMean]) -> dict[str, Score | None]:
    return {name: _score(means[name]) for name in METRICS}


def _score(content: SessionMean) -> Score | None:
    return None if content.mean is None else Score(content.mean, content.std, content.ci95)


def _engine(made_by: GeneratedBy) -> str:
    """ "vLLM 0.32.0 on 1 x NVIDIA H100"."""
    name = made_by.engine.removesuffix("Engine").replace("Vllm", "vLLM")
    versions = made_by.versions
    version = next((f" {versions[key]}" for key in (name.lower(), f"{name.lower()}-cpu") if key in versions), "")
    return f"{name}{version} on {made_by.hardware or 'hardware unknown'}"


def flat_config(config: Mapping[str, Any]) -> dict[str, str]:
    """The settings that make a run's experiment, flat: "window.events" -> "10".

    Without those that are null: a run made before such a setting existed is the same experiment.
    """
    flat = _flat({key: value for key, value in config.items() if key not in NO_EXPERIMENT}, "")
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
