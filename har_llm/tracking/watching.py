"""Several watchers as one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from har_llm.distill.examples import Selection
    from har_llm.engines.base import Generation
    from har_llm.models.resolve import ResolvedModel
    from har_llm.runs.manifest import Lesson
    from har_llm.sweep.execute import Watcher
    from har_llm.sweep.job import Job
    from har_llm.sweep.plan import Load, Plan


class Watchers:
    """A `sweep.Watcher` that tells several others, in order."""

    def __init__(self, *watchers: Watcher):
        self._watchers = watchers

    def failed(self, job: Job) -> None:
        for watcher in self._watchers:
            watcher.failed(job)

    def planned(self, plan: Plan) -> None:
        for watcher in self._watchers:
            watcher.planned(plan)

    def loading(self, load: Load) -> None:
        for watcher in self._watchers:
            watcher.loading(load)

    def made(self, generation: Generation) -> None:
        for watcher in self._watchers:
            watcher.made(generation)

    def learning(self, lesson: Lesson, selection: Selection, done: int) -> None:
        for watcher in self._watchers:
            watcher.learning(lesson, selection, done)

    def trains(self, lesson: Lesson, selection: Selection, about: Mapping[str, Any]) -> None:
        for watcher in self._watchers:
            watcher.trains(lesson, selection, about)

    def learned(self, step: int, loss: float) -> None:
        for watcher in self._watchers:
            watcher.learned(step, loss)

    def waits(self, lesson: Lesson, done: int, holder: str) -> None:
        for watcher in self._watchers:
            watcher.waits(lesson, done, holder)

    def fetched(self, model: ResolvedModel, folder: Path) -> None:
        for watcher in self._watchers:
            watcher.fetched(model, folder)
