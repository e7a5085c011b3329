"""What an adapter's folder says of what it is made of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from har_llm.models.config import ModelConfig
from har_llm.models.resolve import ResolvedModel
from har_llm.runs.adapter_files import adapter_origin, name_base, select_examples
from har_llm.runs.prepare import prepare
from har_llm.runs.recipe import StudentRun
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
    assert isinstance(run, StudentRun)
    keep(run.recipe.teacher)
    selection = select_examples(run.recipe, run.recipe.teacher.open_store())
    origin = adapter_origin(run.recipe, selection)
    assert (origin.null_class, origin.uses_gold) == (use, gold)
    assert origin.home is not None and len(origin.recorded) == len(origin.sessions) > 0
    assert selection.summary().endswith("chosen with gold activities") == gold


def test_an_adapter_names_its_base_and_no_folder_of_this_machine(tmp_path: Path) -> None:
    """PEFT writes where this machine keeps it, which is nobody's business and no use elsewhere."""

    def named(model: str, revision: str) -> dict[str, Any]:
        written = {"base_model_name_or_path": "/home/someone/models/x", "revision": None, "r": 32}
        (tmp_path / "adapter_config.json").write_text(json.dumps(written))
        name_base(tmp_path, ResolvedModel(ModelConfig(name="x", id=model), revision, None))
        content: dict[str, Any] = json.loads((tmp_path / "adapter_config.json").read_text())
        return content

    hub = named("Qwen/Qwen3-0.6B", "c0ffee")
    assert hub == {"base_model_name_or_path": "Qwen/Qwen3-0.6B", "revision": "c0ffee", "r": 32}
    for model, name in (("embedded:tiny_student", "embedded:tiny_student"), ("/home/someone/models/x", "x")):
        assert named(model, "files-0") == {"base_model_name_or_path": name, "revision": None, "r": 32}
