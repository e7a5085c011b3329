"""The manifest of an adapter that har_llm trained, and the name of its base model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from har_llm.distill.examples import Selection
from har_llm.models.adapters import ADAPTER_FILES
from har_llm.models.config import EMBEDDED_PREFIX
from har_llm.models.resolve import ResolvedModel
from har_llm.runs.run import AdapterRecipe


def manifest(
    recipe: AdapterRecipe, selection: Selection, about: Mapping[str, Any], losses: list[list[float]]
) -> dict[str, Any]:
    """The content of manifest.json, except the digest of the weights."""
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
        "generations": selection.generations,
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
