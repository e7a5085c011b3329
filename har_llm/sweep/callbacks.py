"""Callbacks, to which a sweep reports its progress: their base class, and a callback that combines several."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from har_llm.distill.examples import Selection
    from har_llm.distill.training_messages import TrainingStart, TrainingStep
    from har_llm.engines.base import Generation
    from har_llm.models.resolve import ResolvedModel
    from har_llm.runs.recipe import AdapterRecipe
    from har_llm.sweep.job import Job
    from har_llm.sweep.plan import Load, Plan


class Callback:
    """Its methods do nothing; a callback overrides those that it needs."""

    def failed(self, job: Job) -> None:
        """A job has failed; job.error says why."""

    def noticed(self, what: str) -> None:
        """Something is not as it should be, and is put right: a sentence for the user."""

    def planned(self, plan: Plan) -> None:
        """The plan is made. Called again when an engine has failed and another one takes over its work."""

    def loading(self, load: Load) -> None:
        """A model is about to be loaded."""

    def generated(self, generation: Generation) -> None:
        """A generation is finished and stored."""

    def generation_waits(self, load: Load, holder: str) -> None:
        """Another process (`holder` says which) makes the generations of this load. Called every second."""

    def further(self, load: Load) -> None:
        """The loaded model is asked for further generations, because the earlier ones were not enough."""

    def training_starts(self, recipe: AdapterRecipe, selection: Selection, done: int) -> None:
        """A training begins, or resumes after `done` steps."""

    def training_described(self, recipe: AdapterRecipe, selection: Selection, start: TrainingStart) -> None:
        """The first step is about to begin, on these examples."""

    def training_step(self, step: TrainingStep) -> None:
        """A step of the training is done."""

    def training_ends(self, recipe: AdapterRecipe) -> None:
        """The adapter is in its place."""

    def training_waits(self, recipe: AdapterRecipe, done: int, holder: str) -> None:
        """Another process (`holder` says which) trains the adapter and has done `done` steps. Called every few seconds."""

    def fetched(self, model: ResolvedModel, folder: Path) -> None:
        """A model's files are in this folder."""


class Callbacks(Callback):
    """Passes every call on to several callbacks, in order."""

    def __init__(self, *callbacks: Callback):
        self._callbacks = callbacks

    def failed(self, job: Job) -> None:
        for callback in self._callbacks:
            callback.failed(job)

    def noticed(self, what: str) -> None:
        for callback in self._callbacks:
            callback.noticed(what)

    def planned(self, plan: Plan) -> None:
        for callback in self._callbacks:
            callback.planned(plan)

    def loading(self, load: Load) -> None:
        for callback in self._callbacks:
            callback.loading(load)

    def generated(self, generation: Generation) -> None:
        for callback in self._callbacks:
            callback.generated(generation)

    def generation_waits(self, load: Load, holder: str) -> None:
        for callback in self._callbacks:
            callback.generation_waits(load, holder)

    def further(self, load: Load) -> None:
        for callback in self._callbacks:
            callback.further(load)

    def training_starts(self, recipe: AdapterRecipe, selection: Selection, done: int) -> None:
        for callback in self._callbacks:
            callback.training_starts(recipe, selection, done)

    def training_described(self, recipe: AdapterRecipe, selection: Selection, start: TrainingStart) -> None:
        for callback in self._callbacks:
            callback.training_described(recipe, selection, start)

    def training_step(self, step: TrainingStep) -> None:
        for callback in self._callbacks:
            callback.training_step(step)

    def training_ends(self, recipe: AdapterRecipe) -> None:
        for callback in self._callbacks:
            callback.training_ends(recipe)

    def training_waits(self, recipe: AdapterRecipe, done: int, holder: str) -> None:
        for callback in self._callbacks:
            callback.training_waits(recipe, done, holder)

    def fetched(self, model: ResolvedModel, folder: Path) -> None:
        for callback in self._callbacks:
            callback.fetched(model, folder)
