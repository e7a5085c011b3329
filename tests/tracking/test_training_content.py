"""What W&B gets of a training comes from the adapter's manifest."""

from __future__ import annotations

from pathlib import Path

from har_llm.runs.adapter_files import select_examples
from har_llm.runs.manifest import manifest
from har_llm.runs.prepare import prepare
from har_llm.tracking.training_content import SUMMARY, training_content
from tests.sweep.distilled_jobs import job, keep


def test_the_summary_has_what_the_manifest_says(tmp_path: Path) -> None:
    run = prepare(job(tmp_path, "lora.examples.unusable=leave_out").experiment)  # type: ignore[arg-type]
    assert run.recipe is not None
    keep(run.recipe.teacher)
    selection = select_examples(run.recipe, run.recipe.teacher.open_store())
    known = manifest(run.recipe, selection, {"seconds_of_last_start": 2.5}, [[1, 0.5]])
    content = training_content(known, "name", "group", ["mine"])
    assert content.summary == {name: known[name] for name in SUMMARY}
    assert content.summary["generations"] == len(run.recipe.teacher.requests)
    assert content.losses == [[1, 0.5]]
    assert content.tags == ["simulated_flat", "training", "synthetic home", "synthetic model", "mine"]
