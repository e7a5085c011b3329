"""What the settings of all engines share. Light: they are read with every config, long before an engine is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from har_llm.common.hardware import available_memory


class EngineConfig(Protocol):
    """An engine's settings, as conf/engine writes them. They import no library: the engine's class does, in the worker."""

    engine_name: ClassVar[str]
    """Its name in records, tables and messages."""
    engine_class: ClassVar[str]
    """The engine's class, as a string: package.module.Class. It is called with these settings and a LoadedModel."""
    synthetic: ClassVar[bool]
    """Whether its answers come from no real model, whatever model is chosen."""

    def check(self) -> None: ...

    def chosen(self) -> tuple[EngineConfig, str]:
        """The engine that runs here, and why it was chosen: itself and an empty string, except for engine=auto."""
        ...

    def identity(self) -> dict[str, Any]:
        """The settings that are meant to change generations; empty for an engine that only runs the model."""
        ...

    def follows(self) -> Sequence[str]:
        """The settings of conf/decoding, beyond samples, that this engine can follow."""
        ...

    def needs_model(self) -> bool:
        """Whether the model's files are needed here, and its weights loaded into this machine's memory."""
        ...

    def about(self) -> dict[str, Any]:
        """What is recorded of this engine beyond its name, versions and hardware, as JSON values; nothing secret."""
        ...

    def weights_share(self) -> float:
        """How large the weights are once loaded, as a share of what model.dtype says; below 1 when they are quantised."""
        ...

    def memory(self) -> tuple[str, float]:
        """Where the model would be loaded, in words, and the free bytes there."""
        ...

    def replicas(self, weight_bytes: float | None) -> Sequence[Mapping[str, str]]:
        """The environment of each worker process; several of them share the requests."""
        ...


@dataclass(kw_only=True)
class SingleWorker:
    """The defaults of an engine: it runs in one process, changes no generation and follows no setting of conf/decoding."""

    engine_name: ClassVar[str]
    engine_class: ClassVar[str]
    synthetic: ClassVar[bool] = False

    def check(self) -> None:
        """By default, every value of the right type is allowed."""

    def chosen(self) -> tuple[Any, str]:
        return self, ""

    def identity(self) -> dict[str, Any]:
        return {}

    def follows(self) -> Sequence[str]:
        return ()

    def needs_model(self) -> bool:
        return True

    def about(self) -> dict[str, Any]:
        return {}

    def weights_share(self) -> float:
        return 1.0

    def memory(self) -> tuple[str, float]:
        return available_memory()

    def replicas(self, weight_bytes: float | None) -> Sequence[Mapping[str, str]]:
        return [{}]
