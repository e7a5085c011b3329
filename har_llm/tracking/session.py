"""A command's tracking: it watches the jobs being made, publishes what is finished, and says in the end where that is.

Whatever goes wrong here is one sentence; no result and no exit code depends on it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from har_llm.common.digest import digest
from har_llm.common.text import visible
from har_llm.config import NO_RESULT, WandbTracker
from har_llm.sweep.callbacks import Callback, Callbacks
from har_llm.sweep.job import Job

if TYPE_CHECKING:
    from har_llm.distill.examples import Selection
    from har_llm.runs.manifest import AdapterRecipe
    from har_llm.sweep.plan import Load, Plan
    from har_llm.tracking.publisher import Publisher


@contextmanager
def tracking(jobs: Sequence[Job], *, publishing: bool = True) -> Iterator[Tracking]:
    """Track these jobs as their configs say. Leaving it waits until everything has arrived, or cannot; an error does not.

    `publishing`: whether this command will publish runs, and not only show trainings.
    """
    tracked = Tracking(jobs, publishing)
    try:
        yield tracked
        tracked.wait()
    finally:
        tracked.close()


class Tracking(Callback):
    """A `sweep.Callback` that publishes. Without a job that wants it, it does nothing and imports nothing."""

    def __init__(self, jobs: Sequence[Job], publishing: bool):
        self._publishing = publishing
        self._publishers: dict[str, Publisher] = {}
        self._jobs = [job for job in jobs if job.experiment is not None and job.experiment.tracker.publishes]
        self._training: tuple[AdapterRecipe, Publisher] | None = None
        self._said: list[str] = []
        if self._jobs:
            settle_groups(self._jobs)

    def beside(self, *others: Callback) -> Callback:
        """All of them as one callback."""
        if not self._jobs and len(others) == 1:
            return others[0]
        return Callbacks(*others, self)

    def publish(self, jobs: Sequence[Job]) -> None:
        """Begin to publish the finished runs of these jobs."""
        with self._softly():
            self._end_training()
            for publisher, mine in self._by_publisher(jobs):
                from har_llm.tracking.publishing import publish_runs

                publish_runs(publisher, [job.folder for job in mine if job.folder is not None])

    def wait(self) -> None:
        with self._softly():
            self._end_training()
            for publisher in self._publishers.values():
                publisher.wait()
        if self._publishers:
            from har_llm.tracking.sync import sentences

            self._said += [text for publisher in self._publishers.values() for text in sentences(publisher)]
        for text in dict.fromkeys(self._said):
            print(visible(text), file=sys.stderr, flush=True)

    def close(self) -> None:
        for publisher in self._publishers.values():
            publisher.close()

    @contextmanager
    def _softly(self) -> Iterator[None]:
        """Whatever goes wrong in here costs a sentence, never a training or a result."""
        try:
            yield
        except Exception as error:
            fault = f"{type(error).__name__}: {error}".rstrip(".")
            self._said.append(f"W&B is not told everything ({fault}). The results are complete; task=sync publishes them.")

    def _by_publisher(self, jobs: Iterable[Job]) -> list[tuple[Publisher, list[Job]]]:
        found: dict[int, tuple[Publisher, list[Job]]] = {}
        for job in jobs:
            if any(job is one for one in self._jobs):
                publisher = self._publisher(job)
                found.setdefault(id(publisher), (publisher, []))[1].append(job)
        return list(found.values())

    def _publisher(self, job: Job) -> Publisher:
        """One for each project, group and outputs folder; jobs of a sweep may differ in them."""
        from har_llm.config import WandbTracker
        from har_llm.tracking.publisher import Publisher

        assert job.experiment is not None
        tracker, outputs = job.experiment.tracker, job.experiment.settings.paths.outputs
        assert isinstance(tracker, WandbTracker)
        key = f"{tracker!r} {outputs!r}"
        if key not in self._publishers:
            self._publishers[key] = Publisher(tracker, outputs)
        return self._publishers[key]

    # What a callback is told.

    def planned(self, plan: Plan) -> None:
        """Something is going to be made, so there will be something to publish: the client is imported meanwhile."""
        with self._softly():
            for job in self._jobs if self._publishing else ():
                if job.run is not None and job.error is None:
                    self._publisher(job).start()

    def loading(self, load: Load) -> None:
        with self._softly():
            self._end_training()

    def training_waits(self, recipe: AdapterRecipe, done: int, holder: str) -> None:
        with self._softly():
            self._end_training()

    def failed(self, job: Job) -> None:
        with self._softly():
            self._end_training()

    def training_starts(self, recipe: AdapterRecipe, selection: Selection, done: int) -> None:
        with self._softly():
            self._end_training()
            dependent = next((job for job in self._jobs if _learns(job, recipe)), None)
            if dependent is not None:
                from har_llm.tracking.publishing import begin_training

                publisher = self._publisher(dependent)
                begin_training(publisher, recipe, selection)
                self._training = recipe, publisher

    def training_step(self, step: int, loss: float) -> None:
        if self._training is not None:
            self._training[1].tell("loss", step=step, loss=loss)

    def _end_training(self) -> None:
        """Its adapter is in place by now, or will not be."""
        if self._training is not None:
            from har_llm.tracking.publishing import end_training

            (recipe, publisher), self._training = self._training, None
            end_training(publisher, recipe)


def _learns(job: Job, recipe: AdapterRecipe) -> bool:
    return job.run is not None and job.run.recipe is not None and job.run.recipe.key == recipe.key


def settle_groups(jobs: Sequence[Job]) -> None:
    """Name the group of every job that has none: its experiment, or else the sweep; a job alone keeps none.

    The name goes into the run's config as well, which is written into its directory: whoever publishes the run later, from
    its directory alone, gets the same group.
    """
    sweep = _digest(jobs) if len(jobs) > 1 else None
    for job in jobs:
        assert job.experiment is not None
        tracker = job.experiment.tracker
        if isinstance(tracker, WandbTracker) and tracker.group is None:
            tracker.group = job.choice or sweep
            job.experiment.source["tracker"] = {**job.experiment.source["tracker"], "group": tracker.group}


def _digest(jobs: Sequence[Job]) -> str:
    """The same for the same sweep, so that one that is gone on with stays in its group."""
    sources = [job.experiment.source for job in jobs if job.experiment is not None]
    kept = [{name: value for name, value in source.items() if name not in NO_RESULT} for source in sources]
    return f"sweep-{digest(sorted(digest(one) for one in kept))[:8]}"
