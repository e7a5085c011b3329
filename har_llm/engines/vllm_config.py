"""vLLM on this machine's GPUs (or, with its CPU build, on the CPU), in a process of its own: the settings.

Unless they are set, the number of GPUs for a model, and the number of its copies that share the windows, follow from the
memory of the GPUs.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from har_llm.common.errors import ConfigError, MissingError
from har_llm.common.extra_args import check_plain, extra_identity
from har_llm.common.extras import installed_by
from har_llm.common.hardware import Gpu, available_memory, gpus, is_assumed, shows_only
from har_llm.engines.config import EngineConfig
from har_llm.engines.layout import Layout, Need, layout, sizes_that_start, usable_share
from har_llm.models.footprint import Footprint

QUANTIZED = ("fp8_per_tensor", "fp8_per_channel", "fp8_per_block")
"""The ways in which vLLM 0.32 quantises the weights of any model on loading, to 8 bits each."""

LIBRARIES = 1.2e9
"""Bytes that vLLM and PyTorch take in a process on a CPU."""
SEQUENCES_OF_A_GPU, SEQUENCES_OF_A_CPU = 256, 8


@dataclass(kw_only=True)
class VllmEngineConfig(EngineConfig):
    engine_name: ClassVar[str] = "vLLM"
    engine_class: ClassVar[str] = "har_llm.engines.vllm_engine.VllmEngine"

    tensor_parallel_size: int | None = None
    """GPUs that one copy of the model is spread over; null = as many as its weights need."""
    data_parallel_size: int | None = None
    """Copies of the model that share the windows; null = as many as the GPUs hold."""
    gpu_memory_utilization: float = 0.9
    """Share of each GPU's memory for weights and key-value cache; less where other programs have taken some."""
    max_num_seqs: int | None = None
    """Most sequences that one copy generates at once; null = 256, and on a CPU 8: none is kept before it is finished, and
    those that begin later find the beginning of their prompts computed."""
    max_model_len: int | None = None
    """Most tokens of a prompt and its generation; null = as many as the prompts of the run and max_new_tokens need, at
    least."""
    quantization: str | None = None
    """Quantise on loading (fp8_per_tensor, fp8_per_channel, fp8_per_block), or null for the weights as they are."""
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
        if self.quantization is not None and self.quantization not in QUANTIZED:
            raise ConfigError(
                f"engine.quantization is {self.quantization!r}; on loading vLLM 0.32 quantises to {', '.join(QUANTIZED)}; "
                f"fp8_per_tensor is the plain one. A model whose files are quantised needs null."
            )
        check_plain(self.extra_args, "engine.extra_args")

    def identity(self) -> dict[str, Any]:
        """Only quantisation of the weights or the cache is meant to change generations."""
        made = {"quantization": self.quantization, "kv_cache_dtype": self.kv_cache_dtype}
        changing = {name: value for name, value in made.items() if value not in (None, "auto")}
        return changing | extra_identity(self.extra_args)

    def follows(self) -> Sequence[str]:
        return ("thinking_token_budget", "repetition_min_count", "structured")

    def loaded_bytes(self, size: Footprint) -> float:
        """Embeddings and head stay as they are when the weights are quantised."""
        quantised = size.weights - size.embeddings if self.quantization else 0.0
        return size.weights - quantised / 2

    def beside_weights(self, requests: int, cache: float) -> float:
        """The cache is reserved at the start, however many sequences share it."""
        return LIBRARIES + self.cpu_kvcache_space * 2**30

    def sequences_at_once(self) -> int:
        """Most sequences that one copy generates at once on this machine."""
        return self.max_num_seqs or (SEQUENCES_OF_A_GPU if gpus() else SEQUENCES_OF_A_CPU)

    def devices(self) -> Sequence[Gpu]:
        return gpus()

    def memory(self) -> tuple[str, float]:
        found = gpus()[: self.tensor_parallel_size]
        if not found:
            return available_memory("cpu")
        return "the GPU" if len(found) == 1 else f"{len(found)} GPUs", sum(gpu.free for gpu in found)

    def layout(self, size: Footprint | None, tokens: int) -> Layout | None:
        """Raises ConfigError for settings that this machine cannot follow."""
        found = gpus()
        if not found or size is None:
            return None
        made = self._spread(found, self._need(size, tokens))
        return made if made.starts else made._replace(remedies=tuple(self._remedies(found, size, made)))

    def replicas(self, size: Footprint | None, tokens: int) -> Sequence[Mapping[str, str]]:
        """Raises MissingError where vLLM is not installed, ConfigError for what this machine cannot follow."""
        if not installed() and not is_assumed():
            raise MissingError(
                f"engine=vllm needs the package vllm, which is not installed here; install it with {installed_by('vllm')} "
                "(Linux with an NVIDIA GPU), or use engine=transformers."
            )
        found = gpus()
        if not found:
            if (self.tensor_parallel_size or 1) * (self.data_parallel_size or 1) > 1:
                raise ConfigError(
                    "engine.tensor_parallel_size and engine.data_parallel_size spread a model over GPUs, but there is no "
                    "GPU here; leave them out, or set them to 1."
                )
            return [{}]
        groups = self.groups(found, size, tokens)
        share = str(usable_share(found, self.gpu_memory_utilization))
        return [
            {**shows_only(group), "HAR_LLM_TENSOR_PARALLEL": str(len(group)), "HAR_LLM_GPU_MEMORY": share}
            for group in groups
        ]

    def groups(self, found: Sequence[Gpu], size: Footprint | None, tokens: int) -> list[Sequence[Gpu]]:
        """The GPUs of each copy of the model. Raises ConfigError for settings that this machine cannot follow."""
        gpus_each, copies = self._spread(found, self._need(size, tokens))[:2]
        return [found[place * gpus_each : (place + 1) * gpus_each] for place in range(copies)]

    def _need(self, size: Footprint | None, tokens: int) -> Need:
        if size is None:
            return Need(0.0, None, tokens)
        cache = size.cache
        if cache is not None and self.kv_cache_dtype.startswith("fp8"):
            cache /= 2
        return Need(self.loaded_bytes(size), cache, tokens)

    def _spread(self, found: Sequence[Gpu], need: Need) -> Layout:
        made = layout(found, self.gpu_memory_utilization, need, self.tensor_parallel_size, self.data_parallel_size)
        if made.size * made.copies > len(found):
            raise ConfigError(
                f"engine.tensor_parallel_size is {made.size} and engine.data_parallel_size is {made.copies}, which takes "
                f"{made.size * made.copies} GPUs; {len(found)} are visible here (CUDA_VISIBLE_DEVICES chooses among them)."
            )
        return made

    def _remedies(self, found: Sequence[Gpu], size: Footprint, made: Layout) -> Iterator[str]:
        need = self._need(size, made.tokens)
        for more in sizes_that_start(found, self.gpu_memory_utilization, need)[:1]:
            yield f"{more} such GPUs"
        if self.quantization is None and size.embeddings:
            quantised = replace(self, quantization=QUANTIZED[1])
            if quantised._spread(found, quantised._need(size, made.tokens)).starts:
                yield f"engine=vllm engine.quantization={QUANTIZED[1]}"
        if made.room:
            yield f"model.sampling.max_new_tokens lower by {made.tokens - made.room:,}"


def installed() -> bool:
    return importlib.util.find_spec("vllm") is not None
