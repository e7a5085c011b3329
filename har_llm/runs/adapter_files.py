"""The adapter of a recipe on disk: whether it exists and is intact, and the examples that it is trained on."""

from __future__ import annotations

import json
from dataclasses import replace

from har_llm.common.errors import MissingError
from har_llm.common.provenance import MANIFEST
from har_llm.distill.examples import Candidate, Selection, select
from har_llm.models.adapters import ADAPTER_FILES, adapter_digest
from har_llm.runs.generations import parse_windows
from har_llm.runs.run import AdapterRecipe
from har_llm.runs.store import GenerationStore


def adapter_weights(recipe: AdapterRecipe) -> str | None:
    """The digest of the adapter's weights, which changes when it is trained again; None if the adapter does not exist.

    Raises MissingError for a damaged adapter.
    """
    if not recipe.folder.is_dir():
        return None
    try:
        manifest = json.loads((recipe.folder / MANIFEST).read_text(encoding="utf-8"))
        weights = adapter_digest(recipe.folder)
        whole = manifest["key"] == recipe.key and manifest["weights"] == weights
    except (OSError, ValueError, LookupError, TypeError):
        whole = False
    if not whole:
        raise MissingError(
            f"The adapter in {recipe.folder} is damaged: {', '.join(ADAPTER_FILES)} and {MANIFEST} do not match. Delete "
            f"the folder and run the same command again: the teacher's generations are kept."
        )
    return weights


def select_examples(recipe: AdapterRecipe, store: GenerationStore) -> Selection:
    """The examples, from the teacher's stored generations. Raises MissingError if some are missing."""
    candidates = [
        [
            Candidate(record.key, record.text, record.finish_reason, answer.strict)
            for record, answer in zip(window.records, window.answers, strict=True)
        ]
        for window in parse_windows(recipe.teacher, store)
    ]
    thinking = recipe.experiment.model.thinking
    selection = select(recipe.teacher.prompts, candidates, recipe.lora.examples, thinking)
    return replace(selection, uses_gold=recipe.uses_gold)
