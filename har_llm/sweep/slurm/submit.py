"""Submits a sweep to Slurm with submitit: a Slurm job for each model to load and each adapter to train, then one that
scores.

Every Slurm job plans again from the store and makes only what is missing, so jobs may be repeated, requeued after a time
limit, or run side by side.
"""

from __future__ import annotations

import logging
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from har_llm.common.errors import HarError, MissingError, ServiceError
from har_llm.sweep import execute
from har_llm.sweep.callbacks import Callback
from har_llm.sweep.job import Job
from har_llm.sweep.plan import Plan, make_plan
from har_llm.sweep.read_once import Stores
from har_llm.sweep.slurm.settings import SlurmSettings

POLL_S = 2.0
ANSWER_S = 60.0
"""Within which squeue has to answer."""
LOG_LINES = 12
SCORES = "scores"
"""The stage after those of execute.STAGES: score and write the runs whose generations are all stored."""
Sources = list[tuple[str, dict[str, Any]]]
"""Jobs as they are sent to Slurm: title and composed config, as plain values."""
Do = Callable[[Sources, str], None]
"""Does these jobs up to one of execute.STAGES, or only SCORES. It may be called again, and resumes."""


@dataclass(frozen=True)
class Work:
    """What submitit sends to a Slurm job."""

    do: Do
    sources: Sources
    stage: str

    def __call__(self) -> None:
        self.do(self.sources, self.stage)

    def checkpoint(self) -> Any:
        """What submitit queues when the job reaches its time limit: the same work, which resumes."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self)


@dataclass(frozen=True)
class Submitted:
    """A Slurm job."""

    id: str
    what: str
    log: Path
    titles: tuple[str, ...]


@dataclass(frozen=True)
class Cluster:
    """Where a sweep submits its Slurm jobs."""

    settings: SlurmSettings
    do: Do
    folder: Path
    """Of the logs and of submitit's files."""

    def submit(self, stage: str, what: str, jobs: Sequence[Job], after: Sequence[Submitted]) -> list[Submitted]:
        """Submit a Slurm job that makes `what` for these jobs once those of `after` have ended; none if there is no job.

        Raises ServiceError if Slurm refuses it.
        """
        import submitit

        sources = [(job.title, dict(job.experiment.source)) for job in jobs if job.experiment is not None]
        if not sources:
            return []
        logging.getLogger("submitit").setLevel(logging.ERROR)  # without Slurm's accounting it warns at every call
        settings = self.settings.for_scoring() if stage == SCORES else self.settings
        executor = submitit.AutoExecutor(
            self.folder / "%j",
            cluster="slurm",
            slurm_max_num_timeout=settings.restarts,
            slurm_python=f"exec {shlex.quote(sys.executable)}",  # takes the script's place, so that it gets the signal
        )
        executor.update_parameters(**settings.parameters(what, [job.id for job in after]))
        try:
            job = executor.submit(Work(self.do, sources, stage))
        except (submitit.core.utils.FailedJobError, subprocess.CalledProcessError) as error:
            last = str(error).strip().splitlines()[-1]
            raise ServiceError(f"Slurm refuses the job for {what}: {last} (its settings are hydra.launcher.*).") from None
        return [Submitted(str(job.job_id), what, Path(job.paths.stderr), tuple(title for title, _ in sources))]


def run_jobs(jobs: Sequence[Job], settings: SlurmSettings, do: Do, callback: Callback) -> None:
    """Submit what the jobs owe, wait for it if settings.wait is true, and note the result in each job.

    Raises MissingError if Slurm is not installed here, ServiceError if it refuses a Slurm job.
    """
    for command in ("sbatch", "srun"):  # submitit submits nothing where it does not find srun
        if shutil.which(command) is None:
            raise MissingError(
                f"hydra/launcher=har_llm_slurm needs {command}, which is not installed here; log in to a node that "
                "submits jobs."
            )
    execute.prepare_jobs(jobs, callback)
    stores = Stores()
    plan = make_plan([job.run for job in execute.unfinished(jobs)], stores)
    _fetch_models(plan, execute.unfinished(jobs), stores, callback)
    if waiting := execute.unfinished(jobs):
        cluster = Cluster(settings, do, waiting[0].run.outputs / "slurm")
        submitted = _submit_stages(cluster, plan, waiting, stores)
        _print_submitted(submitted)
        if not settings.wait:
            return
        _wait(submitted)
        stores.refresh()
        for job in waiting:
            if not job.run.finished:
                execute.fail([job], _why(job, submitted, owes=bool(stores.owed(job.run))), callback)
    execute.finish_jobs(jobs, callback)


def _fetch_models(plan: Plan, jobs: Sequence[execute.PreparedJob], stores: Stores, callback: Callback) -> None:
    """Download here, because compute nodes often have no network, and a download needs no GPU."""
    for load in plan.loads:
        with execute.failing(execute.jobs_of(load, jobs, stores), callback):
            if load.engine.needs_model():
                load.engine.model_path(load.model)


def _submit_stages(cluster: Cluster, plan: Plan, jobs: Sequence[execute.PreparedJob], stores: Stores) -> list[Submitted]:
    """Submit a Slurm job for each load and each adapter, then one that scores; each waits for all of the stage before."""
    teachers, trainings, generations = execute.STAGES
    first, adapters, others = list[Submitted](), list[Submitted](), list[Submitted]()
    for load in plan.teacher_loads:
        first += cluster.submit(teachers, load.model.config.name, execute.jobs_of(load, jobs, stores), [])
    for recipe in plan.recipes:
        what = f"{recipe.experiment.model.name}_{recipe.lora.label()}"
        adapters += cluster.submit(trainings, what, execute.dependents_of(recipe, jobs, stores), first)
    for load in plan.other_loads:
        others += cluster.submit(generations, load.model.config.name, execute.jobs_of(load, jobs, stores), adapters)
    made = [*first, *adapters, *others]
    return [*made, *cluster.submit(SCORES, "score", jobs, made)]


def _print_submitted(jobs: Sequence[Submitted]) -> None:
    for job in jobs:
        print(f"Slurm job {job.id}: {job.what} for {len(job.titles)} run(s); log: {job.log}", flush=True)
    print("They run without this command. Run it again to see what is finished and to submit what is not.", flush=True)


def _wait(jobs: Sequence[Submitted]) -> None:
    """Wait until none of these jobs is in Slurm's queue; print changes of their states."""
    shown: dict[str, str] = {}
    while True:
        states = _states([job.id for job in jobs])
        for job in jobs:
            state = states.get(job.id, "ended")
            if shown.get(job.id) != state:
                shown[job.id] = state
                print(f"Slurm job {job.id} ({job.what}): {state}", flush=True)
        if not states:
            return
        time.sleep(POLL_S)


def _states(ids: Sequence[str]) -> dict[str, str]:
    """The queued or running jobs, with state and reason. Not from sacct, which many clusters do not have."""
    command = ["squeue", "--noheader", "--format=%i|%T|%r", "--me"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=ANSWER_S, check=True)
    except subprocess.SubprocessError:  # a controller that is busy or restarting; it will answer later
        return dict.fromkeys(ids, "unknown")
    states = {}
    for line in done.stdout.splitlines():
        number, state, reason = line.split("|", 2)
        if number in ids:
            states[number] = state if reason == "None" else f"{state} ({reason})"
    return states


def _why(job: Job, submitted: Sequence[Submitted], *, owes: bool) -> HarError:
    """The error of a run that is not finished although all Slurm jobs have ended, with the end of a log.

    It is the log of the last Slurm job that tried to make the run's generations, because that one also tried what those
    before it had left; if none is owed any more, of the one that scores.
    """
    *makers, scores = (one for one in submitted if job.title in one.titles)
    tried = [scores, *makers] if owes else [scores]
    mine = next((one for one in reversed(tried) if one.log.exists()), tried[-1])
    try:
        lines = mine.log.read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_LINES:]
    except OSError:
        lines = ["(there is no log: the job never started, or was cancelled)"]
    log = "".join(f"\n  {line}" for line in lines)
    return ServiceError(
        f"Slurm job {mine.id} ({mine.what}) has ended and the run is not complete. What was finished is kept; run the same "
        f"command again to go on. The end of its log, {mine.log}:{log}"
    )
