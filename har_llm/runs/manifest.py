"""An adapter before it is made: which teacher writes what, what of it is learned, and by which student.

The adapter's key is this recipe, so that it is known, and found again, without training it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from har_llm.common.digest import digest
from har_llm.common.errors import MissingError
from har_llm.common.provenance import MANIFEST, Provenance
from har_llm.config import Experiment
from har_llm.data.splits import first_sessions
from har_llm.distill import LoraConfig
from har_llm.distill.config import Distilled
from har_llm.distill.examples import Selection, select
from har_llm.distill.training_job import TrainingJob
from har_llm.engines.decoding import DecodingConfig
from har_llm.models import resolve
from har_llm.models.adapters import ADAPTER_FILES, ResolvedAdapter, adapter_digest
from har_llm.models.config import EMBEDDED_PREFIX
from har_llm.models.resolve import ResolvedModel
from har_llm.runs.run import PreparedRun, data_digest, prepare, read_windows
from har_llm.scoring import parsing

FORMAT = 1
"""Bump when the same recipe would make another adapter."""


@dataclass(frozen=True)
class AdapterRecipe:
    lora: Distilled
    teacher: PreparedRun
    """The teacher's texts on the training part; never scored."""
    student: ResolvedModel
    experiment: Experiment
    """The student's."""

    @cached_property
    def identity(self) -> dict[str, Any]:
        model, examples = self.experiment.model, self.lora.examples
        made: dict[str, Any] = {
            "format": FORMAT,
            "base": ["local" if self.student.local else model.id, self.student.revision, model.dtype],
            "template": model.template_options(),
            "training": self.lora.training.identity(),
            "examples": [request.key for request in self.teacher.requests],
            "chosen": vars(examples),
        }
        if examples.reads_answers:
            made["answers"] = parsing.VERSION
        if examples.uses_gold:
            made["gold"] = data_digest(self.teacher.sessions)
        if examples.unlearnable == "leave_out":
            made["longest"] = self._longest
        return made

    @cached_property
    def key(self) -> str:
        return digest(self.identity)

    @property
    def folder(self) -> Path:
        """Where the adapter is, once it is made. What a user calls the student is not in its key, so it is not in here."""
        store = self.teacher.outputs / "store"
        base = re.split("[/:]", self.identity["base"][0])[-1]
        return find_adapter(store, self.key) or adapters_folder(store) / f"{base}-{self.key[:16]}"

    @property
    def work(self) -> dict[str, Any]:
        """What decides how long a step takes on a given machine."""
        training, taught = self.lora.training, self.teacher.experiment
        windows = {name: value for name, value in vars(taught.window).items() if value is not None}
        shaped = ("rank", "targets", "batch_size", "device_batch_size", "optimizer", "base", "loss_on")
        return {
            "trained": self.identity["base"],
            "trainer": self.lora.trainer,
            "settings": {name: getattr(training, name) for name in shaped},
            "examples": [taught.model.name, taught.dataset.name, windows],
        }

    @property
    def adapter(self) -> ResolvedAdapter:
        return ResolvedAdapter("distilled", self.key, self.folder)

    @property
    def _longest(self) -> int | None:
        """Most tokens of an example; None: as many as the student's own configuration says."""
        return self.lora.training.max_length or self.experiment.model.context

    @property
    def provenance(self) -> Provenance:
        """What is synthetic about the adapter, whatever it is scored on."""
        return self.teacher.provenance | resolve.provenance(self.student)

    def learned(self) -> bool:
        """Whether the adapter is there. Raises MissingError for one that is damaged."""
        return self.weights() is not None

    def weights(self) -> str | None:
        """The digest of the adapter, which is another when it is trained anew; None where it is not there.

        Raises MissingError for one that is damaged.
        """
        if not self.folder.is_dir():
            return None
        try:
            manifest = json.loads((self.folder / MANIFEST).read_text(encoding="utf-8"))
            weights = adapter_digest(self.folder)
            whole = manifest["key"] == self.key and manifest["weights"] == weights
        except (OSError, ValueError, LookupError):
            whole = False
        if not whole:
            raise MissingError(
                f"The adapter in {self.folder} is damaged: {', '.join(ADAPTER_FILES)} and {MANIFEST} do not agree. Delete "
                f"the folder and run the same command again: the teacher's texts are kept."
            )
        return weights

    @property
    def uses_gold(self) -> bool:
        """Whether gold activities choose the examples, or the events that these show."""
        dataset = self.teacher.experiment.dataset
        return self.lora.examples.uses_gold or (dataset.null_class == "dropped" and bool(dataset.home.null_class))

    def select(self) -> Selection:
        """The examples, from the teacher's kept texts. Raises MissingError where some are not made."""
        windows, thinking = read_windows(self.teacher), self.experiment.model.thinking
        return replace(select(self.teacher.prompts, windows, self.lora.examples, thinking), uses_gold=self.uses_gold)

    def job(self, base: Path, rows: Path, folder: Path, checkpoints: Path, trainer: str) -> TrainingJob:
        model, settings = self.experiment.model, self.lora.training
        return TrainingJob(
            base=str(base),
            dtype=model.dtype,
            trust_remote_code=model.trust_remote_code,
            template_options=model.template_options(),
            max_length=self._longest,
            leave_out_long=self.lora.examples.unlearnable == "leave_out",
            rows=str(rows),
            folder=str(folder),
            checkpoints=str(checkpoints),
            settings=settings,
            trainer=trainer,
        )


def adapters_folder(store: Path) -> Path:
    return store / "adapters"


def find_adapter(store: Path, key: str) -> Path | None:
    """An adapter that is there, however its folder begins: older ones begin with the name that the student had."""
    return next(iter(sorted(adapters_folder(store).glob(f"[!.]*-{key[:16]}"))), None)


def make_recipe(experiment: Experiment, student: ResolvedModel, *, planning: bool) -> AdapterRecipe:
    """What the experiment's adapter is made from: its own teacher, on the training part of its own or another dataset.

    In the windows of its own, or in others.
    """
    lora = experiment.lora.taught
    assert lora is not None
    teaching = replace(
        experiment,
        model=lora.teacher,
        dataset=lora.source or experiment.dataset,
        window=lora.window or experiment.window,
        lora=LoraConfig(),
        decoding=DecodingConfig(samples=lora.examples.samples),
        split=replace(experiment.split, part="train"),
        settings=replace(experiment.settings, limit=None),
    )
    teacher = prepare(
        teaching,
        planning=planning,
        choose=lambda sessions: first_sessions(sessions, lora.train_sessions, lora.session_seed),
    )
    return AdapterRecipe(lora, teacher, student, experiment)


def manifest(
    recipe: AdapterRecipe, selection: Selection, about: Mapping[str, Any], losses: list[list[float]]
) -> dict[str, Any]:
    """What an adapter says of itself."""
    teacher = recipe.teacher
    return {
        "key": recipe.key,
        "provenance": recipe.provenance.label,
        "student": recipe.student.public_name,
        "student_revision": recipe.student.revision,
        "teacher": {**teacher.model_identity, "id": teacher.model.public_name},
        "dataset": teacher.experiment.dataset.name,
        "null_class": teacher.experiment.dataset.null_class,
        "sessions": [session.id for session in teacher.sessions],
        "windows": len(teacher.prompts),
        "texts": selection.texts,
        "examples": len(selection.examples),
        "left_out": dict(selection.left_out),
        "uses_gold": selection.uses_gold,
        "training": vars(recipe.lora.training),
        "epochs": recipe.lora.training.epochs(len(selection.examples)),
        "epochs_begun": recipe.lora.training.epochs_begun(len(selection.examples)),
        "recipe": recipe.identity,
        **about,
        "loss": losses,
    }


def name_base(folder: Path, student: ResolvedModel) -> None:
    """Let an adapter say which model it belongs to by its name, on the hub or here, not by where this machine keeps it.

    Nothing of ours looks a base up by that name: engines are given it.
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
