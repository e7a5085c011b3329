"""What all engines share while they generate: what they take (Request), what they give (Generation), and their protocol."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from har_llm.data.records import Message
from har_llm.models.config import ModelConfig, Sampling

FINISH_REASONS = ("stop", "length", "ran_on", "repetition")
"""stop: by itself; length: cut at the most tokens; ran_on: at one of the request's stop strings; repetition: as it repeated
itself."""


class Adapter(NamedTuple):
    """The LoRA weights to use for a request."""

    name: str
    """Short and unique among the adapters of a model; the name under which a server knows it."""
    path: str
    """Folder in PEFT's format; empty for an adapter that only a server has."""


class Decoding(NamedTuple):
    """How tokens are chosen. Engines refuse settings that they cannot follow."""

    sampling: Sampling
    template_options: Mapping[str, Any]
    """Options of the chat template, such as enable_thinking."""
    thinking_token_budget: int | None = None
    """Most tokens of reasoning."""
    repetition_detection: tuple[int, int] | None = None
    """(count, tokens): stop after `count` repetitions in a row of a passage of at most `tokens` tokens."""


class Request(NamedTuple):
    """One generation to be made."""

    key: str
    """The store's key; an engine only hands it back with the generation."""
    messages: tuple[Message, ...]
    seed: int
    """Seeds the sampling of this request alone, so that its generation does not depend on what is batched with it."""
    decoding: Decoding
    adapter: Adapter | None = None
    schema: Mapping[str, Any] | None = None
    """JSON schema of the answer, which follows the reasoning."""
    pattern: str | None = None
    """The same as a regular expression, for engines that take one; it also fixes the spaces."""
    grammar: str | None = None
    """The same as a grammar in llama.cpp's notation (GBNF)."""
    stop: tuple[str, ...] = ()
    """Texts before which the generation ends, because it has run on past what was asked. An engine that cannot do this may
    let it go on."""


class Generation(NamedTuple):
    """What a model returned for a request."""

    key: str
    text: str
    """Without the end-of-turn token; the marks of its reasoning, such as <think> and </think>, are kept."""
    finish_reason: str
    """One of FINISH_REASONS."""
    prompt_tokens: int
    completion_tokens: int
    seconds: float
    """The engine's time, divided among the generations made at once, also by copies of the engine side by side: the sum over
    all is the time that they took together, by a clock on the wall."""
    cached_tokens: int = 0
    """Prompt tokens that were not computed again, because another prompt began with them."""
    served_by: str | None = None
    """The name of the model that answered, if a server says it."""


@dataclass(frozen=True)
class LoadedModel:
    """A model whose files are on this machine."""

    path: str
    """Folder with config.json, the tokenizer and safetensors, or for llama.cpp a GGUF file; empty for an engine that needs
    none."""
    served_name: str
    """Its name on a server."""
    dtype: str
    context: int | None
    """Most tokens of a prompt and its generation together; None = as the model's own configuration says."""
    trust_remote_code: bool
    reasoning_marks: Sequence[str] | None = None
    """What opens and closes its reasoning, if it has marks of its own."""

    @classmethod
    def of(cls, model: ModelConfig, path: str) -> LoadedModel:
        """The files in `path`, as the model's config says that they are to be used."""
        return cls(path, model.id, model.dtype, model.context, model.trust_remote_code, model.reasoning_marks)


class Engine(Protocol):
    def generate(self, requests: Sequence[Request]) -> Iterator[Generation]:
        """Every request's generation, each as soon as it is finished, in any order. Raises EngineError."""
        ...

    def close(self) -> None:
        """Free all memory. May be called twice."""
        ...
