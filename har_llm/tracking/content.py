"""What W&B gets of a finished run, made only from its directory.

Imports nothing of W&B.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from har_llm.common.errors import MissingError
from har_llm.common.typed_json import plain
from har_llm.config.experiment import NO_RESULT
from har_llm.config.tracker import LONGEST_TAG
from har_llm.runs.directory import DATA, ENVIRONMENT, METRICS_FILE, PREDICTIONS, WINDOWS, RunResult
from har_llm.runs.facts import labels
from har_llm.runs.published import published_config
from har_llm.runs.result import Metrics
from har_llm.scoring.metrics import Scores
from har_llm.scoring.names import METRICS
from har_llm.scoring.prediction import CAUSES
from har_llm.tracking.secrets import without_secrets
from har_llm.tracking.tables import Rows, confusion_rows, run_tables

IDENTIFYING = (METRICS_FILE, ENVIRONMENT, PREDICTIONS)
REAL = "real data and a real model"


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
    tables: Mapping[str, Rows]
    confusion: Rows
    """Numbers of events by gold and predicted activity."""
    files: Mapping[str, Sequence[Path]]
    """Files for artifacts, by type of artifact."""
    adapter: Path | None
    """The folder of the adapter that was used; None without one, or where it is not at hand."""


def run_content(
    result: RunResult, *, job_type: str, group: str, tags: Sequence[str], samples: int, adapter: Path | None = None
) -> RunContent:
    """The content of a finished run. `tags`: further ones. `samples`: most reasoning samples. `adapter`: the folder of that
    which it used, if it is at hand. Raises MissingError."""
    metrics = result.metrics
    return RunContent(
        id=run_id(result.folder),
        name=result.folder.name,
        job_type=job_type,
        group=group,
        tags=_tags(metrics, tags),
        notes="; ".join(labels(metrics)),
        config=without_secrets(_config(result)),
        summary=_summary(result),
        tables=without_secrets(run_tables(result, samples)),
        confusion=without_secrets(confusion_rows(metrics)),
        files={
            "predictions": [result.folder / name for name in (PREDICTIONS, METRICS_FILE, DATA, ENVIRONMENT)],
            "generations": [result.folder / WINDOWS],
        },
        adapter=adapter,
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


def about(metrics: Metrics) -> list[str]:
    """What a run is about, its seed apart: dataset, model, adapter, part."""
    adapter = [] if metrics.adapter is None else [metrics.adapter.label]
    return [metrics.dataset, metrics.model, *adapter, metrics.part]


def _tags(metrics: Metrics, own: Sequence[str]) -> list[str]:
    baseline = [] if metrics.baseline is None else ["baseline", metrics.baseline.mark]
    partial = ["partial"] if metrics.partial else []
    gold = ["uses gold"] if metrics.uses_gold else []
    return shortened([*about(metrics), *baseline, *metrics.provenance.names, *gold, *partial, *own])


def shortened(tags: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(tag[:LONGEST_TAG] for tag in tags))


def _config(result: RunResult) -> dict[str, Any]:
    metrics = result.metrics
    shown = ("partial", "model_id", "parameters", "sessions", "windows", "events")
    return {
        **{name: value for name, value in published_config(result).items() if name not in NO_RESULT},
        "run": {
            "directory": result.folder.name,
            "provenance": metrics.provenance.label,
            **{name: getattr(metrics, name) for name in shown},
            "train_sessions": _train_sessions(metrics),
            "adapter": None if metrics.adapter is None else asdict(metrics.adapter),
            "baseline": None if metrics.baseline is None else asdict(metrics.baseline),
            "versions": asdict(metrics.versions),
        },
        "environment": plain(result.environment),
    }


def _train_sessions(metrics: Metrics) -> int | None:
    """The number of sessions that a student or a baseline was trained on; 0 for a model as it is, None if nobody knows."""
    if metrics.baseline is not None:
        return metrics.baseline.sessions
    if metrics.adapter is None:
        return 0
    return None if metrics.adapter.distillation is None else metrics.adapter.distillation.sessions


def _summary(result: RunResult) -> dict[str, Any]:
    """The keys and values of W&B's summary. Scores are fractions; `strict/f1_weighted` is the mean over sessions."""
    metrics, environment = result.metrics, result.environment
    shown = metrics.shown
    summary: dict[str, Any] = {
        "headline": metrics.headline(shown.headline, shown.parsing).mean,
        "headline_name": f"{shown.parsing}/{shown.headline}",
        "provenance": metrics.provenance.label or REAL,
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
    for parsing, variant, scores in metrics.all_scores():
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
