"""The manifest in the folder of an adapter or of a merged model, which says how har_llm made it: its types; writes and reads
it.

Its `provenance` alone, which every run with the model needs, is also read by `common.provenance.recorded`.
"""

from __future__ import annotations

import json
import reprlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from annotated_types import Gt, MinLen

from har_llm.common.provenance import MANIFEST, Provenance
from har_llm.common.typed_json import AnyText, UnlikeError, plain, read_json, typed
from har_llm.distill.training_config import TrainingSettings
from har_llm.distill.training_messages import TrainingStep
from har_llm.models.adapters import adapter_digest

FORMAT = 6
"""To be raised when the content of a manifest changes; a manifest of another format is not read."""
Steps = Sequence[TrainingStep]
"""Those of a training, in their order."""


@dataclass(frozen=True)
class Teacher:
    id: str
    """Hub id, or another name that can be published."""
    revision: str
    dtype: str
    engines: Sequence[str]
    """Those that made its generations."""
    further: Mapping[str, Any]
    """What else its generations depend on, such as settings of the engine."""


@dataclass(frozen=True)
class AdapterOrigin:
    """What an adapter is made of. It is known before the training."""

    key: str
    """The digest of the recipe."""
    student: str
    student_revision: str
    dtype: str
    """Of the student."""
    teacher: Teacher | None
    """None for examples without a teacher."""
    method: str
    """lora.examples.method."""
    prompt: str
    """The name of the prompt that the examples answer."""
    dataset: AnyText
    """Whose training part the examples are about; or the file that they come from, by its name without a folder."""
    null_class: str | None
    """dataset.null_class; None for a file."""
    sessions: Sequence[AnyText]
    """Their names; empty for a file."""
    windows: int | None
    """Of these sessions; None for a file."""
    generations: int
    """Number of all: generations of the teacher, windows with gold answers, or rows of a file."""
    examples: int
    left_out: Mapping[str, int]
    """Number of those left out, by reason."""
    uses_gold: bool | None
    """Whether gold activities were used for the examples or to choose them or their events; None if nobody knows."""
    training: TrainingSettings
    epochs: float
    epochs_begun: int
    recipe: Mapping[str, Any]
    """Everything that can change the adapter, with the key of every generation."""
    home: str | None = None
    """A digest of the home of these sessions; None for a file, and where an earlier version did not note it."""
    recorded: Sequence[str] = ()
    """A digest of what happened in each of these sessions, as above."""


@dataclass(frozen=True)
class TrainingRecord:
    """How a training went."""

    trainable_parameters: int
    parameters: Annotated[int, Gt(0)]
    tokens: int
    """Of all examples."""
    optimizer: str
    trainer: str
    seconds_of_last_start: float
    """A training that was killed has several starts."""
    versions: Mapping[str, str]
    hardware: str


@dataclass(frozen=True)
class TrainedAdapter:
    origin: AdapterOrigin
    record: TrainingRecord
    steps: Annotated[Steps, MinLen(1)]
    weights: str
    """Digest of the weights."""


@dataclass(frozen=True)
class MergedModel:
    """An adapter merged into its base model."""

    base: str
    base_revision: str
    adapter: str
    adapter_revision: str
    dtype: str
    prompt: str
    """The name of the prompt that the student was asked with."""
    thinking: bool
    reasoning_marks: Sequence[AnyText] | None
    chat_template_kwargs: Mapping[str, Any]
    sampling: Mapping[str, Any]


@dataclass(frozen=True)
class Manifest:
    provenance: Provenance
    """What is synthetic about the adapter or the model in this folder."""
    adapter: TrainedAdapter | None = None
    """None for an adapter that was made elsewhere."""
    merged: MergedModel | None = None
    """None in the folder of an adapter."""
    format: int = FORMAT


def write_manifest(folder: Path, manifest: Manifest) -> None:
    (folder / MANIFEST).write_text(json.dumps(plain(manifest), indent=1) + "\n", encoding="utf-8")


def read_manifest(folder: Path) -> Manifest:
    """Raises UnlikeError if there is none, or it is not as this version of har_llm writes it."""
    try:
        content = read_json(folder / MANIFEST)
    except OSError as error:
        raise UnlikeError(str(error)) from None
    found = content.get("format") if isinstance(content, dict) else None
    if found != FORMAT:
        raise UnlikeError(f"its format is {reprlib.repr(found)}, and this version of har_llm reads {FORMAT}")
    return typed(Manifest, content)


def manifest_beside(folder: Path) -> Manifest | None:
    """The manifest beside an adapter's weights; None if there is none, or it describes other weights.

    Raises UnlikeError if it describes these weights, but is not as this version of har_llm writes it.
    """
    try:
        weights = read_json(folder / MANIFEST)["adapter"]["weights"]
    except (OSError, ValueError, LookupError, TypeError):
        return None
    return read_manifest(folder) if weights == adapter_digest(folder) else None


def known_manifest(folder: Path) -> Manifest | None:
    """As manifest_beside; None also for one that this version of har_llm cannot read."""
    with suppress(OSError, UnlikeError):
        return manifest_beside(folder)
    return None


def merged_manifest(folder: Path) -> Manifest | None:
    """The manifest of a merged model; None in the folder of any other model.

    Raises UnlikeError if it describes a merged model, but is not as this version of har_llm writes it.
    """
    try:
        merged = read_json(folder / MANIFEST)["merged"]
    except (OSError, ValueError, LookupError, TypeError):
        return None
    return None if merged is None else read_manifest(folder)
