"""Submits a sweep to Slurm with submitit: a Slurm job for each model to load and each adapter to train, then one that
scores.

Every Slurm job plans again from the store and makes only what is missing, so jobs may be repeated, requeued after a time
limit, or run side by side.
"""

from __future__ import annotations

import logging
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from har_llm.common.errors import EngineError, HarError, MissingError
from har_llm.models import resolve
from har_llm.sweep import execute
from har_llm.sweep.callbacks import Callback
from har_llm.sweep.job import Job
from har_llm.sweep.plan import Plan, make_plan
from har_llm.sweep.read_once import Stores
from har_llm.sweep.slurm.settings import SlurmSettings

POLL_S = 2.0
LOG_LINES = 12
Sources = list[tuple[str, dict[str, Any]]]
"""Jobs as they are sent to Slurm: title and composed config, as plain values."""


@dataclass(frozen=True)
class Submitted:
    """A Slurm job."""

    id: str
    what: str
    log: Path
    titles: tuple[str, ...]


@dataclass(frozen=True)
class Work:
    """The functions that Slurm jobs call. Slurm requeues a job at its time limit, so each may be called again and
    resumes."""

    generate: Callable[[Sources, str], None]
    """Make what these jobs owe, up to one of execute.STAGES."""
    score: Callable[[Sources], None]
    """Score and write the runs whose generations are all stored."""


def run_jobs(jobs: Sequence[Job], settings: SlurmSettings, work: Work, callback: Callback) -> None:
    """Submit what the jobs owe, wait for it if settings.wait is true, and note the result in each job."""
    if shutil.which("sbatch") is None:
        raise MissingError(
            "hydra/launcher=har_llm_slurm needs sbatch, which is not installed here; log in to a node that submits jobs."
        )
    execute.prepare_jobs(jobs, callback)
    if waiting := execute.unfinished(jobs):
        stores = Stores()
        plan = make_plan([job.run for job in waiting], stores)
        for load in plan.loads:
            # Compute nodes often have no network, and a download needs no GPU.
            with execute.failing(execute.jobs_of(load, waiting, stores), callback):
                if load.engine.needs_model():
                    resolve.fetch(load.model)
        if waiting := execute.unfinished(jobs):
            folder = waiting[0].run.outputs / "slurm"
            stages = _submit_stages(plan, waiting, stores, settings, work, folder)
            scored = _submit(work.score, [_sources(waiting)], "score", _scoring(settings), folder, stages)
            _print_submitted([*stages, scored])
            if not settings.wait:
                return
            _wait([*stages, scored])
            for job in waiting:
                if not job.run.finished:
                    execute.fail([job], _why(job, [*stages, scored]), callback)
    execute.finish_jobs(jobs, callback)


def _submit_stages(
    plan: Plan,
    jobs: Sequence[execute.PreparedJob],
    stores: Stores,
    settings: SlurmSettings,
    work: Work,
    folder: Path,
) -> list[Submitted]:
    """Submit a Slurm job for each load and each adapter; each waits for all of the stage before."""
    teachers, trainings, generations = execute.STAGES

    def submit(mine: Sequence[Job], upto: str, what: str, after: Sequence[Submitted]) -> Submitted:
        return _submit(work.generate, [_sources(mine), upto], what, settings, folder, after)

    first = [
        submit(execute.jobs_of(load, jobs, stores), teachers, load.model.config.name, []) for load in plan.teacher_loads
    ]
    adapters = [
        submit(
            execute.dependents_of(recipe, jobs, stores),
            trainings,
            f"{recipe.experiment.model.name}_{recipe.lora.label()}",
            first,
        )
        for recipe in plan.recipes
    ]
    others = [
        submit(execute.jobs_of(load, jobs, stores), generations, load.model.config.name, adapters)
        for load in plan.other_loads
        if execute.jobs_of(load, jobs, stores)
    ]
    return [*first, *adapters, *others]


def _sources(jobs: Sequence[Job]) -> Sources:
    return [(job.title, dict(job.experiment.source)) for job in jobs if job.experiment is not None]


def _scoring(settings: SlurmSettings) -> SlurmSettings:
    """The same settings for scoring, which needs no GPU."""
    return replace(settings, gpus=0, cpus=min(2, settings.cpus))


def _submit(
    function: Any, arguments: Sequence[Any], what: str, settings: SlurmSettings, folder: Path, after: Sequence[Submitted]
) -> Submitted:
    """Submit a call of `function`. `arguments`: the sources first. Raises EngineError if Slurm refuses the job."""
    import submitit

    from har_llm.sweep.slurm.stage import Stage

    logging.getLogger("submitit").setLevel(logging.ERROR)  # without Slurm's accounting it warns at every call
    executor = submitit.AutoExecutor(folder / "%j", cluster="slurm", slurm_max_num_timeout=settings.restarts)
    executor.update_parameters(**_parameters(what, settings, [job.id for job in after]))
    try:
        job = executor.submit(Stage(function), *arguments)
    except (submitit.core.utils.FailedJobError, subprocess.CalledProcessError) as error:
        last = str(error).strip().splitlines()[-1]
        raise EngineError(f"Slurm refuses the job for {what}: {last} (its settings are hydra.launcher.*).") from None
    return Submitted(str(job.job_id), what, Path(job.paths.stderr), tuple(title for title, _ in arguments[0]))


def _parameters(what: str, settings: SlurmSettings, after: Sequence[str]) -> Mapping[str, Any]:
    asked = {
        "name": f"har_llm_{what}",
        "timeout_min": settings.timeout_min,
        "cpus_per_task": settings.cpus,
        "mem_gb": settings.mem_gb,
        "slurm_partition": settings.partition,
        "slurm_account": settings.account,
        "slurm_qos": settings.qos,
        "slurm_constraint": settings.constraint,
        "gpus_per_node": settings.gpus or None,
        "slurm_setup": settings.setup or None,
        # afterany: also after a failed job, because what the others have made is scored.
        "slurm_dependency": f"afterany:{':'.join(after)}" if after else None,
        "slurm_additional_parameters": settings.options or None,
        "slurm_use_srun": False,
    }
    return {name: value for name, value in asked.items() if value is not None}


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
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    if done.returncode:  # a controller that is busy or restarting; it will answer later
        return dict.fromkeys(ids, "unknown")
    states = {}
    for line in done.stdout.splitlines():
        number, state, reason = line.split("|", 2)
        if number in ids:
            states[number] = state if reason == "None" else f"{state} ({reason})"
    return states


def _why(job: Job, submitted: Sequence[Submitted]) -> HarError:
    """The error of a run that is not finished although all Slurm jobs have ended, with the end of its job's log."""
    mine = next(one for one in submitted if job.title in one.titles)
    try:
        lines = mine.log.read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_LINES:]
    except OSError:
        lines = ["(there is no log: the job never started, or was cancelled)"]
    log = "".join(f"\n  {line}" for line in lines)
    return EngineError(
        f"Slurm job {mine.id} ({mine.what}) has ended and the run is not complete. What was finished is kept; run the same "
        f"command again to go on. The end of its log, {mine.log}:{log}"
    )
