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
    done: int = 0
    """Steps of the checkpoint from which it resumes; 0 for the start."""
    note: str | None = None
    """Why it does not resume from its last checkpoint, in words; None if it does, or has none."""


@dataclass(frozen=True)
class TrainingStep:
    """A step is done."""

    number: int
    """From 1."""
    loss: float
    learning_rate: float | None = None
    grad_norm: float | None = None
    epoch: float | None = None


TrainingMessage = LongExamples | TrainingStart | TrainingStep
Tell = Callable[[TrainingMessage], None]
MESSAGES: tuple[type[TrainingMessage], ...] = (LongExamples, TrainingStart, TrainingStep)
