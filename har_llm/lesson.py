"""An adapter before it is made: which teacher writes what, what of it is learned, and by which student.

The adapter's key is this recipe, so that it is known, and found again, without training it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from har_llm import answers
from har_llm.config import Experiment
from har_llm.decoding import DecodingConfig
from har_llm.distill import LoraConfig
from har_llm.distill.distilled import Distilled
from har_llm.distill.examples import Selection, select
from har_llm.distill.job import TrainingJob
from har_llm.errors import MissingError
from har_llm.run import PreparedRun, data_digest, prepare, read_windows
from har_llm.splits import first_sessions
from har_llm.store import digest
from har_llm.weights import ADAPTER_FILES, ResolvedAdapter, ResolvedModel, adapter_digest

FORMAT = 1
"""Bump when the same recipe would make another adapter."""
MANIFEST = "manifest.json"
LONGEST = 40_960
"""Tokens of an example, where neither the training nor the student's context limits them."""


@dataclass(frozen=True)
class Lesson:
    lora: Distilled
    teacher: PreparedRun
    """The teacher's texts on the training part; never scored."""
    student: ResolvedModel
    experiment: Experiment
    """The student's."""

    @cached_property
    def recipe(self) -> dict[str, Any]:
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
            made["answers"] = answers.VERSION
        if examples.uses_gold:
            made["gold"] = data_digest(self.teacher.sessions)
        return made

    @cached_property
    def key(self) -> str:
        return digest(self.recipe)

    @property
    def folder(self) -> Path:
        """Where the adapter is, once it is made."""
        return self.teacher.outputs / "store" / "adapters" / f"{self.experiment.model.name}-{self.key[:16]}"

    @property
    def adapter(self) -> ResolvedAdapter:
        return ResolvedAdapter("distilled", self.key, self.folder)

    @property
    def provenance(self) -> str | None:
        return self.teacher.provenance

    def learned(self) -> bool:
        """Whether the adapter is there. Raises MissingError for one that is damaged."""
        if not self.folder.is_dir():
            return False
        try:
            manifest = json.loads((self.folder / MANIFEST).read_text(encoding="utf-8"))
            whole = manifest["key"] == self.key and manifest["weights"] == adapter_digest(self.folder)
        except (OSError, ValueError, LookupError):
            whole = False
        if not whole:
            raise MissingError(
                f"The adapter in {self.folder} is damaged: {', '.join(ADAPTER_FILES)} and {MANIFEST} do not agree. Delete "
                f"the folder and run the same command again: the teacher's texts are kept."
            )
        return True

    def select(self) -> Selection:
        """The examples, from the teacher's kept texts. Raises MissingError where some are not made."""
        return select(self.teacher.prompts, read_windows(self.teacher), self.lora.examples, self.experiment.model.thinking)

    def job(self, base: Path, rows: Path, folder: Path, checkpoints: Path, trainer: str) -> TrainingJob:
        model, settings = self.experiment.model, self.lora.training
        return TrainingJob(
            base=str(base),
            dtype=model.dtype,
            trust_remote_code=model.trust_remote_code,
            template_options=model.template_options(),
            max_length=settings.max_length or model.context or LONGEST,
            rows=str(rows),
            folder=str(folder),
            checkpoints=str(checkpoints),
            settings=settings,
            trainer=trainer,
        )


def make_lesson(experiment: Experiment, student: ResolvedModel, *, planning: bool) -> Lesson:
    """What the experiment's adapter is made from: its own teacher, on the training part of its own or another dataset."""
    lora = experiment.lora.taught
    assert lora is not None
    teaching = replace(
        experiment,
        model=lora.teacher,
        dataset=lora.source or experiment.dataset,
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
    return Lesson(lora, teacher, student, experiment)


def manifest(lesson: Lesson, selection: Selection, about: Mapping[str, Any], losses: list[list[float]]) -> dict[str, Any]:
    """What an adapter says of itself."""
    teacher = lesson.teacher
    return {
        "key": lesson.key,
        "provenance": lesson.provenance,
        "student": lesson.student.config.id,
        "teacher": teacher.model_identity,
        "dataset": teacher.experiment.dataset.name,
        "sessions": [session.id for session in teacher.sessions],
        "windows": len(teacher.prompts),
        "texts": selection.texts,
        "examples": len(selection.examples),
        "left_out": dict(selection.left_out),
        "uses_gold": selection.uses_gold,
        "training": vars(lesson.lora.training),
        "epochs": lesson.lora.training.epochs(len(selection.examples)),
        "recipe": lesson.recipe,
        **about,
        "loss": losses,
    }
