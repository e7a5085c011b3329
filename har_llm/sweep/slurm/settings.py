"""The settings of hydra/launcher=har_llm_slurm. Imports little, because Hydra imports it at every start."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

SIGNAL = "B:USR2@30"
"""The signal before the time limit, upon which submitit requeues the job. It goes to the batch script itself (B), as there
are no job steps, and comes 30 s before the end, as nothing has to be saved. Slurm may be a minute early."""


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

    def for_scoring(self) -> SlurmSettings:
        """The same settings for scoring, which needs no GPU."""
        return replace(self, gpus=0, cpus=min(2, self.cpus))

    def parameters(self, what: str, after: Sequence[str]) -> dict[str, Any]:
        """The same as arguments of submitit. `what`: names the job. `after`: the ids of the Slurm jobs that it waits for."""
        asked = {
            "name": f"har_llm_{what}",
            "timeout_min": self.timeout_min,
            "cpus_per_task": self.cpus,
            "mem_gb": self.mem_gb,
            "slurm_partition": self.partition,
            "slurm_account": self.account,
            "slurm_qos": self.qos,
            "slurm_constraint": self.constraint,
            "gpus_per_node": self.gpus or None,
            "slurm_setup": self.setup or None,
            # afterany: also after a failed job, because what the others have made is scored.
            "slurm_dependency": f"afterany:{':'.join(after)}" if after else None,
            "slurm_additional_parameters": {"signal": SIGNAL, **self.options},
            "slurm_use_srun": False,
        }
        return {name: value for name, value in asked.items() if value is not None}
