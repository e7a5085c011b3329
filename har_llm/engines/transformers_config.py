"""Hugging Face Transformers, on a CPU or one GPU: batches padded on the left, with a key-value cache.

The batch is limited by the memory that is free after loading, and halved if memory runs out nevertheless. Generations do not
depend on the batch: every row has a random generator of its own, seeded by its request.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from har_llm.common.checks import require
from har_llm.common.errors import ConfigError, MissingError
from har_llm.common.extra_args import check_plain, extra_identity
from har_llm.common.hardware import Gpu, free_memory, gpus, has_gpu, roomiest, shows_only
from har_llm.engines.config import EngineConfig
from har_llm.models.footprint import Footprint

DEVICES = ("auto", "cpu", "cuda")
LIBRARIES = 0.4e9
"""Bytes that PyTorch and Transformers take in a process on a CPU."""


@dataclass(kw_only=True)
class TransformersEngineConfig(EngineConfig):
    engine_name: ClassVar[str] = "Transformers"
    engine_class: ClassVar[str] = "har_llm.engines.transformers_engine.TransformersEngine"

    device: str = "auto"
    """auto: a GPU if there is one, else the CPU."""
    batch_size: int = 32
    """Most prompts in a batch; fewer if memory is short."""
    memory_share: float = 0.8
    """Share of the memory that is free after loading for the key-value cache."""
    extra_args: dict[str, Any] = field(default_factory=dict)
    """Further arguments of from_pretrained, such as attn_implementation."""

    def check(self) -> None:
        require("engine.device", self.device, DEVICES)
        if self.batch_size < 1:
            raise ConfigError(f"engine.batch_size is {self.batch_size}; it must be at least 1.")
        if not 0 < self.memory_share <= 0.95:
            raise ConfigError(f"engine.memory_share is {self.memory_share}; it must be above 0 and at most 0.95.")
        check_plain(self.extra_args, "engine.extra_args")

    def identity(self) -> dict[str, Any]:
        return extra_identity(self.extra_args)

    def beside_weights(self, requests: int, cache: float) -> float:
        return LIBRARIES + min(requests, self.batch_size) * cache

    def devices(self) -> Sequence[Gpu]:
        """It takes the first GPU that it sees, so it sees that with most free memory, which `memory` is about."""
        found = gpus() if self.device != "cpu" else []
        return [roomiest(found)] if found else []

    def memory(self) -> tuple[str, float]:
        if self.device == "cuda" and not has_gpu():
            raise MissingError("engine.device is 'cuda', but there is no GPU here; set engine.device=cpu or auto.")
        if self.device != "cpu" and has_gpu():
            return "the GPU", free_memory("cuda")
        return "memory", free_memory("cpu")

    def replicas(self, size: Footprint | None, tokens: int) -> Sequence[Mapping[str, str]]:
        shown = self.devices()
        return [shows_only(shown) if shown else {}]
