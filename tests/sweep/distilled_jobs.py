"""Small jobs of a distilled student, and stand-ins for what is slow to make: the teacher's generations, the adapter."""

from __future__ import annotations

from pathlib import Path

import numpy
from safetensors.numpy import save_file

from har_llm.distill.manifest import Manifest, write_manifest
from har_llm.models.adapters import adapter_digest
from har_llm.runs.recipe import AdapterRecipe
from har_llm.runs.run import PreparedRun
from har_llm.runs.store import Record
from har_llm.sweep.job import Job
from tests.composing import experiment
from tests.distill.manifests import trained_adapter

SMALL = (
    "dataset.sessions.count=4",
    "+dataset.paper_split={4: 3}",
    "dataset.sessions.events=[6,6]",
    "window.events=3",
    "model=tiny_student",
    "engine=transformers",
    "lora=distilled_tiny",
    "lora.training.max_steps=2",
    "lora.training.warmup_steps=0",
    "lora.training.batch_size=2",
    "lora.training.per_device_train_batch_size=2",
)


def job(tmp_path: Path, *overrides: str) -> Job:
    wanted = [one for one in SMALL if "lora=none" not in overrides or not one.startswith("lora")]
    addressed = [f"++{one}" if one.startswith(("lora.", "dataset.")) else one for one in (*wanted, *overrides)]
    return Job(" ".join(overrides), experiment(*addressed, f"paths.outputs={tmp_path / 'outputs'}"))


def adapters(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "outputs" / "store" / "adapters").glob("*"))


ORIGIN = {"engine": "Scripted", "versions": {}, "hardware": "", "model": {}, "provenance": None}


def keep(run: PreparedRun, **about: str) -> None:
    with run.open_writer() as writer:
        for request in run.requests:
            writer.add(Record(request.key, "<think>\n</think>\n\n[]", "stop", 1, 1, 0.1, {**ORIGIN, **about}))


def stand_in(recipe: AdapterRecipe) -> str:
    """Write a stand-in for the adapter; returns the digest of its weights."""
    recipe.folder.mkdir(parents=True)
    (recipe.folder / "adapter_config.json").write_text('{"peft_type": "LORA", "r": 4}')
    save_file({"weights": numpy.zeros(1)}, recipe.folder / "adapter_model.safetensors")
    weights = adapter_digest(recipe.folder)
    write_manifest(recipe.folder, Manifest(recipe.provenance, trained_adapter(key=recipe.key, weights=weights)))
    return weights
