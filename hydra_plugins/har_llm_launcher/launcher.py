"""Composes the jobs of a sweep and gives them to har_llm together, so that each model is loaded once."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hydra.core.config_store import ConfigStore
from hydra.core.hydra_config import HydraConfig
from hydra.core.utils import JobReturn, JobStatus, configure_log, filter_overrides, setup_globals
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf, open_dict

if TYPE_CHECKING:
    from har_llm.sweep.job import Job


@dataclass
class HarLauncherConf:
    _target_: str = "hydra_plugins.har_llm_launcher.launcher.HarLauncher"


ConfigStore.instance().store(group="hydra/launcher", name="har_llm", node=HarLauncherConf, provider="har_llm")


class HarLauncher(Launcher):
    """Gives all jobs to har_llm at once. The exit code is 1 if a job failed."""

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        self.config, self.hydra_context = config, hydra_context

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        from har_llm.common.errors import HarError
        from har_llm.common.numbers import counted
        from har_llm.tasks import headline

        if not job_overrides:
            asked = " or ".join(one for one in swept(self.config) if "glob(" in one)
            sys.exit(f"error: this sweep has no jobs, because {asked} matches nothing; --help lists the options.")
        setup_globals()
        configure_log(self.config.hydra.job_logging, self.config.hydra.verbose)
        configs = [self._compose(overrides, number) for number, overrides in enumerate(job_overrides, initial_job_idx)]
        titles = [
            titled(overrides, job_overrides) or f"job {number}"
            for number, overrides in enumerate(job_overrides, initial_job_idx)
        ]
        jobs = [read_job(config, title) for config, title in zip(configs, titles, strict=True)]
        for equal in equal_jobs(jobs):
            print(f"note: {', '.join(equal)} are the same experiment, which is made once. Where their bundles differ, the "
                  "command line sets what the bundles would.", file=sys.stderr)  # fmt: skip
        try:
            self.perform(jobs)
        except HarError as error:  # it concerns all jobs
            sys.exit(f"error: {error}")
        failed = sum(job.error is not None for job in jobs)
        if failed:
            print(f"{failed} of {counted(len(jobs), 'job')} failed; their errors are above.", file=sys.stderr)
            sys.exit(1)
        return [
            completed(overrides, config, headline(job))
            for overrides, config, job in zip(job_overrides, configs, jobs, strict=True)
        ]

    def perform(self, jobs: Sequence[Job]) -> None:
        from har_llm.tasks import perform

        perform(jobs)

    def _compose(self, overrides: Sequence[str], number: int) -> DictConfig:
        config = self.hydra_context.config_loader.load_sweep_config(self.config, list(overrides))
        with open_dict(config):
            config.hydra.job.id = config.hydra.job.num = number
        return config


def swept(config: DictConfig) -> list[str]:
    """What is swept over: as the experiment says, where the command line says nothing else."""
    experiments = {name: f"{name}={values}" for name, values in (config.hydra.sweeper.get("params") or {}).items()}
    return list({**experiments, **{one.partition("=")[0]: one for one in config.hydra.overrides.task}}.values())


def completed(overrides: Sequence[str], config: DictConfig, score: float | None) -> JobReturn:
    """A job's result for Hydra; an optimising sweeper uses its score."""
    result = JobReturn(overrides, config, status=JobStatus.COMPLETED)
    result.return_value = score
    return result


def titled(overrides: Sequence[str], jobs: Sequence[Sequence[str]]) -> str:
    """The overrides in which a job differs from the others, as the user wrote them."""
    own = [one for one in filter_overrides(overrides) if len(jobs) == 1 or not all(one in job for job in jobs)]
    return " ".join(one.lstrip("+") for one in own)


def read_job(config: DictConfig, title: str) -> Job:
    """The job of a composed config; if the config is wrong, a job with the HarError."""
    from har_llm.common.errors import HarError
    from har_llm.config.read import read_experiment
    from har_llm.sweep.job import Job

    with hydra_config(config):
        choice = HydraConfig.get().runtime.choices.get("experiment")
        own = OmegaConf.masked_copy(config, [str(name) for name in config if name != "hydra"])
        try:
            return Job(title, read_experiment(own), choice=choice)
        except HarError as error:
            return Job(title, error=error)


def equal_jobs(jobs: Sequence[Job]) -> list[list[str]]:
    """The titles of jobs that have the same settings: a command line's settings overrule those of bundles and options."""
    from har_llm.common.digest import canonical

    titles: dict[str, list[str]] = {}
    for job in jobs:
        if job.experiment is not None:
            titles.setdefault(canonical(job.experiment.source), []).append(job.title)
    return [equal for equal in titles.values() if len(equal) > 1]


@contextmanager
def hydra_config(config: DictConfig) -> Iterator[None]:
    """Make ${hydra:...} in a job's config refer to that job, as it does when Hydra itself runs one."""
    instance = HydraConfig.instance()
    before = instance.cfg
    instance.set_config(config)
    try:
        yield
    finally:
        instance.cfg = before
