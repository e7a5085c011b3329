"""Gives all jobs of a sweep to har_llm together, so that each model is loaded once and each text is made once."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.core.singleton import Singleton
from hydra.core.utils import JobReturn, JobStatus, configure_log, filter_overrides, run_job, setup_globals
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, open_dict


@dataclass
class HarLauncherConf:
    _target_: str = "hydra_plugins.har_llm_launcher.launcher.HarLauncher"


ConfigStore.instance().store(group="hydra/launcher", name="har_llm", node=HarLauncherConf, provider="har_llm")


class HarLauncher(Launcher):
    """Composes every job, has them planned and made together, and ends with exit code 1 when one of them failed."""

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        self.config, self.hydra_context = config, hydra_context

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        from har_llm.common.errors import HarError
        from har_llm.tasks import headline

        setup_globals()
        configure_log(self.config.hydra.hydra_logging, self.config.hydra.verbose)
        titles = [titled(overrides, job_overrides) for overrides in job_overrides]
        returns = [
            self._compose(overrides, initial_job_idx + place, title or f"job {initial_job_idx + place}")
            for place, (overrides, title) in enumerate(zip(job_overrides, titles, strict=True))
        ]
        jobs = [result._return_value for result in returns]
        try:
            self.perform(jobs)
        except HarError as error:  # not one job's fault
            sys.exit(f"error: {error}")
        for result, job in zip(returns, jobs, strict=True):
            result.status = JobStatus.COMPLETED if job.error is None else JobStatus.FAILED
            result.return_value = job.error or headline(job)
        failed = [job for job in jobs if job.error is not None]
        assert all(isinstance(job.error, HarError) for job in failed)
        if failed:
            print(f"{len(failed)} of {len(jobs)} jobs failed; each one's reason is above.", file=sys.stderr)
            sys.exit(1)
        return returns

    def perform(self, jobs: Sequence[Any]) -> None:
        from har_llm.tasks import perform

        perform(jobs)

    def _compose(self, overrides: Sequence[str], number: int, title: str) -> JobReturn:
        """A job's config, read and checked but not run: the result holds a Job."""
        config = self.hydra_context.config_loader.load_sweep_config(self.config, list(overrides))
        with open_dict(config):
            config.hydra.job.id = config.hydra.job.num = number
        state = Singleton.get_state()
        try:
            result = run_job(
                task_function=lambda cfg: _read(cfg, title),
                config=config,
                job_dir_key="hydra.sweep.dir",
                job_subdir_key="hydra.sweep.subdir",
                hydra_context=self.hydra_context,
            )
        finally:
            Singleton.set_state(state)
        result.return_value  # noqa: B018  (raises what is no fault of the user's, with its traceback)
        return result


def titled(overrides: Sequence[str], jobs: Sequence[Sequence[str]]) -> str:
    """The overrides that tell a job from the others, as the user wrote them."""
    own = [one for one in filter_overrides(overrides) if len(jobs) == 1 or not all(one in job for job in jobs)]
    return " ".join(one.lstrip("+") for one in own)


def _read(cfg: DictConfig, title: str) -> Any:
    from har_llm.cli import chosen_experiment
    from har_llm.common.errors import HarError
    from har_llm.config import read_experiment
    from har_llm.sweep.job import Job

    try:
        return Job(title, read_experiment(cfg), choice=chosen_experiment())
    except HarError as error:
        return Job(title, error=error)
