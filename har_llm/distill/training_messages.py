"""What a training process says while it trains, as types and as the JSON messages that it sends."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from har_llm.common.typed_json import plain, typed


@dataclass(frozen=True)
class LongExamples:
    """Examples that are too long to be trained on. The first message, if there are some."""

    found: tuple[tuple[int, int], ...]
    """The place among the examples, and the number of tokens, of each."""
    longest: int
    """Most tokens of an example."""
    can_read_more: bool
    """Whether the student's context allows longer ones."""


@dataclass(frozen=True)
class TrainingStart:
    """What is trained. The last message before the steps."""

    trainable_parameters: int
    parameters: int
    tokens: int
    """Of all examples."""
    optimizer: str
    restarts: str | None = None
    """Why the training cannot resume from its checkpoints, in words; None if it can, or has none."""


@dataclass(frozen=True)
class TrainingStep:
    """A step is done."""

    number: int
    """From 1."""
    loss: float


TrainingMessage = LongExamples | TrainingStart | TrainingStep
Tell = Callable[[TrainingMessage], None]
_KINDS: dict[str, type[TrainingMessage]] = {kind.__name__: kind for kind in (LongExamples, TrainingStart, TrainingStep)}


def to_json(message: TrainingMessage) -> dict[str, Any]:
    return {"kind": type(message).__name__, "content": plain(message)}


def from_json(values: Mapping[str, Any]) -> TrainingMessage:
    return typed(_KINDS[values["kind"]], values["content"])
