"""What the settings of all engines share. Light: they are read with every config, long before an engine is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from har_llm.common.hardware import Gpu, available_memory
from har_llm.engines.layout import Layout
from har_llm.models import resolve
from har_llm.models.footprint import Footprint
from har_llm.models.resolve import ResolvedModel


@dataclass(kw_only=True)
class EngineConfig:
    """An engine's settings, as conf/engine writes them. They import no library: the engine's class does, in the worker.

    As it is: an engine that runs in one process, changes no generation and follows no setting of conf/decoding.
    """

    engine_name: ClassVar[str]
    """Its name in records, tables and messages."""
    engine_class: ClassVar[str]
    """The engine's class, as a string: package.module.Class. It is called with these settings and a LoadedModel."""
    takes_adapters: ClassVar[bool] = True
    """Whether it loads LoRA adapters beside a model."""
    synthetic: ClassVar[bool] = False
    """Whether its answers come from no real model, whatever model is chosen."""

    def check(self) -> None:
        """Raise ConfigError for values that are not allowed; by default, all of the right type are."""

    def chosen(self) -> tuple[EngineConfig, str]:
        """The engine that runs here, and why it was chosen: itself and an empty string, except for engine=auto."""
        return self, ""

    def identity(self) -> dict[str, Any]:
        """The settings that are meant to change generations; empty for an engine that only runs the model."""
        return {}

    def follows(self) -> Sequence[str]:
        """The settings of conf/decoding, beyond samples, that this engine can follow."""
        return ()

    def needs_model(self) -> bool:
        """Whether the model's files are needed here, and its weights loaded into this machine's memory."""
        return True

    def check_model(self, model: ResolvedModel) -> None:
        """Raise ConfigError or MissingError for a model whose files it cannot load; by default, a GGUF file in parts."""
        resolve.check_joined(model)

    def model_path(self, model: ResolvedModel) -> Path:
        """What it loads of a model, downloaded or made first if need be. Raises MissingError, EngineError."""
        return resolve.fetch(model)

    def about(self) -> dict[str, Any]:
        """What is recorded of this engine beyond its name, versions and hardware, as JSON values; nothing secret."""
        return {}

    def loaded_bytes(self, size: Footprint) -> float:
        """Bytes of the weights once they are loaded: fewer than in the files where they are quantised on loading."""
        return size.weights

    def beside_weights(self, requests: int, cache: float) -> float:
        """Bytes that it takes on a CPU beside the weights: its libraries, and the key-value cache.

        `cache`: bytes for one of the requests, its prompt and its generation.
        """
        return 0.0

    def devices(self) -> Sequence[Gpu]:
        """The GPUs that it may use; none for an engine on a CPU, or elsewhere."""
        return ()

    def memory(self) -> tuple[str, float]:
        """Where the model would be loaded, in words, and the free bytes there."""
        return available_memory()

    def layout(self, size: Footprint | None, tokens: int) -> Layout | None:
        """How the model is spread over GPUs; None where it is not. `tokens`: of the longest prompt and its generation."""
        return None

    def replicas(self, size: Footprint | None, tokens: int) -> Sequence[Mapping[str, str]]:
        """The environment of each worker process; several of them share the requests."""
        return [{}]

    def check_reachable(self) -> None:
        """Raise EngineError if what it needs on other machines does not answer. Asked once, before anything is made."""
