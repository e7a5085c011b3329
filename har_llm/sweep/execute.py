"""Any number of jobs, made together: planned, generated with each model loaded once, scored, and each answered for.

A job that fails fails alone: with its own sentence, while the others go on.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import cast

from har_llm.common.errors import HarError, MissingError
from har_llm.common.lock import HeldError
from har_llm.config import Experiment
from har_llm.distill.config import distillation_of
from har_llm.models import adapters, resolve
from har_llm.models.adapters import ReadyAdapter
from har_llm.runs.directory import read_run
from har_llm.runs.finish import finish
from har_llm.runs.prepare import prepare
from har_llm.runs.run import AdapterRecipe, PreparedRun
from har_llm.sweep.callbacks import Callback
from har_llm.sweep.generate import Environments, check_writable, make
from har_llm.sweep.job import Job
from har_llm.sweep.plan import Load, Plan, make_plan
from har_llm.sweep.train import check_recipe, learn, losses_so_far

WAIT_S = 5.0
STAGES = ("teaching", "recipes", "texts")
"""A teacher's texts, the adapters made from them, and all other texts."""


class PreparedJob(Job):
    """A job whose run is known; for type checkers only."""

    run: PreparedRun


def prepare_jobs(jobs: Sequence[Job], callback: Callback, *, planning: bool = False) -> None:
    """Read the data and find the models of all jobs; whatever cannot run is told before anything is loaded."""
    for job in jobs:
        if job.error is None:
            attempt([job], lambda job=job: _prepare(job, planning), callback)  # type: ignore[misc]
        elif not job.told:
            _tell(job, callback)


def run_jobs(jobs: Sequence[Job], callback: Callback) -> None:
    """Make, score and write every job's run that is not finished yet. What fails is noted in its job."""
    generate_jobs(jobs, callback)
    finish_jobs(jobs, callback)


def generate_jobs(jobs: Sequence[Job], callback: Callback, upto: str = STAGES[-1]) -> None:
    """Make every adapter and every text that the jobs owe, each model loaded once. `upto`: the last of STAGES that is done.

    Two engines may owe the same text. Where the one that was to make it fails, its job fails, and the other's turn comes.
    """
    prepare_jobs(jobs, callback)
    for outputs in dict.fromkeys(job.run.outputs for job in unfinished(jobs)):
        hit = [job for job in unfinished(jobs) if job.run.outputs == outputs]
        attempt(hit, lambda outputs=outputs: check_writable(outputs), callback)  # type: ignore[misc]
    while waiting := unfinished(jobs):
        attempt_each(waiting, lambda job: check_recipe(job.run), callback)
        plan = make_plan([job.run for job in unfinished(jobs)])
        environments = _check_loads(plan, waiting, callback)
        if all(job.error is None for job in waiting):
            callback.planned(plan)
            _make_loads(plan.teaching, environments, waiting, callback)
            if upto != STAGES[0]:
                _teach(plan, jobs, callback)
            if upto == STAGES[-1]:
                attempt_each(unfinished(jobs), lambda job: check_recipe(job.run), callback)
                rest = make_plan([job.run for job in unfinished(jobs)]).loads
                _make_loads(rest, _environments(rest), waiting, callback)
        if all(job.error is None for job in waiting):
            return


def _teach(plan: Plan, jobs: Sequence[Job], callback: Callback) -> None:
    """Train the adapters. Those that other processes train come last, and are waited for."""
    waiting = list(plan.recipes)
    while waiting:
        held = []
        for recipe in waiting:
            dependents = dependents_of(recipe, unfinished(jobs))
            try:
                if dependents:
                    learn(recipe, callback)
            except HeldError as error:
                held.append((recipe, str(error)))
            except HarError as error:
                fail(dependents, error, callback)
        if len(held) == len(waiting):
            recipe, holder = held[0]
            callback.training_waits(recipe, len(losses_so_far(recipe)), holder)
            time.sleep(WAIT_S)
        waiting = [recipe for recipe, _ in held]


def dependents_of(recipe: AdapterRecipe, jobs: Sequence[PreparedJob]) -> list[PreparedJob]:
    """The jobs that wait for the adapter."""
    taught = [job for job in jobs if job.run.recipe is not None and job.run.recipe.key == recipe.key]
    return [job for job in taught if not job.run.complete()]


def _make_loads(
    loads: Sequence[Load], environments: Mapping[int, Environments], jobs: Sequence[PreparedJob], callback: Callback
) -> None:
    for load in loads:
        callback.loading(load)
        try:
            make(load, environments[id(load)], callback.made)
        except HarError as error:
            # What was made before it failed is kept, and may be all that some of the jobs were waiting for.
            fail([job for job in jobs_of(load, jobs) if _owes(job, load)], error, callback)


def _owes(job: PreparedJob, load: Load) -> bool:
    """Whether a job still waits for a text that the load was to make: for itself, or for its teacher."""
    if job.run.complete():
        return False
    runs = [job.run] if job.run.recipe is None else [job.run, job.run.recipe.teacher]
    return any(request.key in load.asked_by for run in runs for request in run.owed(run.open_store()))


def finish_jobs(jobs: Sequence[Job], callback: Callback) -> None:
    """Score and write the run of every job whose texts are all there."""
    for job in jobs:
        if job.run is not None and job.error is None:
            attempt([job], lambda job=job: _finish(job), callback)  # type: ignore[misc]


def unfinished(jobs: Sequence[Job]) -> list[PreparedJob]:
    """The jobs that are sound and whose run is not complete."""
    sound = [job for job in jobs if job.run is not None and job.error is None]
    return cast("list[PreparedJob]", [job for job in sound if job.run is not None and not job.run.finished])


def fetch_models(jobs: Sequence[Job], callback: Callback) -> None:
    """Fetch what the jobs' models and adapters lack, each once; data are not needed for it. Raises nothing: jobs fail."""
    fetched: set[str] = set()
    for job in jobs:
        if job.error is not None:
            fail([job], job.error, callback)
        elif job.experiment is not None and job.experiment.engine.chosen()[0].needs_model():
            attempt([job], lambda job=job: _fetch(job.experiment, fetched, callback), callback)  # type: ignore[misc]


def _fetch(experiment: Experiment, fetched: set[str], callback: Callback) -> None:
    distilled = distillation_of(experiment.lora)
    for config in [experiment.model] if distilled is None else [experiment.model, distilled.teacher]:
        model = resolve.resolve(config)
        if f"{model.config.id}@{model.revision}" not in fetched:
            fetched.add(f"{model.config.id}@{model.revision}")
            callback.fetched(model, resolve.obtain(model))
    if isinstance(experiment.lora, ReadyAdapter):
        adapters.resolve_adapter(experiment.lora)


def _prepare(job: Job, planning: bool) -> None:
    assert job.experiment is not None
    job.run = prepare(job.experiment, planning=planning)


def _finish(job: Job) -> None:
    assert job.run is not None
    fresh = not job.run.finished
    try:
        folder = finish(job.run) if fresh else job.run.folder
    except OSError as error:
        raise MissingError(
            f"{job.run.folder} cannot be written ({error.strerror or error}). The texts are kept; make room and run the "
            f"same command again."
        ) from None
    read_run(folder)  # refuses one that is damaged
    job.folder, job.fresh = folder, fresh


def _check_loads(plan: Plan, jobs: Sequence[PreparedJob], callback: Callback) -> dict[int, Sequence[Mapping[str, str]]]:
    """The environments of each load's processes, for the loads that this machine can do; the others' jobs fail."""
    found: dict[int, Sequence[Mapping[str, str]]] = {}

    def check(load: Load) -> None:
        if load.engine.needs_model():
            resolve.check_memory(load.model, *load.engine.memory(), load.engine.weights_share())
        found[id(load)] = load.engine.replicas(resolve.weight_bytes(load.model))

    for load in plan.loads:
        attempt(jobs_of(load, jobs), lambda load=load: check(load), callback)  # type: ignore[misc]
    return found


def _environments(loads: Sequence[Load]) -> dict[int, Environments]:
    return {id(load): load.engine.replicas(resolve.weight_bytes(load.model)) for load in loads}


def jobs_of(load: Load, jobs: Sequence[PreparedJob]) -> list[PreparedJob]:
    """The jobs that wait for some of what the load makes, themselves or by their teachers."""
    taught = {id(run) for run in load.runs}
    return [job for job in jobs if id(job.run) in taught or _is_taught_by(load, job.run)]


def _is_taught_by(load: Load, run: PreparedRun) -> bool:
    if run.recipe is None or _key(run.recipe.teacher) not in {_key(one) for one in load.runs}:
        return False
    return not run.complete()


def _key(run: PreparedRun) -> tuple[str, ...]:
    return tuple(request.key for request in run.requests)


def attempt_each(jobs: Sequence[PreparedJob], step: Callable[[PreparedJob], object], callback: Callback) -> None:
    """Do a step for each of the jobs; one for which it fails fails alone."""
    for job in jobs:
        attempt([job], lambda job=job: step(job), callback)  # type: ignore[misc, arg-type]


def attempt(jobs: Sequence[Job], step: Callable[[], None], callback: Callback) -> None:
    """Do a step for these jobs. When it fails, so do they, and the others do not."""
    try:
        step()
    except HarError as error:
        fail(jobs, error, callback)


def fail(jobs: Sequence[Job], error: HarError, callback: Callback) -> None:
    for job in jobs:
        job.error = error
        _tell(job, callback)


def _tell(job: Job, callback: Callback) -> None:
    job.told = True
    callback.failed(job)
