"""What a training process says while it trains."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


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
MESSAGES: tuple[type[TrainingMessage], ...] = (LongExamples, TrainingStart, TrainingStep)
