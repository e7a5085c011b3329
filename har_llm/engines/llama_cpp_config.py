"""llama.cpp on a GGUF file, for small machines without a GPU: the settings.

The file is used as it is, with quantised weights as they are stored; `engine=transformers` and `vllm` turn it into weights
of 16 or 32 bits first.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from har_llm.common.errors import ConfigError, MissingError
from har_llm.common.extra_args import check_plain, extra_identity
from har_llm.common.extras import installed_by
from har_llm.engines.config import EngineConfig
from har_llm.models.footprint import Footprint
from har_llm.models.resolve import ResolvedModel

LIBRARIES = 0.15e9
"""Bytes that llama.cpp and Python take in a process."""
AS_IN_FILE = "as in the GGUF file"
"""The number format of the weights, in the keys of generations."""
AT_LEAST_1 = ("n_threads", "n_batch", "max_ngram_size")


@dataclass(kw_only=True)
class LlamaCppEngineConfig(EngineConfig):
    engine_name: ClassVar[str] = "llama.cpp"
    engine_class: ClassVar[str] = "har_llm.engines.llama_cpp_engine.LlamaCppEngine"
    takes_adapters: ClassVar[bool] = False

    n_threads: int | None = None
    """Threads; null = as many as this process may use cores."""
    n_batch: int = 512
    """Most tokens of a prompt that are computed at once."""
    cache_prompt: bool = True
    """Whether what a prompt has in common with the one before is not computed again. false shows what that saves."""
    n_gpu_layers: int = 0
    """Layers on a GPU, for a llama-cpp-python that is built for one; -1 = all."""
    num_pred_tokens: int = 0
    """Tokens that are guessed from what has been said before, and checked at once (prompt lookup): the same text, and faster
    where answers repeat their prompt. 0 = none."""
    max_ngram_size: int = 3
    """Most tokens before a guess that are looked for in what has been said; numbers count as equal."""
    extra_args: dict[str, Any] = field(default_factory=dict)
    """Further arguments of llama_cpp.Llama, such as flash_attn."""

    def check(self) -> None:
        for name in AT_LEAST_1:
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ConfigError(f"engine.{name} is {value}; it must be at least 1.")
        if self.num_pred_tokens < 0:
            raise ConfigError(f"engine.num_pred_tokens is {self.num_pred_tokens}; it must be 0 (none) or more.")
        if self.n_gpu_layers < -1:
            raise ConfigError(f"engine.n_gpu_layers is {self.n_gpu_layers}; it must be -1 (all), 0 or more.")
        check_plain(self.extra_args, "engine.extra_args")

    def identity(self) -> dict[str, Any]:
        """Its arithmetic with quantised weights gives other texts than that with the same weights in 16 or 32 bits."""
        return {"weights": AS_IN_FILE, **extra_identity(self.extra_args)}

    def follows(self) -> Sequence[str]:
        return ("structured",)

    def loaded_bytes(self, size: Footprint) -> float:
        return size.weights if size.file is None else size.file

    def beside_weights(self, requests: int, cache: float) -> float:
        """One generation at a time."""
        return LIBRARIES + cache

    def check_model(self, model: ResolvedModel) -> None:
        if model.gguf is None:
            raise ConfigError(
                f"engine=llama_cpp takes GGUF files, and model.id is {model.config.id!r}; write one with task=export "
                f"export.format=gguf export.path=FILE.gguf, then take it with model=custom model.id=FILE.gguf."
            )

    def model_path(self, model: ResolvedModel) -> Path:
        self.check_model(model)
        assert model.gguf is not None
        return model.gguf

    def replicas(self, size: Footprint | None, tokens: int) -> Sequence[Mapping[str, str]]:
        """Raises MissingError where llama-cpp-python is not installed."""
        if importlib.util.find_spec("llama_cpp") is None:
            raise MissingError(
                "engine=llama_cpp needs the package llama-cpp-python, which is not installed here; install it with "
                f"{installed_by('gateway')} (it is built from its source, with a C++ compiler and CMake, in minutes)."
            )
        return [{}]
