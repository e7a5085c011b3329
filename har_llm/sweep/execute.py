"""Runs any number of jobs together: plans them, loads each model once to generate, trains adapters, scores.

A job that fails gets its own error, while the others go on.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from typing import TypeGuard

from har_llm.common.errors import HarError, MissingError, reason_of, system_refusals_told
from har_llm.common.lock import HeldError
from har_llm.config.experiment import Experiment
from har_llm.distill.config import distillation_of
from har_llm.models import adapters, resolve
from har_llm.models.adapters import ReadyAdapter
from har_llm.models.checkpoint import check_whole
from har_llm.runs.directory import damage, read_run
from har_llm.runs.prepare import prepare, teachers_experiment
from har_llm.runs.recipe import AdapterRecipe, StudentRun
from har_llm.runs.run import PreparedRun
from har_llm.runs.write import write_run
from har_llm.sweep.callbacks import Callback
from har_llm.sweep.claims import Claims
from har_llm.sweep.generate import check_load, check_writable, generate
from har_llm.sweep.job import Job
from har_llm.sweep.plan import Load, Plan, make_plan, teachers_of
from har_llm.sweep.read_once import Datasets, Stores
from har_llm.sweep.train import Training, check_recipe, steps_so_far

WAIT_S = 5.0
GENERATION_WAIT_S = 1.0
STAGES = ("teachers", "trainings", "generations")
"""The teachers' generations, the trainings of adapters on them, and all other generations."""


class PreparedJob(Job):
    """A job whose run is known. Type checkers see this class; no object is made of it."""

    run: PreparedRun


def prepare_jobs(jobs: Sequence[Job], callback: Callback, *, planning: bool = False) -> None:
    """Read the data and find the models of all jobs. A job that cannot run fails here, before any model is loaded."""
    datasets = Datasets()
    for job in jobs:
        if job.experiment is not None and job.error is None and job.run is None:
            with failing([job], callback):
                job.run = prepare(job.experiment, planning=planning, read=datasets.read)
        elif job.error is not None:
            fail([job], job.error, callback)


def run_jobs(jobs: Sequence[Job], callback: Callback) -> None:
    """Make, score and write every job's run that is not finished yet. Errors are noted in the jobs."""
    stores = Stores()
    generate_jobs(jobs, callback, stores=stores)
    finish_jobs(jobs, callback, stores)


def generate_jobs(jobs: Sequence[Job], callback: Callback, upto: str = STAGES[-1], stores: Stores | None = None) -> None:
    """Make all adapters and generations that the jobs owe, loading each model once. `upto`: the last stage to do. `stores`:
    those that are read anyway.

    Two engines may owe the same generation. If the one that should make it fails, its jobs fail, and the loop plans again,
    so that the other engine makes it.
    """
    prepare_jobs(jobs, callback)
    for outputs in dict.fromkeys(job.run.outputs for job in unfinished(jobs)):
        with failing([job for job in unfinished(jobs) if job.run.outputs == outputs], callback):
            check_writable(outputs)
    stores = stores or Stores()
    while waiting := unfinished(jobs):
        plan = _plan(jobs, callback, stores)
        _check_loads(plan, waiting, callback, stores)
        if all(job.error is None for job in waiting):
            callback.planned(plan)
            _generate_loads(plan.teacher_loads, waiting, callback, stores)
            if upto != STAGES[0]:
                _train(plan, jobs, callback, stores)
            if upto == STAGES[-1]:
                _generate_loads(_plan(jobs, callback, stores).loads, waiting, callback, stores)
        if all(job.error is None for job in waiting):
            return


def _plan(jobs: Sequence[Job], callback: Callback, stores: Stores) -> Plan:
    """The plan of what the jobs owe now. Jobs whose adapter cannot be trained here fail first."""
    stores.refresh()
    for job in unfinished(jobs):
        with failing([job], callback):
            check_recipe(job.run, stores)
    plan = make_plan([job.run for job in unfinished(jobs)], stores)
    for fault in stores.faults():
        callback.noticed(fault)
    return plan


def _train(plan: Plan, jobs: Sequence[Job], callback: Callback, stores: Stores) -> None:
    """Train the adapters. Those that other processes are training come last, and are waited for."""
    stores.refresh()  # their teachers have generated since
    waiting = [Training(recipe) for recipe in plan.recipes]
    while waiting:
        held = []
        for training in waiting:
            dependents = dependents_of(training.recipe, unfinished(jobs), stores)
            if not dependents:
                continue
            with failing(dependents, callback):
                try:
                    training.run(callback, stores)
                except HeldError as error:
                    held.append((training, str(error)))
        if len(held) == len(waiting):
            recipe, holder = held[0][0].recipe, held[0][1]
            callback.training_waits(recipe, len(steps_so_far(recipe)), holder)
            time.sleep(WAIT_S)
        waiting = [training for training, _ in held]


def dependents_of(recipe: AdapterRecipe, jobs: Sequence[PreparedJob], stores: Stores) -> list[PreparedJob]:
    """The jobs that wait for the adapter."""
    students = [job for job in jobs if isinstance(job.run, StudentRun) and job.run.recipe.key == recipe.key]
    return [job for job in students if stores.owed(job.run)]


def _generate_loads(loads: Sequence[Load], jobs: Sequence[PreparedJob], callback: Callback, stores: Stores) -> None:
    """Make the generations. Those that other processes are making come last, and are waited for."""
    claims, waiting = Claims(), list(loads)
    while waiting:
        theirs = []
        for load in waiting:
            try:
                with claims.share(load, stores) as share:
                    if share.mine is not None:
                        callback.loading(share.mine)
                        generate(share.mine, callback, stores)
                if share.theirs is not None:
                    theirs.append(share.theirs)
                    callback.generation_waits(share.theirs, share.holder or "")
            except HarError as error:
                # Generations made before the failure are stored, and some jobs may need no others.
                stores.refresh()
                fail([job for job in jobs_of(load, jobs, stores) if _owes(job, load, stores)], error, callback)
        if len(theirs) == len(waiting):
            time.sleep(GENERATION_WAIT_S)
        waiting = theirs


def _owes(job: PreparedJob, load: Load, stores: Stores) -> bool:
    """Whether a job still needs a generation that the load should make, for itself or for its teacher."""
    if not stores.owed(job.run):
        return False
    runs = [job.run, *teachers_of([job.run.recipe] if isinstance(job.run, StudentRun) else [])]
    return any(request.key in load.may_make for run in runs for request in stores.owed(run))


def finish_jobs(jobs: Sequence[Job], callback: Callback, stores: Stores | None = None) -> None:
    """Score and write the run of every job whose generations are all stored. `stores`: those that are read anyway."""
    stores = stores or Stores()
    stores.refresh()
    for job in jobs:
        if _is_sound(job):
            with failing([job], callback):
                _finish(job, stores, callback)


def unfinished(jobs: Sequence[Job]) -> list[PreparedJob]:
    """The jobs without an error whose run is not finished."""
    return [job for job in jobs if _is_sound(job) and not job.run.finished]


def _is_sound(job: Job) -> TypeGuard[PreparedJob]:
    return job.run is not None and job.error is None


def fetch_models(jobs: Sequence[Job], callback: Callback) -> None:
    """Download the files of the jobs' models and adapters that are not here yet, each once. Reads no dataset."""
    fetched: set[str] = set()
    for job in jobs:
        if job.error is not None:
            fail([job], job.error, callback)
        elif job.experiment is not None:
            with failing([job], callback):
                _fetch(job.experiment, fetched, callback)


def _fetch(experiment: Experiment, fetched: set[str], callback: Callback) -> None:
    lora = distillation_of(experiment.lora)
    asked = [experiment] if lora is None else [experiment, teachers_experiment(experiment, lora)]
    here = [one for one in asked if one.engine.chosen()[0].needs_model()]
    for one in here:
        model = resolve.resolve(one.model)
        if f"{model.config.id}@{model.revision}" not in fetched:
            fetched.add(f"{model.config.id}@{model.revision}")
            callback.fetched(model, one.engine.chosen()[0].model_path(model))
    if experiment in here and isinstance(experiment.lora, ReadyAdapter):
        adapters.resolve_adapter(experiment.lora)


def _finish(job: PreparedJob, stores: Stores, callback: Callback) -> None:
    run = job.run
    fresh = not run.finished
    if fresh and run.folder.exists():
        callback.noticed(f"{run.folder} is damaged ({damage(run.folder)}); it is made anew of the kept generations.")
    try:
        folder = write_run(run, stores.of(run)) if fresh else run.folder
    except OSError as error:
        raise MissingError(
            f"{run.folder} cannot be written ({reason_of(error)}). The generations are stored; make room and run the "
            f"same command again."
        ) from None
    job.result, job.fresh = read_run(folder), fresh


def _check_loads(plan: Plan, jobs: Sequence[PreparedJob], callback: Callback, stores: Stores) -> None:
    """Fail the jobs whose model this machine cannot run, or whose files are damaged, before any model is loaded."""
    for load in plan.loads:
        with failing(jobs_of(load, jobs, stores), callback):
            check_load(load)
    for job in jobs:
        with failing([job], callback):
            adapter = None if job.run.adapter is None else job.run.adapter.path
            if adapter is not None and adapter.is_dir():  # one that is still to be trained is not
                check_whole(adapter)


def jobs_of(load: Load, jobs: Sequence[PreparedJob], stores: Stores) -> list[PreparedJob]:
    """The jobs that need some of the load's generations, for themselves or for their teachers."""
    runs = {id(run) for run in load.runs}
    return [job for job in jobs if id(job.run) in runs or _is_teacher_of(load, job.run, stores)]


def _is_teacher_of(load: Load, run: PreparedRun, stores: Stores) -> bool:
    teacher = run.recipe.teacher if isinstance(run, StudentRun) else None
    if teacher is None or _key(teacher) not in {_key(one) for one in load.runs}:
        return False
    return bool(stores.owed(run))


def _key(run: PreparedRun) -> tuple[str, ...]:
    return tuple(request.key for request in run.requests)


@contextlib.contextmanager
def failing(jobs: Sequence[Job], callback: Callback) -> Iterator[None]:
    """A HarError or a system's refusal inside the block fails these jobs and no others; the code after it goes on."""
    try:
        with system_refusals_told():
            yield
    except HarError as error:
        fail(jobs, error, callback)


def fail(jobs: Sequence[Job], error: HarError, callback: Callback) -> None:
    """Note the error in these jobs and report each. A job that has been reported keeps its first error."""
    for job in jobs:
        if not job.reported:
            job.error, job.reported = error, True
            callback.failed(job)
