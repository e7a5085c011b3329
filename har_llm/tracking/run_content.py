"""What W&B gets of a finished run, made only from its directory. Imports nothing of W&B."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from har_llm.common.errors import MissingError
from har_llm.config import LONGEST_TAG, NO_RESULT, PARSINGS, WandbTracker
from har_llm.models.adapters import NO_ADAPTER
from har_llm.runs.directory import DATA, ENVIRONMENT, PREDICTIONS, WINDOWS, RunResult
from har_llm.runs.directory import METRICS as METRICS_FILE
from har_llm.runs.result import Metrics
from har_llm.scoring.metrics import Scores
from har_llm.scoring.names import METRICS, activity_name, cause_name
from har_llm.scoring.parsing import CAUSES
from har_llm.tracking.samples import COLUMNS, sample_rows
from har_llm.tracking.secrets import without_secrets

IDENTIFYING = (METRICS_FILE, ENVIRONMENT, PREDICTIONS)
MISSED = "missed"
REAL = "real data and a real model"
Rows = list[list[Any]]


@dataclass(frozen=True)
class Table:
    columns: Sequence[str]
    rows: Rows


@dataclass(frozen=True)
class Content:
    """The content of a W&B run, independent of W&B's client."""

    id: str
    name: str
    job_type: str
    group: str
    tags: Sequence[str]
    notes: str
    config: Mapping[str, Any]
    summary: Mapping[str, Any]


@dataclass(frozen=True)
class RunContent(Content):
    tables: Mapping[str, Table]
    confusion: Table
    """Numbers of events by gold and predicted activity."""
    files: Mapping[str, Sequence[Path]]
    """Files for artifacts, by type of artifact."""


@dataclass(frozen=True)
class Teacher:
    name: str


@dataclass(frozen=True)
class Lora:
    name: str
    teacher: Teacher | None = None


@dataclass(frozen=True)
class RunSettings:
    """The settings of a run's config that tracking uses."""

    lora: Lora
    tracker: WandbTracker | None = None

    @property
    def teacher(self) -> str | None:
        """The teacher of the run's student, also of a student without an adapter (lora.train_sessions=0)."""
        return None if self.lora.teacher is None else self.lora.teacher.name


def run_settings(result: RunResult) -> RunSettings:
    """The settings of a run's config. Raises MissingError for a damaged config."""
    return result.settings(RunSettings)


def run_content(
    result: RunResult, *, group: str, tags: Sequence[str], samples: int, teachers: Collection[str]
) -> RunContent:
    """The content of a finished run. `tags`: further ones. `teachers`: the teachers' names in the same sweep. Raises
    MissingError."""
    metrics = result.metrics
    tables = {
        "sessions": _sessions(metrics),
        "activities": _activities(metrics),
        "missed_by_cause": _missed(metrics),
        "samples": Table(COLUMNS, sample_rows(result, samples, metrics.shown.parsing)),
    }
    return RunContent(
        id=run_id(result.folder),
        name=result.folder.name,
        job_type=job_type(result, teachers),
        group=group,
        tags=_tags(metrics, tags),
        notes="; ".join(_labels(metrics)),
        config=without_secrets(_config(result)),
        summary=_summary(result),
        tables={name: table for name, table in tables.items() if table.rows},
        confusion=_confusion(metrics),
        files={
            "predictions": [result.folder / name for name in (PREDICTIONS, METRICS_FILE, DATA, ENVIRONMENT)],
            "generations": [result.folder / WINDOWS],
        },
    )


def run_id(folder: Path) -> str:
    """The W&B id, from the results and not their place, so that publishing again makes no second W&B run."""
    digest = hashlib.sha256()
    for name in IDENTIFYING:
        try:
            with (folder / name).open("rb") as stream:
                digest.update(hashlib.file_digest(stream, "sha256").digest())
        except OSError as error:
            raise MissingError(f"The run directory {folder} is damaged ({error}).") from None
    return digest.hexdigest()[:16]


def job_type(result: RunResult, teachers: Collection[str]) -> str:
    """student (distilled, or without an adapter for comparison), adapter, teacher, or run."""
    settings = run_settings(result)
    if settings.teacher is not None:
        return "student"
    if settings.lora.name != NO_ADAPTER:
        return "adapter"
    return "teacher" if result.metrics.model in teachers else "run"


def group_alone(metrics: Metrics) -> str:
    """The W&B group of a run outside a sweep; runs that differ only in their seed share it."""
    return "-".join(_about(metrics))


def _about(metrics: Metrics) -> list[str]:
    adapter = [] if metrics.adapter is None else [metrics.adapter.label]
    return [metrics.dataset, metrics.model, *adapter, metrics.part]


def _synthetic(metrics: Metrics) -> list[str]:
    return metrics.provenance.split(", ") if metrics.provenance else []


def _labels(metrics: Metrics) -> list[str]:
    """What must be shown beside every score of the run."""
    return [*_synthetic(metrics), *([f"partial: first {metrics.limit} windows only"] if metrics.partial else [])]


def _tags(metrics: Metrics, own: Sequence[str]) -> list[str]:
    tags = [*_about(metrics), *_synthetic(metrics), *(["partial"] if metrics.partial else []), *own]
    return list(dict.fromkeys(tag[:LONGEST_TAG] for tag in tags))


def _config(result: RunResult) -> dict[str, Any]:
    metrics = result.metrics
    about = ("provenance", "partial", "model_id", "parameters", "sessions", "windows", "events")
    return {
        **{name: value for name, value in result.config.items() if name not in NO_RESULT},
        "run": {
            "directory": result.folder.name,
            **{name: getattr(metrics, name) for name in about},
            "adapter": None if metrics.adapter is None else asdict(metrics.adapter),
            "versions": asdict(metrics.versions),
        },
        "environment": asdict(result.environment),
    }


def _summary(result: RunResult) -> dict[str, Any]:
    """The keys and values of W&B's summary. Scores are fractions; `strict/f1_weighted` is the mean over sessions."""
    metrics, environment = result.metrics, result.environment
    shown = metrics.shown
    summary: dict[str, Any] = {
        "headline": metrics.headline(shown.headline, shown.parsing).mean,
        "headline_name": f"{shown.parsing}/{shown.headline}",
        "provenance": metrics.provenance or REAL,
        "partial": metrics.partial,
        "sessions": metrics.sessions,
        "windows": metrics.windows,
        "events": metrics.events,
        "tokens/prompt": environment.prompt_tokens,
        "tokens/completion": environment.completion_tokens,
        "seconds/engine": environment.engine_seconds,
        **{f"generations/{reason}": count for reason, count in environment.finish_reasons.items()},
        **{f"excluded/{reason}": count for reason, count in metrics.excluded_events.items()},
    }
    for parsing, variant, scores in _all_scores(metrics):
        prefix = parsing if variant == "all" else f"{parsing}/{variant}"
        summary |= {f"{prefix}/{name}": value for name, value in _flat(scores).items()}
    return {name: value for name, value in summary.items() if value is not None}


def _flat(scores: Scores) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for metric in METRICS:
        mean = scores.mean[metric]
        low, high = mean.ci95 or (None, None)
        flat |= {metric: mean.mean, f"{metric}_std": mean.std, f"{metric}_low": low, f"{metric}_high": high}
        flat[f"pooled/{metric}"] = scores.pooled.score(metric)
    return flat | {f"missed_by_cause/{cause}": scores.missed_by_cause[cause].mean for cause in CAUSES}


def _all_scores(metrics: Metrics) -> Iterator[tuple[str, str, Scores]]:
    """Triples of parsing mode, variant, scores."""
    for parsing in PARSINGS:
        for variant, scores in metrics.parsed(parsing).variants.items():
            yield parsing, variant, scores


def _sessions(metrics: Metrics) -> Table:
    rows = [
        [parsing, variant, session, measures.events, *(measures.score(metric) for metric in METRICS)]
        for parsing, variant, scores in _all_scores(metrics)
        for session, measures in scores.sessions.items()
    ]
    return Table(("parsing", "variant", "session", "events", *METRICS), rows)


def _activities(metrics: Metrics) -> Table:
    columns = ("precision", "recall", "f1", "support", "predicted")
    rows = [
        [parsing, variant, activity_name(one.activity, one.name), *(getattr(one, column) for column in columns)]
        for parsing, variant, scores in _all_scores(metrics)
        for one in scores.per_class
    ]
    return Table(("parsing", "variant", "activity", *columns), rows)


def _missed(metrics: Metrics) -> Table:
    rows = [
        [parsing, variant, cause_name(cause), share.mean, share.std, scores.pooled.missed_by_cause[cause]]
        for parsing, variant, scores in _all_scores(metrics)
        for cause, share in scores.missed_by_cause.items()
    ]
    return Table(("parsing", "variant", "cause", "mean", "std", "pooled"), rows)


def _confusion(metrics: Metrics) -> Table:
    """Every pair of gold and predicted activity, also those without events, so that the chart has all rows and columns."""
    confusion = metrics.parsed(metrics.shown.parsing).all.confusion
    labels = [activity_name(number, metrics.activities[number]) for number in confusion.activities]
    rows = [
        [gold, predicted, count]
        for gold, counts in zip(labels, confusion.matrix, strict=True)
        for predicted, count in zip([*labels, MISSED], counts, strict=True)
    ]
    return Table(("Actual", "Predicted", "nPredictions"), rows)
