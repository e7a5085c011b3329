"""The settings of hydra/launcher=har_llm_slurm."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class SlurmSettings:
    partition: str | None = None
    account: str | None = None
    qos: str | None = None
    constraint: str | None = None
    gpus: int = 1
    """GPUs of each Slurm job that runs a model."""
    cpus: int = 8
    mem_gb: int | None = None
    timeout_min: int = 720
    restarts: int = 10
    """How often a Slurm job that reaches its time limit is requeued; it then resumes."""
    setup: list[str] = field(default_factory=list)
    """Shell commands before each job, such as "module load cuda"."""
    options: dict[str, Any] = field(default_factory=dict)
    """Further options of sbatch, by their long names."""
    wait: bool = True
    """false: submit and return; the same command shows the results later."""
