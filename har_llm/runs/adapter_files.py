"""The adapter of a recipe on disk: whether it is there and intact, what it is trained on, and what its files say."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from har_llm.common.errors import MissingError
from har_llm.config.experiment import Experiment
from har_llm.distill.examples import UNLABELLED, Candidate, Selection, select, why_refused, why_unusable
from har_llm.distill.examples_config import ExampleSettings
from har_llm.distill.given_examples import GivenExamples
from har_llm.distill.manifest import AdapterOrigin, Teacher, read_manifest
from har_llm.models.adapters import ADAPTER_FILES, adapter_digest
from har_llm.models.config import EMBEDDED_PREFIX
from har_llm.models.resolve import ResolvedModel
from har_llm.runs.generations import parse_windows, parser_of
from har_llm.runs.recipe import AdapterRecipe, StudentRun, TrainingPart
from har_llm.runs.run import PreparedRun, home_digest, recorded_digest
from har_llm.runs.store import GenerationStore

ENOUGH = (None, UNLABELLED)
"""Refusals of a generation that make further ones of its window needless."""


def check_trained(run: PreparedRun) -> None:
    """Raise MissingError for a student whose adapter is not in the store as a whole."""
    if isinstance(run, StudentRun) and adapter_weights(run.recipe) is None:
        raise MissingError("The adapter is not trained yet, or damaged; run the same command with task=run first.")


def adapter_weights(recipe: AdapterRecipe) -> str | None:
    """The digest of the adapter's weights, which changes when it is trained again; None if the adapter does not exist, or is
    damaged: it is then trained again.

    Raises MissingError for one that may not be read.
    """
    try:
        weights, adapter = adapter_digest(recipe.folder), read_manifest(recipe.folder).adapter
    except PermissionError as error:
        raise MissingError(f"{error.filename} cannot be read ({error.strerror}); allow it and run again.") from None
    except (OSError, ValueError):
        return None
    whole = adapter is not None and (adapter.origin.key, adapter.weights) == (recipe.key, weights)
    return weights if whole else None


def select_examples(recipe: AdapterRecipe, store: GenerationStore | None) -> Selection:
    """The examples. Raises MissingError if some of the teacher's generations are missing, ConfigError if none is usable.

    `store`: the teacher's; None without a teacher.
    """
    source, settings, student = recipe.source, recipe.lora.examples, recipe.experiment.model
    thinking, marks, form = student.thinking, student.marks, recipe.experiment.prompt.form
    if isinstance(source, GivenExamples):
        return source.select(settings, thinking=thinking, form=form, activities=recipe.activities, marks=marks)
    if store is None:
        return source.gold_answers()
    windows = parse_windows(source.run, store)
    candidates = [
        [
            Candidate(record.key, record.text, record.finish_reason, answer.strict)
            for record, answer in zip(window.records, window.answers, strict=True)
        ]
        for window in windows
    ]
    selection = select(source.run.prompts, candidates, settings, thinking=thinking, marks=marks, mark=form.mark)
    engines = sorted({record.about["engine"] for window in windows for record in window.records})
    return replace(selection, uses_gold=source.uses_gold, engines=engines)


def right_enough(
    run: PreparedRun, settings: ExampleSettings, student: Experiment
) -> Callable[[int, str, GenerationStore], bool]:
    """Whether a stored generation of a teacher's run, by its prompt's place and its key, may be trained on as it is."""
    parse_one, known = parser_of(run), dict[tuple[int, str], bool]()
    why = partial(why_unusable, thinking=student.model.thinking, marks=student.model.marks, mark=student.prompt.form.mark)

    def enough(place: int, key: str, store: GenerationStore) -> bool:
        if (place, key) not in known:
            (record,) = store.get_many([key])
            one = Candidate(key, record.text, record.finish_reason, parse_one(place, record).strict)
            known[place, key] = why(one) is None and why_refused(one, run.prompts[place], settings) in ENOUGH
        return known[place, key]

    return enough


def adapter_origin(recipe: AdapterRecipe, selection: Selection) -> AdapterOrigin:
    """What the adapter is made of, for its manifest. `selection`: the examples that are left to train on."""
    source, student, training = recipe.source, recipe.student, recipe.lora.training
    part = source.run if isinstance(source, TrainingPart) else None
    return AdapterOrigin(
        key=recipe.key,
        student=student.public_name,
        student_revision=student.revision,
        dtype=student.config.dtype,
        teacher=None if recipe.teacher is None else _teacher(recipe.teacher, selection.engines),
        method=selection.method,
        prompt=recipe.experiment.prompt.name,
        dataset=source.dataset,
        null_class=None if part is None else part.experiment.dataset.null_class,
        sessions=[] if part is None else [session.id for session in part.sessions],
        windows=None if part is None else len(part.prompts),
        generations=selection.generations,
        examples=len(selection.examples),
        left_out=selection.left_out,
        uses_gold=selection.uses_gold,
        training=training,
        epochs=training.epochs(len(selection.examples)),
        epochs_begun=training.epochs_begun(len(selection.examples)),
        recipe=recipe.identity,
        home=None if part is None else home_digest(part.recordings.home),
        recorded=[] if part is None else [recorded_digest(session) for session in part.sessions],
    )


def _teacher(run: PreparedRun, engines: Sequence[str]) -> Teacher:
    further = dict(run.model_identity)
    del further["id"]  # that of a user's folder says nothing
    return Teacher(run.model.public_name, further.pop("revision"), further.pop("dtype"), engines, further)


def name_base(folder: Path, student: ResolvedModel) -> None:
    """Name the base model in the adapter's configuration by its id on the hub or its name here, not by a local path.

    har_llm itself does not use that name: engines are given the base model.
    """
    if student.local:
        base: dict[str, Any] = {"base_model_name_or_path": student.config.name}
    elif student.config.id.startswith(EMBEDDED_PREFIX):
        base = {"base_model_name_or_path": student.config.id}
    else:
        base = {"base_model_name_or_path": student.config.id, "revision": student.revision}
    file = folder / ADAPTER_FILES[0]
    content = json.loads(file.read_text(encoding="utf-8")) | base
    file.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n", encoding="utf-8")
