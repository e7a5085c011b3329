"""Plans any number of runs together: each generation is made once, and each model is loaded once for all of them.

Nothing here loads a model; a plan is made from prepared runs and the store.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from har_llm.common.digest import canonical
from har_llm.engines.base import Request
from har_llm.engines.config import EngineConfig
from har_llm.models.resolve import ResolvedModel
from har_llm.runs.recipe import AdapterRecipe, StudentRun
from har_llm.runs.run import PreparedRun
from har_llm.sweep.read_once import Stores

CHARACTERS_PER_TOKEN = 3.5
"""Of English text and JSON in the vocabularies of current models; used only where the tokenizer is not at hand."""


def characters(request: Request) -> int:
    return sum(len(message["content"]) for message in request.messages)


@dataclass(frozen=True)
class Load:
    """One start of an engine with a model, and all its requests."""

    runs: Sequence[PreparedRun]
    """The runs that need some of its generations, in the order of their jobs."""
    asked_by: Mapping[str, PreparedRun]
    """By key: the first run that asks for the generation; it is stored in that run's store."""
    further: int = 0
    """Number of generations that may be asked for after these, if these are not enough."""

    @cached_property
    def requests(self) -> list[Request]:
        """The requests in the order of the jobs, so that prompts with the same beginning follow each other."""
        wanted: dict[str, Request] = {}
        for run in self.runs:
            for request in run.requests:
                if request.key in self.asked_by:
                    wanted.setdefault(request.key, request)
        return list(wanted.values())

    @property
    def may_make(self) -> set[str]:
        """The keys of all generations that the load may come to ask for."""
        sampled = (run for run in self.runs if run.enough is not None)
        return {*self.asked_by, *(request.key for run in sampled for request in run.requests)}

    @cached_property
    def longest(self) -> int:
        """Most tokens of a prompt and its generation together, estimated from the prompts' characters."""
        lengths = [
            int(characters(request) / CHARACTERS_PER_TOKEN) + request.decoding.sampling.max_new_tokens
            for request in self.requests
        ]
        return min(max(lengths), self.model.config.context or max(lengths))

    @property
    def engine(self) -> EngineConfig:
        return self.runs[0].engine

    @property
    def model(self) -> ResolvedModel:
        return self.runs[0].model

    @property
    def is_baseline(self) -> bool:
        """Whether no model is loaded: a baseline answers in this process, in seconds."""
        return self.runs[0].given is not None

    @property
    def notes(self) -> list[str]:
        """What to know of the files that stand for its model and its adapters, each once."""
        return list(dict.fromkeys(note for run in self.runs for note in run.notes))

    @property
    def identity(self) -> dict[str, Any]:
        """What is loaded: the same for two loads that differ only in their requests."""
        return load_identity(self.runs[0])


@dataclass(frozen=True)
class Plan:
    """What is to be made, in order: the teachers' loads, the adapters, all other loads."""

    runs: Sequence[PreparedRun]
    teacher_loads: Sequence[Load]
    """The loads of the teachers of the adapters to train, with all other requests of the runs to the same models."""
    recipes: Sequence[AdapterRecipe]
    """The adapters to train, each once."""
    other_loads: Sequence[Load]
    wanted: int
    """Number of generations of the runs and of the teachers of the adapters to train, each counted once: the stored and the
    owed ones."""
    of_baselines: int = 0
    """How many of those are a baseline's, which takes seconds for all of them."""

    @property
    def loads(self) -> list[Load]:
        return [*self.teacher_loads, *self.other_loads]

    @property
    def owed(self) -> int:
        return sum(len(load.asked_by) for load in self.loads)

    @property
    def further(self) -> int:
        """Number of generations that may be owed after these, if these are not enough."""
        return sum(load.further for load in self.loads)


def teachers_of(recipes: Iterable[AdapterRecipe]) -> list[PreparedRun]:
    return [teacher for recipe in recipes if (teacher := recipe.teacher) is not None]


def make_plan(runs: Sequence[PreparedRun], stores: Stores) -> Plan:
    """The plan of what these runs owe. Raises MissingError for an adapter that may not be read."""
    # A run whose generations are all stored needs neither its adapter nor its teacher's generations.
    dependents = [run for run in runs if isinstance(run, StudentRun) and stores.owed(run)]
    recipes = {run.recipe.key: run.recipe for run in dependents if stores.weights(run.recipe) is None}
    teachers = teachers_of(recipes.values())
    teachers_models = {canonical(load_identity(teacher)) for teacher in teachers}
    first, others = list(teachers), list[PreparedRun]()
    for run in runs:
        untrained = isinstance(run, StudentRun) and run.recipe.key in recipes
        later = untrained or canonical(load_identity(run)) not in teachers_models
        (others if later else first).append(run)
    wanted = _wanted([*runs, *teachers], stores)
    of_baselines = _wanted([run for run in runs if run.experiment.baseline is not None], stores)
    return Plan(list(runs), _loads(first, stores), list(recipes.values()), _loads(others, stores), wanted, of_baselines)


def _wanted(runs: Iterable[PreparedRun], stores: Stores) -> int:
    return len({(run.outputs, key) for run in runs for key in stores.wanted(run)})


def next_round(load: Load, stores: Stores) -> Load | None:
    """What the runs of a load owe after its generations, because those were not enough; None if nothing."""
    sampled = [run for run in load.runs if run.enough is not None]
    if sampled:
        stores.refresh()
    return next(iter(_loads(sampled, stores)), None)


def _loads(runs: Sequence[PreparedRun], stores: Stores) -> list[Load]:
    """The loads of what these runs owe, one for each model. The order of the runs changes only the order of the loads."""
    waiting: dict[str, list[PreparedRun]] = {}
    asked: dict[str, dict[str, PreparedRun]] = {}
    for run in runs:
        owed = stores.owed(run)
        if not owed:
            continue
        group = canonical([str(run.outputs), load_identity(run)])
        waiting.setdefault(group, []).append(run)
        for request in owed:
            # Two runs may owe the same generation: the first one asks for it, and both find it in the store.
            asked.setdefault(group, {}).setdefault(request.key, run)
    loads: dict[str, Load] = {}
    taken: set[tuple[Path, str]] = set()
    # So may two engines whose settings change no generation: the one with more requests makes it.
    for group in sorted(asked, key=lambda group: -len(asked[group])):
        outputs = waiting[group][0].outputs
        mine = {key: run for key, run in asked[group].items() if (outputs, key) not in taken}
        taken.update((outputs, key) for key in mine)
        runs_of_load = [run for run in waiting[group] if any(request.key in mine for request in run.requests)]
        further = sum(run.further(stores.of(run)) for run in runs_of_load if run.enough is not None)
        loads[group] = Load(runs_of_load, mine, further)
    return [loads[group] for group in waiting if loads[group].asked_by]


def load_identity(run: PreparedRun) -> dict[str, Any]:
    """Runs with the same value share an engine; their adapters, sampling and prompts may differ."""
    model = run.experiment.model
    reads = run.engine.needs_model()
    return {
        "engine": [type(run.engine).__qualname__, dataclasses.asdict(run.engine)],
        "model": [run.model.revision if reads else model.id, model.id if not run.model.local else "local"],
        "dtype": model.dtype,
        "context": model.context,
        "trust_remote_code": model.trust_remote_code,
        "reasoning_marks": model.reasoning_marks,
        # An engine that constrains answers looks for the end of the reasoning in all generations or in none.
        "constrained": model.thinking if run.experiment.decoding.structured else None,
    }
