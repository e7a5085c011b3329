"""Runs the jobs of a sweep one after the other; a job that fails does not stop the others, and is not forgotten."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass

from hydra._internal.core_plugins.basic_launcher import BasicLauncher
from hydra.core.config_store import ConfigStore
from hydra.core.utils import JobReturn, JobStatus
from hydra.errors import CompactHydraException


@dataclass
class HarLauncherConf:
    _target_: str = "hydra_plugins.har_llm_launcher.launcher.HarLauncher"


ConfigStore.instance().store(group="hydra/launcher", name="har_llm", node=HarLauncherConf, provider="har_llm")


class HarLauncher(BasicLauncher):
    """Hydra's own launcher, except that the sweep ends with the number of failed jobs and exit code 1."""

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        returns: Sequence[JobReturn] = super().launch(job_overrides, initial_job_idx)
        failed = [job for job in returns if job.status == JobStatus.FAILED]
        for job in failed:
            if not isinstance(job._return_value, CompactHydraException):
                raise job._return_value  # a fault of har_llm itself: with its traceback
        if failed:
            print(f"{len(failed)} of {len(returns)} jobs failed; each one's reason is above.", file=sys.stderr)
            sys.exit(1)
        return returns
