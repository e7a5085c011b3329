"""Jobs made together, with every call of their callback noted."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from har_llm.distill.examples import Selection
from har_llm.distill.training_messages import TrainingStart, TrainingStep
from har_llm.engines.base import Generation
from har_llm.models.resolve import ResolvedModel
from har_llm.runs.recipe import AdapterRecipe
from har_llm.sweep import execute
from har_llm.sweep.callbacks import Callback
from har_llm.sweep.job import Job
from har_llm.sweep.plan import Load, Plan


@dataclass
class Notes(Callback):
    """A callback that notes every call, and may do something when a generation is made."""

    on_generated: Callable[[int], None] = lambda count: None
    plans: list[Plan] = field(default_factory=list)
    loads: list[Load] = field(default_factory=list)
    failures: list[Job] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    folders: list[Path] = field(default_factory=list)
    recipes: list[AdapterRecipe] = field(default_factory=list)
    trained: list[tuple[Selection, TrainingStart]] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)
    waited: list[int] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def failed(self, job: Job) -> None:
        self.failures.append(job)

    def noticed(self, what: str) -> None:
        self.notes.append(what)

    def planned(self, plan: Plan) -> None:
        self.plans.append(plan)

    def loading(self, load: Load) -> None:
        self.loads.append(load)

    def generated(self, generation: Generation) -> None:
        self.keys.append(generation.key)
        self.on_generated(len(self.keys))

    def training_starts(self, recipe: AdapterRecipe, selection: Selection, done: int) -> None:
        self.recipes.append(recipe)

    def training_described(self, recipe: AdapterRecipe, selection: Selection, start: TrainingStart) -> None:
        self.trained.append((selection, start))

    def training_step(self, step: TrainingStep) -> None:
        self.steps.append(step.number)

    def training_waits(self, recipe: AdapterRecipe, done: int, holder: str) -> None:
        self.waited.append(done)

    def fetched(self, model: ResolvedModel, folder: Path) -> None:
        self.folders.append(folder)


def done(*jobs: Job, callback: Notes | None = None) -> Notes:
    callback = callback or Notes()
    execute.run_jobs(jobs, callback)
    return callback


def kept(folder: Path) -> list[str]:
    """The keys of all stored generations."""
    shards = sorted(folder.glob("outputs/store/generations/*/*.jsonl"))
    return [json.loads(line)["key"] for shard in shards for line in shard.read_text().splitlines()]
