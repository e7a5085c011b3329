"""hydra/launcher=har_llm_slurm: a sweep as a few Slurm jobs, one for each model, instead of one for each combination."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hydra.core.config_store import ConfigStore

from har_llm.sweep.slurm.settings import SlurmSettings
from hydra_plugins.har_llm_launcher.launcher import HarLauncher

if TYPE_CHECKING:
    from har_llm.sweep.job import Job


@dataclass
class HarSlurmLauncherConf(SlurmSettings):
    _target_: str = "hydra_plugins.har_llm_launcher.slurm_launcher.HarSlurmLauncher"


ConfigStore.instance().store(group="hydra/launcher", name="har_llm_slurm", node=HarSlurmLauncherConf, provider="har_llm")


class HarSlurmLauncher(HarLauncher):
    """Plans here and runs the jobs in Slurm. Tasks other than run and predict are done here."""

    def __init__(self, **settings: Any):
        self._settings = SlurmSettings(**settings)

    def perform(self, jobs: Sequence[Job]) -> None:
        from har_llm.tasks import perform, run_on_slurm

        tasks = {job.experiment.settings.task for job in jobs if job.experiment is not None}
        if tasks <= {"run"} or tasks == {"predict"}:
            run_on_slurm(jobs, self._settings)
        else:
            perform(jobs)
