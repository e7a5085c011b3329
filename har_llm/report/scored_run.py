"""A finished run as a report compares it with others and with the paper. Its directory may come from anybody: untrusted."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from har_llm.common.numbers import counted
from har_llm.common.provenance import HOME, Provenance
from har_llm.config.experiment import NO_RESULT
from har_llm.data.splits import part_name
from har_llm.report.paper import DATASETS, MODELS, Key, Value, dataset_name, results
from har_llm.report.paper_choice import Chosen, departures, flattened, under
from har_llm.runs.directory import RunResult
from har_llm.runs.published import published_config
from har_llm.runs.result import Distillation, GeneratedBy, Metrics
from har_llm.scoring.metrics import SessionMean

NO_EXPERIMENT = (*NO_RESULT, "seed", "limit", "metrics", "engine")
"""Settings that do not distinguish experiments: they change no result, or are shown in other ways."""
NO_VARIANT = (
    *("dataset.folder", "dataset.path", "dataset.home_path", "dataset.labels_path", "dataset.vocabulary"),
    *("model.parameters", "model.revision", "decoding.name"),
    *("lora.name", "lora.train_sessions", "lora.source", "lora.window._target_", "lora.examples.path"),
)
"""The same for nested settings: places of files, and what metrics.json and environment.json say more exactly."""


OF_A_BASELINE = ("dataset", "window", "split")
"""The groups of settings that a baseline uses beside its own."""
REAL = "real home, real model"
KIND_OF_TUNING = re.compile(r"[-_.](instruct|chat|it|thinking)([-_.]\d{4,8})?$", re.IGNORECASE)
"""How many ids end that are shorter as a name: "-Instruct", "-it", "-Thinking-2507"."""


@dataclass(frozen=True, eq=False)
class ScoredRun:
    """A finished run with its scores in one parsing mode."""

    result: RunResult
    """Of a cross-validation, its folds as one run: see `folds.pool_folds`."""
    parsing: str
    folds: tuple[RunResult, ...] = ()
    """The runs of a cross-validation that are pooled in it."""

    @property
    def results(self) -> tuple[RunResult, ...]:
        """The run directories that it stands for."""
        return self.folds or (self.result,)

    @property
    def missing_folds(self) -> str | None:
        """ "3 of 5 folds"; None for a whole cross-validation, and for what is none."""
        wanted = self.metrics.choices.split.get("folds") or self.result.data.description.sessions
        return f"{len(self.folds)} of {wanted} folds" if self.folds and len(self.folds) < wanted else None

    @property
    def metrics(self) -> Metrics:
        return self.result.metrics

    @property
    def scores(self) -> Mapping[str, SessionMean]:
        """Scores by metric."""
        return self.metrics.parsed(self.parsing).all.mean

    @property
    def scores_without_null(self) -> Mapping[str, SessionMean] | None:
        """Scores without the null class; None if the home has none, or it is never scored."""
        scores = self.metrics.parsed(self.parsing)
        without = scores.without_null_class
        return None if scores.unscored_events or without is None else without.mean

    def pooled(self, metric: str, *, without_null: bool = False) -> float | None:
        """The score of all events taken together."""
        scores = self.metrics.parsed(self.parsing)
        chosen = scores.without_null_class if without_null else scores.all
        return None if chosen is None else chosen.pooled.score(metric)

    @property
    def sessions(self) -> tuple[str, ...]:
        """The scored sessions' names."""
        return tuple(sorted(self.metrics.parsed(self.parsing).all.sessions))

    @property
    def limit(self) -> int | None:
        """Number of windows of a partial run; None for a whole one."""
        return self.metrics.limit if self.metrics.partial else None

    @cached_property
    def distillation(self) -> Distillation | None:
        """What the student was trained on. The first 15 sessions of a home that has 15 are all of them."""
        adapter = self.metrics.adapter
        if adapter is None or adapter.distillation is None:
            return None
        found = adapter.distillation
        own = found.dataset == self.metrics.dataset
        there = self.result.data.description.parts["train"].sessions if own else None
        # Epochs may differ between seeds of one experiment, as teachers' generations are left out; steps are a setting.
        return replace(found, all_sessions=found.all_sessions or found.sessions == there, steps=None, epochs=None)

    @property
    def ready_adapter(self) -> str | None:
        """The label and revision of an adapter that was there before; None without one."""
        adapter = self.metrics.adapter
        return None if adapter is None or adapter.distillation else f"{adapter.label} ({adapter.revision})"

    @cached_property
    def engines(self) -> tuple[str, ...]:
        """What made the generations: engine, version, hardware."""
        return tuple(sorted({_engine(one) for one in self.result.environment.generated_by}))

    @cached_property
    def config(self) -> dict[str, Any]:
        """The composed config, without this machine's paths."""
        return published_config(self.result)

    @cached_property
    def weights(self) -> dict[str, str]:
        """What identifies the weights of a model besides its id: revision, dtype and the like."""
        model = self.result.environment.model
        return flattened({key: value for key, value in model.items() if key not in ("id", "adapter")})

    @cached_property
    def versions(self) -> dict[str, str]:
        """The versions of parsing and scoring."""
        return {name: str(version) for name, version in vars(self.metrics.versions).items()}

    @cached_property
    def settings(self) -> dict[str, str]:
        """The settings that distinguish experiments, flat: lora's only with an adapter, of a baseline those that it uses."""
        adapted = self.metrics.adapter is not None
        found = experiment_settings(self.config)
        if self.is_baseline:
            return {key: value for key, value in found.items() if under(key, (*OF_A_BASELINE, "model"))}
        return {key: value for key, value in found.items() if adapted or key.partition(".")[0] != "lora"}

    def per_event(self, amount: float) -> float | None:
        """An amount for each scored event, comparable between runs with other windows, overlaps and numbers of generations.

        Equal prompts share a generation, which is counted once in `amount`.
        """
        metrics, generations = self.metrics, sum(self.result.environment.finish_reasons.values())
        if not generations or not metrics.events:
            return None
        return amount / generations * metrics.samples * metrics.windows / metrics.events

    @property
    def is_baseline(self) -> bool:
        return self.metrics.baseline is not None

    @property
    def kind(self) -> str:
        """What it is, for a column that goes with every row: "synthetic home, synthetic model", "real home, supervised"."""
        synthetic, baseline = self.metrics.provenance, self.metrics.baseline
        if baseline is not None:
            return f"{HOME if synthetic.home else 'real home'}, {baseline.mark}"
        return synthetic.label or REAL

    @property
    def paper_model(self) -> str | None:
        """conf/model's name of the paper's model that this is, by id or (for a copy in a folder) by name."""
        return paper_model(self.metrics)

    @property
    def comparable(self) -> bool:
        """Whether it may be in the paper's tables: real data, real model, the test part of one of the paper's datasets."""
        real_and_known = self.metrics.provenance == Provenance() and self.metrics.dataset in DATASETS
        return real_and_known and self.metrics.part == "test" and self.ready_adapter is None

    def paper_value(self, metric: str) -> Value | None:
        """The paper's f1 or missed for the same experiment; None if the paper has none, or for a partial run."""
        model, trained = self.paper_model, self.distillation
        if model is None or self.limit is not None or not self.comparable:
            return None
        if trained is None:
            return results().get(Key(metric, model, "", None, self.metrics.dataset))
        sessions = None if trained.all_sessions else trained.sessions
        return results().get(Key(metric, model, trained.dataset, sessions, self.metrics.dataset))

    @property
    def departures(self) -> list[str]:
        """Every difference from the paper's experiment, and whether the paper says how it did it; for a comparable run."""
        adapted = self.metrics.adapter is not None
        found = departures(Chosen(self.config, self.weights, self.metrics.dataset, self.paper_model, adapted))
        return [one for one in found if not self.is_baseline or under(one.partition("=")[0], OF_A_BASELINE)]

    @property
    def home_name(self) -> str:
        name, part = dataset_name(self.metrics.dataset), self.metrics.part
        return name if part == "test" else f"{name}, {part_name(part)}"

    @property
    def model_name(self) -> str:
        return model_name(self.metrics)

    @property
    def adapter_name(self) -> str:
        """The adapter in few words; empty without one."""
        adapter = self.metrics.adapter
        if adapter is not None and self.ready_adapter is not None:
            return f"with adapter {adapter.called} ({adapter.revision})"
        return "" if self.distillation is None else f"trained on {self.training_sessions}"

    @property
    def training_sessions(self) -> str:
        """ "all 41 sessions of MARBLE (another home)", of a distilled adapter."""
        trained = self.distillation
        if trained is None:
            return ""
        if not trained.sessions:
            return f"{counted(trained.windows, 'example')} of {trained.dataset}"
        origin = "" if trained.dataset == self.metrics.dataset else f" of {dataset_name(trained.dataset)} (another home)"
        return f"{'all ' if trained.all_sessions else ''}{counted(trained.sessions, 'session')}{origin}"


def paper_model(metrics: Metrics) -> str | None:
    """As ScoredRun.paper_model."""
    by_id = {model_id: name for name, model_id in MODELS.items()}
    return by_id.get(metrics.model_id) or (metrics.model if metrics.model in MODELS else None)


def model_name(metrics: Metrics) -> str:
    """As its authors write it: "Qwen3-0.6B" for qwen3_0.6b, where its id says so; with the mark of a baseline.

    A name that a user chose stays: one that differs from the id's by more than case, marks and a KIND_OF_TUNING.
    """
    if metrics.baseline is not None:
        return metrics.model_name
    known = paper_model(metrics)
    written = (MODELS[known] if known else metrics.model_id).rpartition("/")[2]
    same = _letters(metrics.model) in (_letters(written), _letters(KIND_OF_TUNING.sub("", written)))
    return written if known or same else metrics.model


def _letters(name: str) -> str:
    """Letters and digits only, to compare names."""
    return "".join(character for character in name.lower() if character.isalnum())


def _engine(made_by: GeneratedBy) -> str:
    """ "vLLM 0.32.0 on 1 x NVIDIA H100"."""
    name, versions = made_by.engine, made_by.versions
    version = next((f" {versions[key]}" for key in (name.lower(), f"{name.lower()}-cpu") if key in versions), "")
    return f"{name}{version} on {made_by.hardware or 'hardware unknown'}"


def experiment_settings(config: Mapping[str, Any]) -> dict[str, str]:
    """The settings that distinguish experiments, flat: "window.events" -> "10".

    Settings that are null are left out, so that a run made before such a setting existed is the same experiment.
    """
    flat = flattened({key: value for key, value in config.items() if key not in NO_EXPERIMENT})
    return {key: value for key, value in flat.items() if not under(key, NO_VARIANT)}
