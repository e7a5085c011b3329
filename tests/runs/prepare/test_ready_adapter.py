"""conf/lora: a model as it is, or with an adapter that exists."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from har_llm.common.errors import MissingError
from har_llm.engines.base import Adapter
from har_llm.runs.prepare import prepare
from har_llm.runs.run import PreparedRun
from tests.composing import experiment

REAL = ("++dataset.synthetic=false", "model.synthetic=false")


def adapter(folder: Path, content: bytes = b"weights") -> Path:
    folder.mkdir(parents=True)
    (folder / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA", "r": 4}))
    (folder / "adapter_model.safetensors").write_bytes(content)
    return folder


def prepared(*overrides: str) -> PreparedRun:
    return prepare(experiment("model=tiny_student", "engine=transformers", "limit=2", *overrides))


def with_adapter(folder: Path, *overrides: str) -> PreparedRun:
    return prepared("lora=adapter", f"lora.path={folder}", *overrides)


def test_a_model_as_it_is_has_no_adapter() -> None:
    run = prepared()
    assert run.adapter is None and run.model_identity["adapter"] is None
    assert {request.adapter for request in run.requests} == {None}


def test_an_adapter_goes_to_the_engine_with_every_request(tmp_path: Path) -> None:
    folder = adapter(tmp_path / "adapter")
    run = with_adapter(folder)
    (asked,) = {request.adapter for request in run.requests}
    assert isinstance(asked, Adapter) and asked.path == str(folder)
    assert asked.name.startswith("lora_")


def test_a_folder_with_the_name_of_something_on_the_hub_is_said_to_be_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    student = prepared().model.path
    assert student is not None
    shutil.copytree(student, tmp_path / "Qwen" / "Qwen3-0.6B")
    (adapter(tmp_path / "org" / "adapter") / "chat_template.jinja").write_text("of its own")
    monkeypatch.chdir(tmp_path)
    run = with_adapter(Path("org/adapter"), "model=qwen3_0.6b", "model.revision=main")
    model, lora, template = run.notes
    assert model.startswith(f"Qwen/Qwen3-0.6B is the folder {tmp_path}/Qwen/Qwen3-0.6B here, not the one of that name on")
    assert lora.startswith(f"org/adapter is the folder {tmp_path}/org/adapter here")
    assert template.startswith("the adapter's folder org/adapter has a chat template unlike the model's")
    for clear in ("./org/adapter", str(tmp_path / "org" / "adapter")):
        (only,) = prepared("lora=adapter", f"lora.path={clear}").notes
        assert "chat template" in only
    assert not prepared().notes


def test_an_adapter_is_part_of_a_generations_key_and_its_folder_is_not(tmp_path: Path) -> None:
    one, copy, other = (
        with_adapter(adapter(tmp_path / name, content))
        for name, content in (("one", b"weights"), ("copy", b"weights"), ("other", b"others!"))
    )
    keys = [[request.key for request in run.requests] for run in (one, copy, other, prepared())]
    assert keys[0] == keys[1]
    assert len({key for each in keys for key in each}) == 6
    assert str(tmp_path) not in json.dumps(one.model_identity)
    assert one.requests[0].adapter is not None and copy.requests[0].adapter is not None
    assert one.requests[0].adapter.name == copy.requests[0].adapter.name


def test_the_name_of_an_adapter_names_the_run_and_changes_no_generation(tmp_path: Path) -> None:
    folder = adapter(tmp_path / "adapter")
    one, named = with_adapter(folder), with_adapter(folder, "lora.name=mine")
    assert "-tiny_student-adapter-test-" in one.name and "-tiny_student-mine-test-" in named.name
    assert "-tiny_student-test-" in prepared().name
    assert [request.key for request in one.requests] == [request.key for request in named.requests]


@pytest.mark.parametrize("label", ["synthetic home", "synthetic model", "synthetic home, synthetic model"])
def test_an_adapter_trained_on_synthetic_data_is_labelled_wherever_it_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, label: str
) -> None:
    monkeypatch.setattr("har_llm.models.resolve.is_embedded", lambda model: False)
    folder = adapter(tmp_path / "adapter")
    (folder / "manifest.json").write_text(json.dumps({"provenance": label}))
    assert with_adapter(folder, *REAL).provenance.label == label


def test_an_adapter_made_elsewhere_says_nothing_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("har_llm.models.resolve.is_embedded", lambda model: False)
    assert with_adapter(adapter(tmp_path / "adapter"), *REAL).provenance.label is None


def test_a_missing_adapter_is_told_before_anything_is_loaded(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match=r"lora\.path is .*there is no such folder"):
        with_adapter(tmp_path / "nowhere")


def test_a_served_adapter_is_a_name_and_nothing_else() -> None:
    run = prepare(experiment("engine=scripted", "limit=2", "lora=adapter", "lora.path=theirs"))
    assert run.adapter is not None and run.adapter.revision == "served"
    assert {request.adapter for request in run.requests} == {Adapter("theirs", "")}
