"""vLLM on this machine's GPUs (or, with its CPU build, on the CPU), in a process of its own: the settings.

Unless they are set, the number of GPUs for a model, and the number of its copies that share the windows, follow from the
memory of the GPUs.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from har_llm.common.errors import ConfigError, MissingError
from har_llm.common.extra_args import check_plain, extra_identity
from har_llm.common.hardware import Gpu, available_memory, gpus, shows_only
from har_llm.engines.config import SingleWorker

QUANTIZED = {"fp8": 0.5, "fp8_per_tensor": 0.5, "fp8_per_block": 0.5, "bitsandbytes": 0.3}
"""Size of weights that are quantised on loading, as a share of 16 bits each; unknown for other methods."""
HEADROOM = 1.25
"""Memory needed, as a multiple of the weights: also for activations, and a key-value cache for a few long generations."""


@dataclass(kw_only=True)
class VllmEngineConfig(SingleWorker):
    engine_name: ClassVar[str] = "vLLM"
    engine_class: ClassVar[str] = "har_llm.engines.vllm_engine.VllmEngine"

    tensor_parallel_size: int | None = None
    """GPUs that one copy of the model is spread over; null = as many as its weights need."""
    data_parallel_size: int | None = None
    """Copies of the model that share the windows; null = as many as the GPUs hold."""
    gpu_memory_utilization: float = 0.9
    """Share of each GPU's memory for weights and key-value cache."""
    max_num_seqs: int = 256
    """Most sequences that one copy generates at once."""
    max_model_len: int | None = None
    """Most tokens of a prompt and its generation; null = as many as the prompts of the run and max_new_tokens need, at
    least."""
    quantization: str | None = None
    """Quantise on loading (fp8_per_tensor, bitsandbytes), or null for the weights as they are."""
    kv_cache_dtype: str = "auto"
    """auto = as the model; fp8 has room for twice as many sequences (on an A100 and other GPUs before the RTX 40 series and
    the L4 it needs CUDA's compiler, nvcc)."""
    max_loras: int = 8
    """Most adapters in one step; further ones are kept in main memory."""
    enforce_eager: bool | None = None
    """Without compiled graphs: starts faster, runs slower. null = true on a CPU, else false."""
    cpu_kvcache_space: int = 2
    """Key-value cache of a CPU, in GB (VLLM_CPU_KVCACHE_SPACE)."""
    extra_args: dict[str, Any] = field(default_factory=dict)
    """Further arguments of vLLM's EngineArgs, such as max_num_batched_tokens."""

    def check(self) -> None:
        for name in (
            "tensor_parallel_size",
            "data_parallel_size",
            "max_num_seqs",
            "max_model_len",
            "max_loras",
            "cpu_kvcache_space",
        ):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ConfigError(f"engine.{name} is {value}; it must be at least 1.")
        if not 0 < self.gpu_memory_utilization <= 0.98:
            raise ConfigError(
                f"engine.gpu_memory_utilization is {self.gpu_memory_utilization}; it must be above 0 and at most 0.98."
            )
        check_plain(self.extra_args, "engine.extra_args")

    def identity(self) -> dict[str, Any]:
        """Only quantisation of the weights or the cache is meant to change generations."""
        made = {"quantization": self.quantization, "kv_cache_dtype": self.kv_cache_dtype}
        changing = {name: value for name, value in made.items() if value not in (None, "auto")}
        return changing | extra_identity(self.extra_args)

    def follows(self) -> Sequence[str]:
        return ("thinking_token_budget", "repetition_min_count", "structured")

    def weights_share(self) -> float:
        return QUANTIZED.get(self.quantization or "", 1.0)

    def memory(self) -> tuple[str, float]:
        found = gpus()[: self.tensor_parallel_size]
        if not found:
            return available_memory("cpu")
        return "the GPU" if len(found) == 1 else f"{len(found)} GPUs", sum(gpu.free for gpu in found)

    def replicas(self, weight_bytes: float | None) -> Sequence[Mapping[str, str]]:
        if not installed():
            raise MissingError(
                "engine=vllm needs the package vllm, which is not installed here; install it with "
                "`pip install 'har-llm[vllm]'` (Linux with an NVIDIA GPU), or use engine=transformers."
            )
        found = gpus()
        if not found:
            if (self.tensor_parallel_size or 1) * (self.data_parallel_size or 1) > 1:
                raise ConfigError(
                    "engine.tensor_parallel_size and engine.data_parallel_size spread a model over GPUs, but there is no "
                    "GPU here; leave them out, or set them to 1."
                )
            return [{}]
        return [
            {**shows_only(group), "HAR_LLM_TENSOR_PARALLEL": str(len(group))} for group in self.groups(found, weight_bytes)
        ]

    def groups(self, found: Sequence[Gpu], weight_bytes: float | None) -> list[Sequence[Gpu]]:
        """The GPUs of each copy of the model. Raises ConfigError for settings that this machine cannot follow."""
        loaded = None if weight_bytes is None else weight_bytes * self.weights_share()
        size = self.tensor_parallel_size or _fitting(found, loaded, self.gpu_memory_utilization)
        copies = self.data_parallel_size or max(1, len(found) // size)
        if size * copies > len(found):
            raise ConfigError(
                f"engine.tensor_parallel_size is {size} and engine.data_parallel_size is {copies}, which takes "
                f"{size * copies} GPUs; {len(found)} are visible here (CUDA_VISIBLE_DEVICES chooses among them)."
            )
        return [found[place * size : (place + 1) * size] for place in range(copies)]


def installed() -> bool:
    return importlib.util.find_spec("vllm") is not None


def _fitting(found: Sequence[Gpu], weight_bytes: float | None, share: float) -> int:
    """The smallest power of two of GPUs that hold the weights; numbers of attention heads are divisible by powers of two."""
    needed, size = HEADROOM * (weight_bytes or 0.0), 1
    smallest = min(gpu.total for gpu in found)
    while size * smallest * share < needed and size * 2 <= len(found):
        size *= 2
    return size
