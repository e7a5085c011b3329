"""An adapter that is made when it is needed: its recipe, the training part behind it, and the run that asks for it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from har_llm.common.digest import digest
from har_llm.common.paths import expanded
from har_llm.common.provenance import Provenance
from har_llm.config.experiment import Experiment
from har_llm.data.gold_answer import gold_answer
from har_llm.distill.config import Distilled
from har_llm.distill.examples import Selection, gold_answers
from har_llm.distill.examples_config import ExampleSettings
from har_llm.distill.given_examples import GivenExamples
from har_llm.models import resolve
from har_llm.models.adapters import ResolvedAdapter
from har_llm.models.resolve import ResolvedModel
from har_llm.runs.run import PreparedRun, data_digest

RECIPE_FORMAT = 8
"""To be raised when the same recipe would give another adapter."""


@dataclass(frozen=True)
class TrainingPart:
    """The training part that examples are about: a teacher's generations, or gold answers."""

    run: PreparedRun
    """Of the teacher; never scored. Without a teacher it has no requests."""
    settings: ExampleSettings

    @property
    def dataset(self) -> str:
        return self.run.experiment.dataset.name

    @property
    def provenance(self) -> Provenance:
        return self.run.provenance

    @property
    def uses_gold(self) -> bool:
        """Whether gold activities are used for the examples, or to choose them or their events."""
        dataset, prompt = self.run.experiment.dataset, self.run.experiment.prompt
        dropped = dataset.null_class == "dropped" and bool(dataset.home.null_class)
        return self.settings.uses_gold or prompt.examples > 0 or dropped

    def identity(self) -> dict[str, Any]:
        """What can change the examples, apart from the settings."""
        if not self.run.requests:
            return {"rows": digest([example.as_row() for example in self.gold_answers().examples])}
        made: dict[str, Any] = {"examples": [request.key for request in self.run.requests]}
        if self.settings.uses_answers:
            made["parsing"] = self.run.parsed_by
        if self.settings.uses_gold:
            made["gold"] = data_digest(self.run.sessions)
        return made

    def gold_answers(self) -> Selection:
        """Raises ConfigError if there are none."""
        activities, form = self.run.recordings.home.activities, self.run.experiment.prompt.form
        return gold_answers(self.run.prompts, lambda prompt: gold_answer(prompt.window, prompt.ids, activities, form))

    def kind(self) -> list[Any]:
        """What their length depends on."""
        of_part = self.run.experiment
        windows = {name: value for name, value in vars(of_part.window).items() if value is not None}
        return [self.settings.method, of_part.model.name, of_part.dataset.name, windows]


@dataclass(frozen=True)
class AdapterRecipe:
    """What an adapter is made of: a student, the examples and the choice of them, the training settings.

    The adapter's key is the digest of its recipe, so that it is known, and the adapter found, without training.
    """

    lora: Distilled
    source: TrainingPart | GivenExamples
    """Where the examples come from."""
    student: ResolvedModel
    experiment: Experiment
    """The student's."""
    activities: Mapping[int, str]
    """Of the student's home."""

    @property
    def teacher(self) -> PreparedRun | None:
        """The teacher's generations on the training part; None for examples without a teacher."""
        return self.source.run if isinstance(self.source, TrainingPart) and self.source.run.requests else None

    @property
    def most_examples(self) -> int:
        """Number of examples, if none is left out."""
        if isinstance(self.source, GivenExamples):
            return len(self.source.examples)
        run = self.source.run
        return len(run.requests if run.requests and self.lora.examples.pick == "all" else run.prompts)

    @cached_property
    def identity(self) -> dict[str, Any]:
        """Everything that can change the adapter."""
        model, examples = self.experiment.model, self.lora.examples
        form = self.experiment.prompt.form
        if isinstance(self.source, GivenExamples):  # which of its rows are taken depends on what the prompt asks for
            of_source: dict[str, Any] = {"file": self.source.digest, "form": form.identity()}
            if not form.numbered:
                of_source["activities"] = sorted(self.activities.items())
        else:
            of_source = self.source.identity()
        made: dict[str, Any] = {
            "format": RECIPE_FORMAT,
            "base": ["local" if self.student.local else model.id, self.student.revision, model.dtype],
            "template": [model.template_options(), resolve.template_digest(self.student)],
            "training": self.lora.training.identity(),
            "chosen": examples.identity(),
            "reasoning_marks": model.reasoning_marks,
            "answer_mark": form.mark,
            **of_source,
        }
        if model.trust_remote_code:
            made["trust_remote_code"] = True
        if examples.unusable == "leave_out":
            made["longest"] = self.max_length
        return made

    @cached_property
    def key(self) -> str:
        return digest(self.identity)

    @property
    def folder(self) -> Path:
        """The adapter's folder, once it is trained. The student's name (model.name) is not in the key, so not in here."""
        base = re.split("[/:]", self.identity["base"][0])[-1]
        return adapters_folder(self.outputs / "store") / f"{base[-60:]}-{self.key[:16]}"

    @property
    def outputs(self) -> Path:
        return expanded(self.experiment.settings.paths.outputs)

    @property
    def work(self) -> dict[str, Any]:
        """What determines how long a step takes on a given machine."""
        training, source = self.lora.training, self.source
        shaped = (
            "r",
            "target_modules",
            "batch_size",
            "per_device_train_batch_size",
            "optim",
            "load_in_4bit",
            "completion_only_loss",
            "extra_args",
        )
        return {
            "trained": self.identity["base"],
            "trainer": self.lora.trainer,
            "settings": {name: getattr(training, name) for name in shaped},
            "examples": source.digest if isinstance(source, GivenExamples) else source.kind(),
        }

    @property
    def adapter(self) -> ResolvedAdapter:
        return ResolvedAdapter("distilled", self.key, self.folder)

    @property
    def max_length(self) -> int | None:
        """Most tokens of an example; None = the context that the student's own configuration names."""
        return self.lora.training.max_length or self.experiment.model.context

    @property
    def provenance(self) -> Provenance:
        """What is synthetic about the adapter, whatever it is scored on."""
        return self.source.provenance | resolve.provenance(self.student)


@dataclass(frozen=True)
class StudentRun(PreparedRun):
    """The run of a student whose adapter is trained by this command, if it was not before."""

    recipe: AdapterRecipe = field(kw_only=True)
    """How the adapter is made."""

    @property
    def adapter_provenance(self) -> Provenance:
        return self.recipe.provenance


def adapters_folder(store: Path) -> Path:
    return store / "adapters"


def find_adapter(store: Path, key: str) -> Path | None:
    """The folder of the adapter whose recipe has this key; None if it is not trained."""
    return next(iter(sorted(adapters_folder(store).glob(f"[!.]*-{key[:16]}"))), None)
