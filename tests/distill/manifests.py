"""An adapter that was trained, as its manifest has it."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from har_llm.distill.manifest import AdapterOrigin, Teacher, TrainedAdapter, TrainingRecord
from har_llm.distill.training_config import TrainingSettings
from har_llm.distill.training_messages import TrainingStep

ORIGIN = AdapterOrigin(
    key="k" * 64,
    student="Qwen/Qwen3-0.6B",
    student_revision="c0ffee",
    dtype="bfloat16",
    teacher=Teacher("Qwen/Qwen3-32B", "beef", "bfloat16", ["vLLM"], {}),
    method="generations",
    prompt="reasoning",
    dataset="marble",
    null_class="label",
    sessions=["A1a/1", "A1e/1"],
    windows=130,
    generations=130,
    examples=126,
    left_out={"is cut": 3, "longer than 9000 tokens": 1},
    uses_gold=False,
    training=TrainingSettings(),
    epochs=31.25,
    epochs_begun=32,
    recipe={"examples": ["a"]},
)
RECORD = TrainingRecord(
    trainable_parameters=20_185_088,
    parameters=616_235_008,
    tokens=400_000,
    optimizer="adamw_8bit",
    trainer="unsloth",
    seconds_of_last_start=2.5,
    versions={"trl": "1.0"},
    hardware="one GPU",
)


def trained_adapter(**changes: Any) -> TrainedAdapter:
    """`changes`: to fields of the adapter, its origin or its record."""

    def of(kind: type) -> dict[str, Any]:
        return {one.name: changes[one.name] for one in fields(kind) if one.name in changes}

    made = TrainedAdapter(
        replace(ORIGIN, **of(AdapterOrigin)),
        replace(RECORD, **of(TrainingRecord)),
        steps=(TrainingStep(1, 1.5), TrainingStep(500, 0.25)),
        weights="0" * 16,
    )
    return replace(made, **of(TrainedAdapter))
