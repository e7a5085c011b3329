"""How much memory this machine has free, and how much a model needs; without importing torch."""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import lru_cache
from pathlib import Path

from har_llm.models import DTYPES, ModelConfig

GB = 1e9
CGROUP = Path("/sys/fs/cgroup")
OVERHEAD = 1.1
"""Weights, and a tenth for activations and a first key-value cache."""


def free_memory(device: str) -> float:
    """Free bytes: of the GPU with most of them (`cuda`), or of main memory."""
    if device == "cuda":
        return max(_gpu_free(), default=0.0)
    import psutil

    return min(float(psutil.virtual_memory().available), _container_limit())


def has_gpu() -> bool:
    return bool(_gpu_free())


def _container_limit() -> float:
    """The memory limit of a container (control group); infinite where there is none."""
    for limit in ("memory.max", "memory/memory.limit_in_bytes"):
        try:
            return float((CGROUP / limit).read_text())
        except (OSError, ValueError):  # not of this version of control groups, or "max"
            continue
    return float("inf")


@lru_cache(maxsize=1)
def _nvidia_smi() -> str | None:
    return shutil.which("nvidia-smi")


def _gpu_free() -> list[float]:
    if _nvidia_smi() is None:
        return []
    command = [str(_nvidia_smi()), "--query-gpu=memory.free", "--format=csv,noheader,nounits"]
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        if visible in ("", "-1"):
            return []
        command.append(f"--id={visible}")
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout
        return [float(line) * 2**20 for line in answer.split("\n") if line.strip()]
    except (OSError, ValueError, subprocess.SubprocessError):
        return []


def needed_memory(model: ModelConfig, weight_bytes: float | None) -> float | None:
    """Bytes that the model needs once loaded, from its files' size or else its parameters; None when neither is known."""
    if model.parameters is not None:
        return OVERHEAD * model.parameters * DTYPES[model.dtype]
    return None if weight_bytes is None else OVERHEAD * weight_bytes
