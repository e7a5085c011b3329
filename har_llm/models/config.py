"""What a model is, as conf/model writes it; imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from har_llm.common.checks import check_name, require
from har_llm.common.errors import ConfigError
from har_llm.common.extra_args import check_plain
from har_llm.models.reasoning import Marks, marks_of

DTYPES = {"float32": 4, "bfloat16": 2, "float16": 2}
"""Number formats that a model may be loaded in, with their size in bytes."""
EMBEDDED_PREFIX = "embedded:"
PROMPT_DATE = date(2024, 7, 26)
"""The date of every prompt whose chat template writes one, so that a prompt is the same on every day. Llama 3's own template
has this one where it is told none."""
OWN_OPTIONS = ("enable_thinking", "date_string")
"""The options of chat templates that har_llm gives to every template."""
FILES_PREFIX = "files-"
"""Marks a revision that is a digest of files."""


@dataclass(kw_only=True)
class Sampling:
    """How the next token is drawn. temperature 0 takes the most probable one (greedy).

    The defaults are what Qwen3's authors recommend for reasoning; with greedy decoding these models repeat themselves.
    """

    temperature: float = 0.6
    top_p: float = 0.95
    top_k: int = 20
    """0 for no limit."""
    min_p: float = 0.0
    max_new_tokens: int = 32768

    def check(self) -> None:
        for name, low, high in (("temperature", 0.0, 2.0), ("top_p", 0.0, 1.0), ("min_p", 0.0, 1.0)):
            value = getattr(self, name)
            if not low <= value <= high or (name == "top_p" and value == 0):
                raise ConfigError(f"model.sampling.{name} is {value}; it must be from {low} to {high}.")
        if self.top_k < 0:
            raise ConfigError(f"model.sampling.top_k is {self.top_k}; it must be 0 (no limit) or more.")
        if self.max_new_tokens < 1:
            raise ConfigError(f"model.sampling.max_new_tokens is {self.max_new_tokens}; it must be at least 1.")

    @property
    def greedy(self) -> bool:
        return self.temperature == 0

    def identity(self) -> dict[str, Any]:
        """The settings that can change a generation: with temperature 0, only the limit."""
        if self.greedy:
            return {"temperature": 0.0, "max_new_tokens": self.max_new_tokens}
        return {name: getattr(self, name) for name in ("temperature", "top_p", "top_k", "min_p", "max_new_tokens")}


@dataclass(kw_only=True)
class ModelConfig:
    """A language model on the Hugging Face hub, in a local folder, or embedded in this package."""

    name: str
    id: str
    """Hub id (Qwen/Qwen3-0.6B), folder, or embedded:<name>."""
    revision: str = "main"
    """Branch, tag or commit on the hub; the commit that it stood for is recorded with every generation."""
    dtype: str = "bfloat16"
    thinking: bool = True
    """Ask the chat template for reasoning."""
    reasoning_marks: list[str] | None = None
    """The texts that open and close the model's reasoning, as in ["<scratch>","</scratch>"]; null = those of the models that
    are published, such as <think> and </think>."""
    prompt: str | None = None
    """The prompt that prompt=auto takes for this model; null = by `thinking`."""
    chat_template_kwargs: dict[str, Any] = field(default_factory=dict)
    """Further options of the chat template, by the names that it reads, as in {reasoning_effort: low}."""
    context: int | None = None
    """Most tokens of a prompt and its generation together; null = as the model's own configuration says."""
    parameters: int | None = None
    """Number of weights, for the memory estimate before anything is downloaded; null = read from the files."""
    embeddings: int | None = None
    """Number of weights in the embeddings and the head, for the same estimate; null = read from the files."""
    cache_values: int | None = None
    """Number of values that the key-value cache keeps for a token, for the same estimate; null = read from the files."""
    sampling: Sampling = field(default_factory=Sampling)
    trust_remote_code: bool = False
    """Run Python code that comes with the model. Only for models whose authors you trust."""
    synthetic: bool = False
    """True for models trained on simulated data only; results made with them are labelled as synthetic."""

    def check(self) -> None:
        check_name("model.name", self.name)
        if not self.id.strip():
            raise ConfigError("model.id is empty; set it to a hub id such as Qwen/Qwen3-0.6B, or to a model's folder.")
        require("model.dtype", self.dtype, DTYPES)
        for name in ("context", "parameters", "embeddings", "cache_values"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ConfigError(f"model.{name} is {value}; it must be at least 1, or null.")
        marks = self.reasoning_marks
        if marks is not None and (len(marks) != 2 or not all(mark.strip() for mark in marks) or marks[0] == marks[1]):
            raise ConfigError(
                f"model.reasoning_marks is {marks}; it must be null, or two different texts, as in "
                """'model.reasoning_marks=["<scratch>","</scratch>"]'."""
            )
        for name in self.chat_template_kwargs.keys() & {*OWN_OPTIONS}:
            instead = "set model.thinking" if name == "enable_thinking" else "one date stands in every prompt"
            raise ConfigError(f"model.chat_template_kwargs.{name} is an option that har_llm sets itself: {instead}.")
        check_plain(self.chat_template_kwargs, "model.chat_template_kwargs")
        self.sampling.check()

    @property
    def marks(self) -> Marks:
        """The marks that are recognised in its generations."""
        return marks_of(self.reasoning_marks)

    def template_options(self) -> dict[str, Any]:
        """Options of the chat template, which change the prompt."""
        own = (self.thinking, PROMPT_DATE.strftime("%d %b %Y"))
        return {**self.chat_template_kwargs, **dict(zip(OWN_OPTIONS, own, strict=True))}
