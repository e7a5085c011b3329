"""What W&B gets of a training, while it runs or later from its adapter in the store."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from har_llm.common.errors import MissingError
from har_llm.common.provenance import MANIFEST
from har_llm.config import LONGEST_TAG
from har_llm.runs.result import Metrics
from har_llm.runs.run import find_adapter
from har_llm.tracking.run_content import Content
from har_llm.tracking.secrets import without_secrets

JOB_TYPE = "training"
SUMMARY = ("windows", "generations", "examples", "epochs", "seconds_of_last_start", "provenance", "uses_gold")


@dataclass(frozen=True)
class TrainingContent(Content):
    """A W&B run that shows how an adapter was made.

    Its id comes from the adapter's key: a training that is resumed or repeated is the same W&B run.
    """

    losses: Sequence[Sequence[float]]
    """Step and loss of the steps done so far."""


def training_content(manifest: Mapping[str, Any], name: str, group: str, tags: Sequence[str]) -> TrainingContent:
    """`manifest`: the adapter's, or what is known of it during the training. `name`: of the adapter's folder."""
    provenance = manifest["provenance"]
    labels = provenance.split(", ") if provenance else []
    recipe = {**manifest["recipe"], "examples": len(manifest["recipe"]["examples"])}
    config = without_secrets(
        {
            **{key: value for key, value in manifest.items() if key != "loss"},
            "recipe": recipe,
            "run": {"adapter": name, "provenance": provenance},
        }
    )
    return TrainingContent(
        id=training_id(manifest["key"]),
        name=name,
        job_type=JOB_TYPE,
        group=group,
        tags=list(dict.fromkeys(tag[:LONGEST_TAG] for tag in (manifest["dataset"], JOB_TYPE, *labels, *tags))),
        notes="; ".join(labels),
        config=config,
        summary={key: config[key] for key in SUMMARY if config.get(key) is not None},
        losses=manifest["loss"],
    )


def training_id(key: str) -> str:
    return f"training-{key[:16]}"


def read_training(folder: Path, group: str, tags: Sequence[str]) -> TrainingContent:
    """The content of a finished training, from the adapter's manifest. Raises MissingError."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        return training_content(manifest, folder.name, group, tags)
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise MissingError(f"The adapter in {folder} is damaged ({type(error).__name__}: {error}).") from None


def adapter_folder(run_folder: Path, metrics: Metrics) -> Path | None:
    """The folder of a run's distilled adapter; None if the run has none, or the store is elsewhere."""
    adapter = metrics.adapter
    if adapter is None or adapter.distillation is None:
        return None
    folder = find_adapter(run_folder.resolve().parent.parent / "store", adapter.revision)
    return folder if folder is not None and (folder / MANIFEST).is_file() else None
