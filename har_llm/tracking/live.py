"""What W&B gets of work while it goes on: of a training, also afterwards from its adapter's manifest, and of generating.

Imports nothing of W&B.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from har_llm.common.errors import MissingError
from har_llm.common.provenance import MANIFEST, Provenance
from har_llm.common.typed_json import UnlikeError, plain
from har_llm.distill.manifest import AdapterOrigin, Steps, TrainingRecord, read_manifest
from har_llm.distill.training_messages import TrainingStep
from har_llm.runs.store import GenerationStore
from har_llm.tracking.content import Content, shortened
from har_llm.tracking.secrets import without_secrets

TRAINING, GENERATING = "training", "generating"
"""Job types."""
TRAINING_SUMMARY = ("windows", "generations", "examples", "epochs", "seconds_of_last_start", "provenance", "uses_gold")


@dataclass(frozen=True)
class GeneratingStep:
    """The generations of a model so far: those of earlier commands, then those of this one as they finish."""

    number: int
    """Of generations that are stored."""
    progress: float
    """Share of those that are wanted."""
    tokens_per_second: float | None
    """Written, of the engine's time."""
    missed: float | None
    """Share of the events that they were asked about, with strict parsing."""
    cut: float
    """Share of generations that did not end by themselves."""
    reasoning_characters: float
    """Mean of a generation."""


@dataclass(frozen=True)
class Training:
    """A training that is finished or under way."""

    name: str
    """Of the adapter's folder."""
    provenance: Provenance
    origin: AdapterOrigin
    steps: Steps
    """Those done so far."""
    record: TrainingRecord | None = None
    """None while it is under way."""


@dataclass(frozen=True)
class Generating:
    """The making of a model's generations, which is under way."""

    id: str
    name: str
    model: str
    revision: str
    engine: str
    datasets: Sequence[str]
    wanted: int
    """Number of generations."""
    provenance: Provenance
    steps: Sequence[GeneratingStep]
    """Of what was stored before."""


@dataclass(frozen=True)
class LiveContent(Content):
    """A W&B run with curves, shown while it goes on.

    Its id comes from what is made: when that is resumed or repeated, it is the same W&B run, from its first step.
    """

    axis: str
    """What the steps count."""
    curves: Sequence[str]
    """What is logged of each step, where it is known."""
    steps: Sequence[TrainingStep] | Sequence[GeneratingStep]
    """Those so far."""


def training_content(training: Training, group: str, tags: Sequence[str]) -> LiveContent:
    origin, record, synthetic = training.origin, training.record, training.provenance
    config = without_secrets(
        {
            **plain(origin),
            **({} if record is None else plain(record)),
            "provenance": synthetic.label,
            "recipe": {**origin.recipe, **({"examples": len(keys)} if (keys := origin.recipe.get("examples")) else {})},
            "run": {"adapter": training.name, "provenance": synthetic.label},
        }
    )
    return LiveContent(
        id=training_id(origin.key),
        name=training.name,
        job_type=TRAINING,
        group=group,
        tags=shortened([origin.dataset, TRAINING, *synthetic.names, *tags]),
        notes="; ".join(synthetic.names),
        config=config,
        summary={key: config[key] for key in TRAINING_SUMMARY if config.get(key) is not None},
        axis="step",
        curves=("loss", "learning_rate", "grad_norm", "epoch"),
        steps=training.steps,
    )


def generating_content(generating: Generating, group: str, tags: Sequence[str]) -> LiveContent:
    synthetic = generating.provenance
    about = {name: plain(getattr(generating, name)) for name in ("model", "revision", "engine", "datasets", "wanted")}
    return LiveContent(
        id=generating.id,
        name=generating.name,
        job_type=GENERATING,
        group=group,
        tags=shortened([*generating.datasets, generating.model, GENERATING, *synthetic.names, *tags]),
        notes="; ".join(synthetic.names),
        config=without_secrets({**about, "run": {"provenance": synthetic.label}}),
        summary={},
        axis="generations",
        curves=("progress", "tokens_per_second", "missed", "cut", "reasoning_characters"),
        steps=generating.steps,
    )


def training_id(key: str) -> str:
    return f"training-{key[:16]}"


def read_training(folder: Path) -> Training:
    """A finished training, from the adapter's manifest. Raises MissingError."""
    try:
        manifest = read_manifest(folder)
    except UnlikeError as error:
        raise MissingError(f"The adapter in {folder} is damaged ({MANIFEST}: {error}).") from None
    if (adapter := manifest.adapter) is None:
        raise MissingError(f"The adapter in {folder} is damaged ({MANIFEST} does not say how it was trained).")
    return Training(folder.name, manifest.provenance, adapter.origin, adapter.steps, adapter.record)


def teachers_generations(folder: Path, training: Training) -> list[dict[str, Any]]:
    """The teacher's generations from which the examples of an adapter in a store's folder were chosen: those that the store
    still has with their texts, the others by their keys alone. Empty without a teacher."""
    teacher, keys = training.origin.teacher, training.origin.recipe.get("examples")
    if teacher is None or not isinstance(keys, list):
        return []
    made_by = {"revision": teacher.revision, "dtype": teacher.dtype, **teacher.further}
    stores = [GenerationStore(folder.parent.parent, {"id": id, **made_by}) for id in (teacher.id, "local")]
    return [{"key": key, **_text(key, stores)} for key in keys if isinstance(key, str)]


def _text(key: str, stores: Sequence[GenerationStore]) -> dict[str, Any]:
    for store in stores:
        for record in store.get_many([key] if key in store else []):
            text: dict[str, Any] = without_secrets({"text": record.text, "finish_reason": record.finish_reason})
            return text
    return {}
