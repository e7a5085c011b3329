"""What an adapter's manifest says of its examples."""

from __future__ import annotations

from pathlib import Path

import pytest

from har_llm.runs.adapter_files import select_examples
from har_llm.runs.manifest import manifest
from har_llm.runs.prepare import prepare
from tests.sweep.distilled_jobs import job, keep


@pytest.mark.parametrize(
    ("use", "null_class", "gold"), [("dropped", "[7]", True), ("dropped", "[]", False), ("label", "[7]", False)]
)
def test_events_that_were_left_out_by_gold_activities_are_said(
    tmp_path: Path, use: str, null_class: str, gold: bool
) -> None:
    """A home without such a class has nothing to leave out."""
    overrides = (
        f"dataset.null_class={use}",
        f"+dataset.home.null_class={null_class}",
        "lora.examples.unusable=leave_out",
    )
    run = prepare(job(tmp_path, *overrides).experiment)  # type: ignore[arg-type]
    assert run.recipe is not None
    keep(run.recipe.teacher)
    selection = select_examples(run.recipe, run.recipe.teacher.open_store())
    content = manifest(run.recipe, selection, {}, [])
    assert (content["null_class"], content["uses_gold"]) == (use, gold)
    assert selection.summary().endswith("chosen with gold activities") == gold
