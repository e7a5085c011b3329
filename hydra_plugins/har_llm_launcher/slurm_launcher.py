"""hydra/launcher=har_llm_slurm: a sweep as a few Slurm jobs, one for each model, instead of one for each combination."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hydra.core.config_store import ConfigStore

from har_llm.sweep.slurm.settings import SlurmSettings
from hydra_plugins.har_llm_launcher.launcher import HarLauncher


@dataclass
class HarSlurmLauncherConf(SlurmSettings):
    _target_: str = "hydra_plugins.har_llm_launcher.slurm_launcher.HarSlurmLauncher"


ConfigStore.instance().store(group="hydra/launcher", name="har_llm_slurm", node=HarSlurmLauncherConf, provider="har_llm")


class HarSlurmLauncher(HarLauncher):
    """Plans here, runs there."""

    def __init__(self, **settings: Any):
        self._settings = settings

    def perform(self, jobs: Sequence[Any]) -> None:
        if any(job.experiment is not None and job.experiment.settings.task != "run" for job in jobs):
            super().perform(jobs)
            return
        from har_llm import tasks
        from har_llm.report.terminal.progress import LiveProgress
        from har_llm.sweep.slurm.submit import run_jobs
        from har_llm.tracking.session import tracking

        with tracking(jobs) as tracker:
            with LiveProgress() as callback:
                run_jobs(jobs, SlurmSettings(**self._settings), callback)
            tracker.publish(jobs)
            tasks.show_sweep(jobs)
