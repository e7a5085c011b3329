"""Makes an adapter: turns the teacher's generations into examples, trains the student on them, renames the adapter into
place.

After a kill, the same command resumes from the last checkpoint. Only one process trains an adapter.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import time
from collections.abc import Iterable
from dataclasses import astuple, fields
from pathlib import Path
from typing import Any

from har_llm.common.environment import library_versions, machine
from har_llm.common.errors import MissingError, reason_of
from har_llm.common.files import make_folder, put_in_place, read_bounded, replace_files, write_whole
from har_llm.common.lock import HeldError, Lock
from har_llm.common.typed_json import parse_json, typed
from har_llm.distill.examples import Selection
from har_llm.distill.manifest import Manifest, Steps, TrainedAdapter, TrainingRecord, write_manifest
from har_llm.distill.model_card import CURVE, card_title, model_card
from har_llm.distill.trainer_choice import check_tools, chosen_trainer
from har_llm.distill.training_job import TrainingJob
from har_llm.distill.training_messages import LongExamples, TrainingStart, TrainingStep
from har_llm.distill.worker import check_arguments, trained
from har_llm.engines.chat import rendered_prompt
from har_llm.models import resolve
from har_llm.models.adapters import adapter_digest
from har_llm.models.checkpoint import check_targets
from har_llm.runs.adapter_files import adapter_origin, adapter_weights, name_base, select_examples
from har_llm.runs.generations import check_adapter
from har_llm.runs.recipe import AdapterRecipe, StudentRun
from har_llm.runs.run import PreparedRun
from har_llm.sweep import throughput
from har_llm.sweep.callbacks import Callback
from har_llm.sweep.read_once import Stores
from har_llm.sweep.throughput import Rate

LOG = "loss.jsonl"
OF_A_STEP = tuple(one.name for one in fields(TrainingStep))
"""The values of a line of it."""
ROWS = "rows.jsonl"
LIBRARIES = ("torch", "transformers", "peft", "trl", "datasets", "unsloth", "bitsandbytes")


def check_recipe(run: PreparedRun, stores: Stores) -> None:
    """Raise MissingError for an adapter that cannot be read or trained here, before its teacher generates anything.

    Also for an adapter that was trained again after the first generations of the run. A run whose generations are all stored
    needs no adapter.
    """
    if not isinstance(run, StudentRun) or not stores.owed(run):
        return
    there = stores.weights(run.recipe)
    if there is None:
        if run.recipe.teacher is None:
            select_examples(run.recipe, None)  # what is wrong with given rows is said before any model is loaded
        check_tools(run.recipe.lora, run.recipe.student.config.dtype)
        check_arguments(_job(run.recipe, Path()))
        if (student := run.recipe.student).path is not None:
            check_targets(run.recipe.lora.training.target_modules, student.public_name, student.path)
            rendered_prompt(student.config, run.prompts[0].messages)
    else:
        Training(run.recipe).sweep()
        store = stores.of(run)
        stored = (request.key for request in run.requests if request.key in store)
        check_adapter(run, store.get_many(stored), there)


class Training:
    """The training of one adapter, by one process at a time. Keep the object while another process trains it (see Lock)."""

    def __init__(self, recipe: AdapterRecipe):
        self.recipe = recipe
        self._staging = _staging(recipe)
        self._log = self._staging / LOG
        self._lock = Lock(recipe.folder.with_name(f".{recipe.folder.name}.lock"))

    def run(self, callback: Callback, stores: Stores) -> None:
        """Train the adapter and put it in place, unless it is there and whole. Raises HarError; finished steps are kept.

        Raises HeldError while another process trains it.
        """
        if adapter_weights(self.recipe) is not None:
            return
        with self._lock.held():
            if adapter_weights(self.recipe) is None:  # another process may have made it just now
                teacher = self.recipe.teacher
                examples = select_examples(self.recipe, None if teacher is None else stores.of(teacher))
                try:
                    selection, record = self._train(examples, callback)
                    self._lock.check()
                    _put_in_place(self.recipe, selection, record, _steps(self._log), self._staging / "adapter")
                    callback.training_ends(self.recipe)
                except OSError as error:
                    raise MissingError(
                        f"{error.filename or self._staging} cannot be written ({reason_of(error)}). Steps are kept "
                        f"up to the last checkpoint; make room and run the same command again."
                    ) from None
            shutil.rmtree(self._staging, ignore_errors=True)

    def sweep(self) -> None:
        """Remove what a process that was killed has left of the training of an adapter that is in its place."""
        if self._staging.exists():
            with contextlib.suppress(HeldError), self._lock.held():
                shutil.rmtree(self._staging, ignore_errors=True)

    def _train(self, selection: Selection, callback: Callback) -> tuple[Selection, TrainingRecord]:
        """Train the adapter in the staging folder. Returns the examples that it was trained on, and how it went."""
        recipe = self.recipe
        make_folder(self._staging)
        _write_lines(self._staging / ROWS, (example.as_row() for example in selection.examples))
        done = _steps(self._log)
        _write_lines(self._log, map(astuple, done))  # without a line that a kill has torn
        callback.training_starts(recipe, selection, len(done))
        base = resolve.fetch(recipe.student)
        job = _job(recipe, base)
        start: TrainingStart | None = None
        steps, started, began = 0, time.monotonic(), 0.0
        with self._log.open("a", encoding="utf-8") as stream, contextlib.closing(trained(job)) as messages:
            for message in messages:
                self._lock.check()
                if isinstance(message, LongExamples):
                    selection = selection.without_long(message, recipe.lora.examples.unusable)
                elif isinstance(message, TrainingStart):
                    start, began = message, time.monotonic()
                    callback.training_described(recipe, selection, start)
                    if start.done == 0:
                        stream.truncate(0)
                else:
                    stream.write(json.dumps(astuple(message)) + "\n")
                    stream.flush()
                    callback.training_step(message)
                    steps += 1
        ended = time.monotonic()
        if steps:  # 0 if only the writing of the adapter was left to do
            rate = Rate(began - started, ended - began, steps, throughput.STEPS)
            throughput.note_rate(recipe.outputs / "store", recipe.work, rate)
        assert start is not None  # it comes before any step
        return selection, TrainingRecord(
            trainable_parameters=start.trainable_parameters,
            parameters=start.parameters,
            tokens=start.tokens,
            optimizer=start.optimizer,
            trainer=job.trainer,
            seconds_of_last_start=round(ended - started, 1),
            versions=library_versions(LIBRARIES),
            hardware=machine(gpus_used=1),  # a training is shown one GPU
        )


def _job(recipe: AdapterRecipe, base: Path) -> TrainingJob:
    """The job of the process that trains the adapter in the staging folder. `base`: the student's folder."""
    model, staging = recipe.experiment.model, _staging(recipe)
    return TrainingJob(
        base=str(base),
        dtype=model.dtype,
        trust_remote_code=model.trust_remote_code,
        template_options=model.template_options(),
        reasoning_marks=model.reasoning_marks,
        max_length=recipe.max_length,
        leave_out_long=recipe.lora.examples.unusable == "leave_out",
        rows=str(staging / ROWS),
        folder=str(staging / "adapter"),
        checkpoints=str(staging / "checkpoints"),
        settings=recipe.lora.training,
        trainer=chosen_trainer(recipe.lora, recipe.student.config.dtype),
    )


def _put_in_place(recipe: AdapterRecipe, selection: Selection, record: TrainingRecord, steps: Steps, folder: Path) -> None:
    from har_llm.distill.loss_curve import draw_losses  # it imports matplotlib

    name_base(folder, recipe.student)
    adapter = TrainedAdapter(adapter_origin(recipe, selection), record, steps, adapter_digest(folder))
    write_manifest(folder, Manifest(recipe.provenance, adapter))
    draw_losses(
        [(one.number, one.loss) for one in steps], card_title(adapter.origin), recipe.provenance.label, folder / CURVE
    )
    (folder / "README.md").write_text(model_card(adapter, recipe.provenance), encoding="utf-8")
    put_in_place(folder, recipe.folder)
    if adapter_weights(recipe) is None:
        replace_files(folder, recipe.folder, [path.name for path in folder.iterdir()])


def _write_lines(path: Path, values: Iterable[Any]) -> None:
    write_whole(path, "".join(json.dumps(value) + "\n" for value in values))


def steps_so_far(recipe: AdapterRecipe) -> Steps:
    """The steps done so far, perhaps by a process that was killed."""
    return _steps(_staging(recipe) / LOG)


def _staging(recipe: AdapterRecipe) -> Path:
    """The staging folder, in which an adapter is made before it is renamed into place."""
    return recipe.folder.with_name(f".{recipe.folder.name}")


def _steps(log: Path) -> Steps:
    """Each step once: a step that was repeated after a kill replaces the earlier one."""
    steps: dict[int, TrainingStep] = {}
    try:
        lines = read_bounded(log).split(b"\n")
    except OSError:  # there is none yet, or the process that wrote it has just finished and removed it
        lines = []
    for line in lines:
        with contextlib.suppress(ValueError, TypeError):  # torn by a kill
            step = typed(TrainingStep, dict(zip(OF_A_STEP, parse_json(line), strict=False)))
            steps[step.number] = step
    return [steps[number] for number in sorted(steps)]
