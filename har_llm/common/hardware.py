"""The GPUs and the free memory of this machine, found without importing torch."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from har_llm.common.errors import ConfigError

CGROUP = Path("/sys/fs/cgroup")


class Gpu(NamedTuple):
    """A GPU that this process may use."""

    id: str
    """As CUDA_VISIBLE_DEVICES names it."""
    name: str
    total: float
    """Bytes."""
    free: float
    """Bytes."""
    capability: float | None = None
    """CUDA's compute capability, such as 8.0 of an A100; None if unknown."""


BFLOAT16_FROM = 8.0
"""The compute capability from which GPUs compute in bfloat16."""

_assumed: ContextVar[list[Gpu]] = ContextVar("assumed", default=[])  # noqa: B039 (never changed)


def free_memory(device: str) -> float:
    """Free bytes: of the GPU that has the most (`cuda`), or of main memory."""
    if device == "cuda":
        return max((gpu.free for gpu in gpus()), default=0.0)
    import psutil

    return min(float(psutil.virtual_memory().available), _container_limit())


def available_memory(device: str = "auto") -> tuple[str, float]:
    """Where a model would go (the GPUs together, or main memory), and the free bytes there."""
    found = gpus() if device != "cpu" else []
    if not found:
        return "memory", free_memory("cpu")
    return "the GPU" if len(found) == 1 else f"the {len(found)} GPUs", sum(gpu.free for gpu in found)


def check_dtype(dtype: str, some: Sequence[Gpu]) -> None:
    """Raise ConfigError for a number format that one of these GPUs lacks: vLLM and TRL would refuse it after the load."""
    for gpu in some:
        if dtype == "bfloat16" and gpu.capability is not None and gpu.capability < BFLOAT16_FROM:
            raise ConfigError(
                f"model.dtype is 'bfloat16', which the GPU here lacks ({gpu.name}: compute capability {gpu.capability}, of "
                f"{BFLOAT16_FROM} needed); set model.dtype=float16 (of a teacher: lora.teacher.dtype=float16)."
            )


def has_gpu() -> bool:
    return bool(gpus())


def _container_limit() -> float:
    """The memory limit of a container (control group); infinite where there is none."""
    for limit in ("memory.max", "memory/memory.limit_in_bytes"):
        try:
            return float((CGROUP / limit).read_text())
        except (OSError, ValueError):  # not of this version of control groups, or "max"
            continue
    return float("inf")


def gpus() -> list[Gpu]:
    """The visible GPUs and their free memory, as nvidia-smi said when it was last called; none where there is no driver.

    Those of `assumed` while something is planned for another machine.
    """
    return _assumed.get() or list(_nvidia_smi(os.environ.get("CUDA_VISIBLE_DEVICES")))


@contextmanager
def assumed(count: int, gib: float) -> Iterator[None]:
    """Within the block, this machine has so many free GPUs of so much memory, and what runs on GPUs is installed."""
    token = _assumed.set([Gpu(str(place), "assumed", gib * 2**30, gib * 2**30) for place in range(count)])
    try:
        yield
    finally:
        _assumed.reset(token)


def is_assumed() -> bool:
    return bool(_assumed.get())


def roomiest(some: Sequence[Gpu]) -> Gpu:
    """The GPU with most free memory."""
    return max(some, key=lambda gpu: gpu.free)


def shows_only(some: Sequence[Gpu]) -> dict[str, str]:
    """The environment of a process that sees these GPUs and no others."""
    # By default CUDA numbers GPUs by speed, nvidia-smi by bus position.
    return {"CUDA_DEVICE_ORDER": "PCI_BUS_ID", "CUDA_VISIBLE_DEVICES": ",".join(gpu.id for gpu in some)}


def forget_gpus() -> None:
    """Let `gpus` call nvidia-smi again. Called before a model is loaded, because free memory may have changed."""
    _nvidia_smi.cache_clear()


@lru_cache
def _nvidia_smi(visible: str | None) -> tuple[Gpu, ...]:
    program = shutil.which("nvidia-smi")
    if program is None or visible in ("", "-1"):
        return ()
    command = [program, "--query-gpu=index,name,memory.total,memory.free,compute_cap", "--format=csv,noheader,nounits"]
    if visible is not None:
        command.append(f"--id={visible}")
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout
        rows = [[cell.strip() for cell in line.split(",")] for line in answer.split("\n") if line.strip()]
        return tuple(_gpu(*row) for row in rows)
    except (OSError, ValueError, TypeError, subprocess.SubprocessError):
        return ()


def _gpu(index: str, name: str, total: str, free: str, capability: str) -> Gpu:
    """From a line of nvidia-smi's, sizes in MiB."""
    known = capability.replace(".", "").isdigit()
    return Gpu(index, name, float(total) * 2**20, float(free) * 2**20, float(capability) if known else None)
