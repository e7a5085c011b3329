"""A command's tracking: a callback that shows generating and trainings live, and publishes finished runs.

Any failure here is reported in one sentence; results and exit codes do not depend on it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from har_llm.common.digest import digest
from har_llm.common.errors import ConfigError
from har_llm.common.numbers import counted
from har_llm.common.text import visible
from har_llm.common.typed_json import plain
from har_llm.config.experiment import NO_RESULT
from har_llm.config.tracker import WandbTracker
from har_llm.models.adapters import NO_ADAPTER
from har_llm.runs.adapter_files import adapter_origin, adapter_weights
from har_llm.runs.recipe import AdapterRecipe, StudentRun
from har_llm.sweep.callbacks import Callback
from har_llm.sweep.job import Job
from har_llm.sweep.train import steps_so_far
from har_llm.tracking import progress
from har_llm.tracking.live import Training, training_id
from har_llm.tracking.outcomes import Published
from har_llm.tracking.publisher import Publisher
from har_llm.tracking.sync import publish_runs, sentences

if TYPE_CHECKING:
    from har_llm.distill.examples import Selection
    from har_llm.distill.training_messages import TrainingStep
    from har_llm.engines.base import Generation
    from har_llm.sweep.plan import Load, Plan


@contextmanager
def tracking(jobs: Sequence[Job], *, publishing: bool = True) -> Iterator[Tracking]:
    """Track these jobs as their configs say. At the end of the block it waits for all outcomes, unless there was an error.

    `publishing`: whether this command will publish runs, or only show what goes on. Raises ConfigError for several jobs with
    one W&B id, which W&B would merge into one run.
    """
    check_single(jobs)
    tracked = Tracking(jobs, publishing)
    try:
        yield tracked
        tracked.wait()
    finally:
        tracked.close()


class Tracking(Callback):
    """Publishes the jobs whose tracker publishes; if there is none, it starts no process."""

    def __init__(self, jobs: Sequence[Job], publishing: bool):
        self._publishing = publishing
        self._publishers: dict[str, Publisher] = {}
        self._jobs = [job for job in jobs if job.experiment is not None and job.experiment.tracker.publishes]
        self._training: tuple[AdapterRecipe, Job, Publisher] | None = None
        self._generating: tuple[Published, progress.Progress, Publisher] | None = None
        self._messages: list[str] = []
        name_groups(self._jobs)

    def publish(self, jobs: Sequence[Job]) -> None:
        """Start to publish the finished runs of these jobs."""
        with self._without_failing():
            self._end_live()
            for publisher, its_jobs in self._by_publisher(jobs):
                publish_runs(publisher, [job.folder for job in its_jobs if job.folder is not None])

    def wait(self) -> None:
        """Wait until everything has an outcome, then print the outcomes."""
        with self._without_failing():
            self._end_live()
            for publisher in self._publishers.values():
                publisher.wait()
        self._messages += [text for publisher in self._publishers.values() for text in sentences(publisher)]
        for text in dict.fromkeys(self._messages):
            print(visible(text), file=sys.stderr, flush=True)

    def close(self) -> None:
        for publisher in self._publishers.values():
            publisher.close()

    @contextmanager
    def _without_failing(self) -> Iterator[None]:
        """Turn any error inside the block into a message, so that no training and no result is lost."""
        try:
            yield
        except Exception as error:
            fault = f"{type(error).__name__}: {error}".rstrip(".")
            self._messages.append(
                f"Not everything was published to W&B ({fault}). The results are complete; task=sync publishes them."
            )

    def _by_publisher(self, jobs: Iterable[Job]) -> list[tuple[Publisher, list[Job]]]:
        found: dict[int, tuple[Publisher, list[Job]]] = {}
        for job in jobs:
            if job.experiment is not None and job.experiment.tracker.publishes:
                publisher = self._publisher(job)
                found.setdefault(id(publisher), (publisher, []))[1].append(job)
        return list(found.values())

    def _publisher(self, job: Job) -> Publisher:
        """The job's publisher. Jobs of a sweep may differ in project, group and outputs folder; each has a publisher."""
        assert job.experiment is not None
        tracker, outputs = job.experiment.tracker, job.experiment.settings.paths.outputs
        assert isinstance(tracker, WandbTracker)
        key = f"{tracker!r} {outputs!r}"
        if key not in self._publishers:
            self._publishers[key] = Publisher(tracker, outputs)
        return self._publishers[key]

    # The methods of Callback.

    def planned(self, plan: Plan) -> None:
        """Start to import the client, because there will be something to publish."""
        with self._without_failing():
            for job in self._jobs if self._publishing else ():
                if job.run is not None and job.error is None:
                    self._publisher(job).start()

    def loading(self, load: Load) -> None:
        """Show the model's generations from now on, with those of earlier commands."""
        with self._without_failing():
            self._end_live()
            asking = [] if load.is_baseline else [job for job in self._jobs if progress.asks_for(job, load)]
            if asking and (begun := progress.begin(load, asking)) is not None:
                generating, so_far = begun
                publisher = self._publisher(asking[0])
                publisher.send("generating", generating=plain(generating), group=_group(publisher, asking[0]))
                self._generating = Published(generating.id, generating.name, reported=False), so_far, publisher

    def further(self, load: Load) -> None:
        if self._generating is not None:
            self._generating[1].wanted += len(load.requests)

    def generated(self, generation: Generation) -> None:
        with self._without_failing():
            if self._generating is not None and (step := self._generating[1].add(generation)) is not None:
                self._generating[2].send("step", step=plain(step))

    def training_waits(self, recipe: AdapterRecipe, done: int, holder: str) -> None:
        with self._without_failing():
            self._end_live()

    def failed(self, job: Job) -> None:
        with self._without_failing():
            self._end_live()

    def training_starts(self, recipe: AdapterRecipe, selection: Selection, done: int) -> None:
        """Show the training from now on, with the steps of earlier commands."""
        with self._without_failing():
            self._end_live()
            dependent = next((job for job in self._jobs if _depends_on(job, recipe)), None)
            if dependent is not None:
                publisher = self._publisher(dependent)
                origin, steps = adapter_origin(recipe, selection), steps_so_far(recipe)
                training = Training(recipe.folder.name, recipe.provenance, origin, steps)
                publisher.send("training", training=plain(training), group=_group(publisher, dependent))
                self._training = recipe, dependent, publisher

    def training_step(self, step: TrainingStep) -> None:
        if self._training is not None:
            self._training[2].send("step", step=plain(step))

    def _end_live(self) -> None:
        """End what is shown. A training that succeeded has its adapter in place by now."""
        if self._generating is not None:
            (published, so_far, publisher), self._generating = self._generating, None
            publisher.ask(published, "generated" if so_far.number == so_far.wanted else "dropped")
        if self._training is None:
            return
        (recipe, dependent, publisher), self._training = self._training, None
        name, id = recipe.folder.name, training_id(recipe.key)
        if adapter_weights(recipe) is not None:
            group = _group(publisher, dependent)
            publisher.ask(Published(id, name), "trained", folder=str(recipe.folder), group=group)
        else:
            publisher.ask(Published(id, name, reported=False), "dropped")


def _depends_on(job: Job, recipe: AdapterRecipe) -> bool:
    return isinstance(job.run, StudentRun) and job.run.recipe.key == recipe.key


def _group(publisher: Publisher, job: Job) -> str:
    """The group of a job whose run directory does not exist yet."""
    experiment = job.experiment
    assert experiment is not None
    lora = [experiment.lora.label()] if experiment.lora.name != NO_ADAPTER else []
    pieces = (experiment.dataset.name, experiment.model.name, *lora, experiment.split.part)
    return publisher.tracker.group or "-".join(pieces)


def check_single(jobs: Sequence[Job]) -> None:
    trackers = [job.experiment.tracker for job in jobs if job.experiment is not None]
    ids = [tracker.run_id for tracker in trackers if isinstance(tracker, WandbTracker) and tracker.run_id is not None]
    if len(ids) > 1:
        raise ConfigError(
            f"tracker.run_id is {ids[0]!r} for {counted(len(ids), 'job')}, which W&B would merge into one run; unset "
            f"WANDB_RUN_ID, or leave tracker.run_id out."
        )


def name_groups(jobs: Sequence[Job]) -> None:
    """Name the group of every job without one, after its experiment or else the sweep; a single job keeps none.

    The name also goes into the run's config in its directory, so that publishing the run later uses the same group.
    """
    sweep = _sweep_name(jobs) if len(jobs) > 1 else None
    for job in jobs:
        assert job.experiment is not None
        tracker = job.experiment.tracker
        if isinstance(tracker, WandbTracker) and tracker.group is None:
            tracker.group = job.choice or sweep
            job.experiment.source["tracker"] = {**job.experiment.source["tracker"], "group": tracker.group}


def _sweep_name(jobs: Sequence[Job]) -> str:
    """A name from the sweep's settings, so that a resumed sweep stays in its group."""
    sources = [job.experiment.source for job in jobs if job.experiment is not None]
    kept = [{name: value for name, value in source.items() if name not in NO_RESULT} for source in sources]
    return f"sweep-{digest(sorted(digest(one) for one in kept))[:8]}"
