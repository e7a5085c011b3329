"""Who is told what happens while a sweep is made: the base class of all callbacks, and several of them as one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from har_llm.distill.examples import Selection
    from har_llm.engines.base import Generation
    from har_llm.models.resolve import ResolvedModel
    from har_llm.runs.run import AdapterRecipe
    from har_llm.sweep.job import Job
    from har_llm.sweep.plan import Load, Plan


class Callback:
    """Its methods do nothing; a callback overrides those that it wants to hear of."""

    def failed(self, job: Job) -> None:
        """A job has failed; job.error says why."""

    def planned(self, plan: Plan) -> None:
        """All that will be made is known. Told again where another engine takes over what one could not make."""

    def loading(self, load: Load) -> None:
        """A model is about to be loaded."""

    def made(self, generation: Generation) -> None:
        """A generation is finished and kept."""

    def training_starts(self, recipe: AdapterRecipe, selection: Selection, done: int) -> None:
        """A training begins, or goes on after so many steps."""

    def training_described(self, recipe: AdapterRecipe, selection: Selection, about: Mapping[str, Any]) -> None:
        """The first step comes next. `about`: trainable_parameters, parameters, tokens (of all examples), optimizer.

        Also anew, which says why, where it cannot go on from what was done before.
        """

    def training_step(self, step: int, loss: float) -> None:
        """A step of the training is done."""

    def training_waits(self, recipe: AdapterRecipe, done: int, holder: str) -> None:
        """Another process trains the adapter, and has done so many steps. Told again and again; `holder` says who it is."""

    def fetched(self, model: ResolvedModel, folder: Path) -> None:
        """A model's files are in this folder."""


class Callbacks(Callback):
    """Tells several others, in order."""

    def __init__(self, *callbacks: Callback):
        self._callbacks = callbacks

    def failed(self, job: Job) -> None:
        for callback in self._callbacks:
            callback.failed(job)

    def planned(self, plan: Plan) -> None:
        for callback in self._callbacks:
            callback.planned(plan)

    def loading(self, load: Load) -> None:
        for callback in self._callbacks:
            callback.loading(load)

    def made(self, generation: Generation) -> None:
        for callback in self._callbacks:
            callback.made(generation)

    def training_starts(self, recipe: AdapterRecipe, selection: Selection, done: int) -> None:
        for callback in self._callbacks:
            callback.training_starts(recipe, selection, done)

    def training_described(self, recipe: AdapterRecipe, selection: Selection, about: Mapping[str, Any]) -> None:
        for callback in self._callbacks:
            callback.training_described(recipe, selection, about)

    def training_step(self, step: int, loss: float) -> None:
        for callback in self._callbacks:
            callback.training_step(step, loss)

    def training_waits(self, recipe: AdapterRecipe, done: int, holder: str) -> None:
        for callback in self._callbacks:
            callback.training_waits(recipe, done, holder)

    def fetched(self, model: ResolvedModel, folder: Path) -> None:
        for callback in self._callbacks:
            callback.fetched(model, folder)
