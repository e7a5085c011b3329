"""What task=export writes: a merged model with the same generations as with the adapter, and rows that TRL reads."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from har_llm.common.errors import ConfigError, MissingError
from har_llm.common.provenance import MANIFEST
from har_llm.config.experiment import Experiment
from har_llm.distill.manifest import read_manifest
from har_llm.models.adapters import adapter_digest
from har_llm.runs.export import export
from har_llm.runs.generations import parse_windows
from har_llm.runs.prepare import prepare
from har_llm.sweep.callbacks import Callback
from har_llm.sweep.generate import generate
from har_llm.sweep.plan import make_plan
from har_llm.sweep.read_once import Stores
from tests.composing import experiment
from tests.lora_adapters import random_adapter
from tests.sweep.distilled_jobs import job


def texts(experiment: Experiment) -> list[str]:
    run = prepare(experiment)
    for load in make_plan([run], Stores()).loads:
        generate(load, Callback(), Stores())
    return [window.records[0].text for window in parse_windows(run, run.open_store())]


@pytest.mark.slow
@pytest.mark.usefixtures("same_process")
def test_a_merged_model_says_what_the_model_with_the_adapter_says(tmp_path: Path) -> None:
    adapter = random_adapter(tmp_path / "adapter")
    common = ("model.sampling.max_new_tokens=120", "limit=3", "engine=transformers", f"paths.outputs={tmp_path}")
    with_adapter = experiment("model=tiny_teacher", "lora=adapter", f"lora.path={adapter}", *common)
    target = tmp_path / "merged"
    with_adapter.settings.export.path = str(target)
    path, what = export(with_adapter)
    assert path == target and "(synthetic model)" in what  # whatever home the command was about, the adapter knows none
    assert "**synthetic model**" in (target / "README.md").read_text()
    merged = (
        "model=custom",
        "prompt=embedded",
        f"model.id={target}",
        "model.dtype=float32",
        "model.sampling.temperature=0",
        *common,
    )
    assert prepare(experiment(*merged, "dataset.synthetic=false")).provenance.label == "synthetic model"
    assert texts(experiment(*merged)) == texts(with_adapter) != texts(experiment("model=tiny_teacher", *common))
    with pytest.raises(ConfigError, match="which exists and is not overwritten"):
        export(with_adapter)


@pytest.mark.slow
@pytest.mark.usefixtures("same_process")
def test_a_manifest_that_is_not_ours_is_no_story(tmp_path: Path) -> None:
    adapter = random_adapter(tmp_path / "adapter", model="tiny_student")
    wanted = experiment("model=tiny_student", "lora=adapter", f"lora.path={adapter}", f"paths.outputs={tmp_path}")
    (adapter / MANIFEST).write_text('{"adapter": {"teacher": "me", "weights": "others"}}')
    wanted.settings.export.path = str(tmp_path / "one")
    one, _ = export(wanted)
    assert read_manifest(one).adapter is None and "generations of" not in (one / "README.md").read_text()
    (adapter / MANIFEST).write_text(json.dumps({"adapter": {"teacher": "me", "weights": adapter_digest(adapter)}}))
    wanted.settings.export.path = str(tmp_path / "two")
    with pytest.raises(MissingError, match=r"manifest\.json is not as har_llm writes it .*; delete it"):
        export(wanted)
    assert not (tmp_path / "two").exists()


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (("export.path=OUT", "lora=distilled_tiny", "lora.train_sessions=0"), "with lora.train_sessions above 0"),
        ((), "export.path is not set"),
        (("export.path=OUT",), "choose lora=adapter or lora=distilled"),
        (("export.path=OUT", "export.what=examples"), "choose lora=distilled"),
        (
            ("export.path=OUT", "engine=openai", "engine.base_url=http://127.0.0.1:9/v1", "lora=adapter", "lora.path=mine"),
            "task=export writes a model's files, but the engine OpenAI has none here",
        ),
    ],
)
def test_what_cannot_be_exported_is_refused(tmp_path: Path, overrides: tuple[str, ...], message: str) -> None:
    addressed = [one.replace("OUT", str(tmp_path / "out")) for one in overrides]
    with pytest.raises(ConfigError, match=message):
        export(experiment("model=tiny_student", *addressed))
    assert not (tmp_path / "out").exists()


def test_examples_that_no_teacher_has_written_yet_are_asked_of_a_run(tmp_path: Path) -> None:
    wanted = job(tmp_path, "export.what=examples").experiment
    assert wanted is not None
    wanted.settings.export.path = str(tmp_path / "rows.jsonl")
    with pytest.raises(MissingError, match="generations are missing; run the same command with task=run first"):
        export(wanted)
    assert not (tmp_path / "rows.jsonl").exists()


@pytest.mark.slow
@pytest.mark.usefixtures("same_process")
def test_examples_are_rows_of_prompt_and_completion(tmp_path: Path) -> None:
    wanted = job(tmp_path, "lora.train_sessions=1").experiment
    assert wanted is not None
    wanted.settings.export.path = str(tmp_path / "model")
    with pytest.raises(MissingError, match="is not trained yet, or damaged; run the same command with task=run first"):
        export(wanted)
    recipe = prepare(wanted).recipe
    assert recipe is not None
    for load in make_plan([recipe.teacher], Stores()).loads:
        generate(load, Callback(), Stores())
    wanted.settings.export.what = "examples"
    wanted.settings.export.path = str(tmp_path / "rows.jsonl")
    path, what = export(wanted)
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    used = f"{len(rows)} of {len(rows)} generations of the teacher are used for training"
    assert what == f"{used} (synthetic home, synthetic model)"
    assert [message["role"] for message in rows[0]["prompt"]] == ["system", "user"]
    assert rows[0]["completion"][0]["content"].startswith("<think>")
