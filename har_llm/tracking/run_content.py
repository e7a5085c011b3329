"""What W&B gets of a finished run, made from its directory alone. Knows no W&B."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from har_llm.common.errors import MissingError
from har_llm.config import LONGEST, NO_RESULT, PARSINGS
from har_llm.runs.old_result import PREDICTIONS, WINDOWS, RunResult, read_run, understood
from har_llm.scoring.metrics import METRICS
from har_llm.scoring.names import activity_name, cause_name
from har_llm.scoring.parsing import CAUSES
from har_llm.tracking.samples import COLUMNS, sample_rows
from har_llm.tracking.secrets import without_secrets

IDENTIFYING = ("metrics.json", "environment.json", PREDICTIONS)
VARIANTS = ("all", "without_null_class")
MISSED = "missed"
Rows = list[list[Any]]


@dataclass(frozen=True)
class Table:
    columns: Sequence[str]
    rows: Rows


@dataclass(frozen=True)
class Content:
    """A W&B run, before W&B is known."""

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
    """Events by gold and predicted activity."""
    files: Mapping[str, Sequence[Path]]
    """What may be sent as artifacts, by its type."""


def run_content(folder: Path, *, group: str, tags: Sequence[str], samples: int, teachers: Collection[str]) -> RunContent:
    """`tags`: beside its own. `teachers`: the models that teach in the same sweep. Raises MissingError."""
    with understood(folder):
        return _run_content(folder, group, tags, samples, teachers)


def _run_content(folder: Path, group: str, tags: Sequence[str], samples: int, teachers: Collection[str]) -> RunContent:
    result = read_run(folder)
    config = read_config(folder)
    scores = result.metrics
    parsing, headline = config["metrics"]["parsing"], config["metrics"]["headline"]
    tables = {
        "sessions": _sessions(scores),
        "activities": _activities(scores),
        "missed_by_cause": _missed(scores),
        "samples": Table(COLUMNS, sample_rows(result, samples, parsing)),
    }
    return RunContent(
        id=run_id(folder),
        name=folder.name,
        job_type=job_type(config, teachers),
        group=group,
        tags=_tags(scores, tags),
        notes="; ".join(_labels(scores)),
        config=without_secrets(_config(config, result)),
        summary=_summary(result, parsing, headline),
        tables={name: table for name, table in tables.items() if table.rows},
        confusion=_confusion(scores, parsing),
        files={
            "predictions": [folder / name for name in (PREDICTIONS, "metrics.json", "data.json", "environment.json")],
            "generations": [folder / WINDOWS],
        },
    )


def run_id(folder: Path) -> str:
    """The same for the same results wherever their directory lies, so that publishing again makes no second run."""
    digest = hashlib.sha256()
    for name in IDENTIFYING:
        try:
            with (folder / name).open("rb") as stream:
                digest.update(hashlib.file_digest(stream, "sha256").digest())
        except OSError as error:
            raise MissingError(f"The run directory {folder} is damaged ({error}).") from None
    return digest.hexdigest()[:16]


def read_config(folder: Path) -> dict[str, Any]:
    """The config that a run was made with. Its `_target_`s are only shown, never followed. Raises MissingError."""
    try:
        config = OmegaConf.to_container(OmegaConf.load(folder / "config.yaml"), resolve=False)
    except Exception as error:  # of the disk, of YAML, of OmegaConf
        raise MissingError(f"The run directory {folder} is damaged ({error}).") from None
    if not isinstance(config, dict) or "metrics" not in config:
        raise MissingError(f"The run directory {folder} is damaged (config.yaml holds no config).")
    return {str(name): value for name, value in config.items()}


def job_type(config: Mapping[str, Any], teachers: Collection[str]) -> str:
    """student (one that was taught, or is to be compared with those), adapter, teacher, or run."""
    lora = config["lora"]
    if lora.get("teacher"):
        return "student"
    if lora["name"] != "none":
        return "adapter"
    return "teacher" if config["model"]["name"] in teachers else "run"


def teacher_of(config: Mapping[str, Any]) -> str | None:
    teacher = config["lora"].get("teacher")
    return None if not teacher else str(teacher["name"])


def group_alone(scores: Mapping[str, Any]) -> str:
    """What a run outside a sweep is about; runs that differ in their seed only stand together."""
    adapter = scores["adapter"]
    pieces = [scores["dataset"], scores["model"], *([adapter["label"]] if adapter else []), scores["part"]]
    return "-".join(pieces)


def _labels(scores: Mapping[str, Any]) -> list[str]:
    """What stands beside every figure of the run."""
    labels = scores["provenance"].split(", ") if scores["provenance"] else []
    return [*labels, f"partial: first {scores['limit']} windows only"] if scores["partial"] else labels


def _tags(scores: Mapping[str, Any], own: Sequence[str]) -> list[str]:
    adapter = scores["adapter"]
    tags = [scores["dataset"], scores["model"], *([adapter["label"]] if adapter else []), scores["part"]]
    tags += scores["provenance"].split(", ") if scores["provenance"] else []
    tags += ["partial"] if scores["partial"] else []
    return list(dict.fromkeys(tag[:LONGEST] for tag in (*tags, *own)))


def _config(config: Mapping[str, Any], result: RunResult) -> dict[str, Any]:
    scores = result.metrics
    about = ("provenance", "partial", "model_id", "parameters", "adapter", "sessions", "windows", "events")
    return {
        **{name: value for name, value in config.items() if name not in NO_RESULT},
        "run": {"directory": result.folder.name, **{name: scores[name] for name in (*about, "versions")}},
        "environment": dict(result.environment),
    }


def _summary(result: RunResult, parsing: str, headline: str) -> dict[str, Any]:
    """Every score as a fraction; `strict/f1_weighted` is the mean over sessions, the rest says what it is."""
    scores, environment = result.metrics, result.environment
    summary: dict[str, Any] = {
        "headline": scores[parsing]["all"]["mean"][headline]["mean"],
        "headline_name": f"{parsing}/{headline}",
        "provenance": scores["provenance"] or "real data and a real model",
        "partial": scores["partial"],
        **{name: scores[name] for name in ("sessions", "windows", "events")},
        "tokens/prompt": environment["prompt_tokens"],
        "tokens/completion": environment["completion_tokens"],
        "seconds/engine": environment["engine_seconds"],
        **{f"generations/{reason}": count for reason, count in environment["finish_reasons"].items()},
        **{f"excluded/{reason}": count for reason, count in scores["excluded_events"].items()},
    }
    for name in PARSINGS:
        for variant in VARIANTS:
            if variant in scores[name]:
                prefix = name if variant == VARIANTS[0] else f"{name}/{variant}"
                summary |= {f"{prefix}/{key}": value for key, value in _scores(scores[name][variant]).items()}
    return {name: value for name, value in summary.items() if value is not None}


def _scores(scores: Mapping[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for metric in METRICS:
        mean = scores["mean"][metric]
        low, high = mean["ci95"] or (None, None)
        flat |= {metric: mean["mean"], f"{metric}_std": mean["std"], f"{metric}_low": low, f"{metric}_high": high}
        flat[f"pooled/{metric}"] = scores["pooled"][metric]
    return flat | {f"missed_by_cause/{cause}": scores["missed_by_cause"][cause]["mean"] for cause in CAUSES}


def _parts(scores: Mapping[str, Any]) -> list[tuple[str, str, Mapping[str, Any]]]:
    return [
        (parsing, variant, scores[parsing][variant])
        for parsing in PARSINGS
        for variant in VARIANTS
        if variant in scores[parsing]
    ]


def _sessions(scores: Mapping[str, Any]) -> Table:
    rows = [
        [parsing, variant, session, values["events"], *(values[metric] for metric in METRICS)]
        for parsing, variant, part in _parts(scores)
        for session, values in part["sessions"].items()
    ]
    return Table(("parsing", "variant", "session", "events", *METRICS), rows)


def _activities(scores: Mapping[str, Any]) -> Table:
    columns = ("precision", "recall", "f1", "support", "predicted")
    rows = [
        [parsing, variant, activity_name(one["activity"], one["name"]), *(one[column] for column in columns)]
        for parsing, variant, part in _parts(scores)
        for one in part["per_class"]
    ]
    return Table(("parsing", "variant", "activity", *columns), rows)


def _missed(scores: Mapping[str, Any]) -> Table:
    rows = [
        [parsing, variant, cause_name(cause), share["mean"], share["std"], part["pooled"]["missed_by_cause"][cause]]
        for parsing, variant, part in _parts(scores)
        for cause, share in ((cause, part["missed_by_cause"][cause]) for cause in CAUSES)
    ]
    return Table(("parsing", "variant", "cause", "mean", "std", "pooled"), rows)


def _confusion(scores: Mapping[str, Any], parsing: str) -> Table:
    """Every pair of gold and predicted activity, the empty ones too, so that the chart has all rows and columns."""
    confusion, names = scores[parsing]["all"]["confusion"], scores["activities"]
    labels = [activity_name(number, names[str(number)]) for number in confusion["activities"]]
    rows = [
        [gold, predicted, count]
        for gold, counts in zip(labels, confusion["matrix"], strict=True)
        for predicted, count in zip([*labels, MISSED], counts, strict=True)
    ]
    return Table(("Actual", "Predicted", "nPredictions"), rows)
