"""What every engine has in common: what goes in, what comes out, and the protocol in between."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from har_llm.models import Sampling
from har_llm.records import Message

FINISH_REASONS = ("stop", "length", "repetition")


class Request(NamedTuple):
    """One text to be generated."""

    key: str
    """The store's key; an engine hands it back and makes nothing of it."""
    messages: tuple[Message, ...]
    seed: int
    """Seeds the sampling of this request alone, so that its text does not depend on what is batched with it."""


class Generation(NamedTuple):
    """What a model returned for a request."""

    key: str
    text: str
    """Without the end-of-turn token; reasoning marks such as <think> are kept."""
    finish_reason: str
    """One of FINISH_REASONS."""
    prompt_tokens: int
    completion_tokens: int
    seconds: float
    """Time of the batch it was made in."""


@dataclass(frozen=True)
class LoadedModel:
    """A model whose files are at hand."""

    path: str
    """Folder with config.json, the tokenizer and safetensors."""
    dtype: str
    sampling: Sampling
    template_options: dict[str, bool]
    context: int | None
    trust_remote_code: bool


class Engine(Protocol):
    def generate(self, requests: Sequence[Request]) -> Iterator[Generation]:
        """Every request's generation, each as soon as it is finished, in any order. Raises EngineError."""
        ...

    def close(self) -> None:
        """Give back all memory. May be called twice."""
        ...


class EngineConfig(Protocol):
    """An engine's settings, as conf/engine writes them. `open` runs in the worker process, and only there."""

    def check(self) -> None: ...

    def identity(self) -> dict[str, Any]:
        """What of this engine is meant to change texts; empty for an engine that only runs the model."""
        ...

    def needs_model(self) -> bool:
        """Whether the model's files are needed here, and its weights loaded into this machine's memory."""
        ...

    def open(self, model: LoadedModel) -> Engine: ...
