"""An adapter that har_llm has trained gives the same generations in every library, merged or not, unlike its base model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

from har_llm.common.provenance import Provenance, recorded
from har_llm.distill.manifest import read_manifest
from har_llm.distill.model_card import CURVE
from har_llm.engines.base import LoadedModel, Request
from har_llm.engines.config import EngineConfig
from har_llm.engines.transformers_config import TransformersEngineConfig
from har_llm.engines.vllm_config import VllmEngineConfig, installed
from har_llm.engines.worker import WorkerPool
from har_llm.runs.export import export
from har_llm.runs.generations import parse_windows
from har_llm.sweep.job import Job
from tests.composing import experiment
from tests.same_process import in_this_process
from tests.sweep.distilled_jobs import job
from tests.sweep.noted_jobs import done
from tests.warm_commands import OF_TRANSFORMERS, OF_VLLM, warm_engines

pytestmark = pytest.mark.slow
with_vllm = pytest.mark.skipif(not installed(), reason="vLLM is not installed")

# Few steps, but enough to change the student's generation for every window.
TRAINED = ("dataset.sessions.events=[12,12]", "lora.training.max_steps=12", "lora.training.batch_size=4")


class Made(NamedTuple):
    base: Path
    adapter: Path
    merged: Path
    requests: Sequence[Request]
    """With the adapter."""
    plain: list[str]
    """The student's generations without it, and..."""
    adapted: list[str]
    """... with it, in the run that trained it: our own Transformers engine."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("trained")
    adapted, plain = job(folder, *TRAINED), job(folder, TRAINED[0], "lora=none")
    with in_this_process():
        callback = done(adapted, plain)
    assert not callback.failures, [str(one.error) for one in callback.failures]
    assert adapted.run is not None and adapted.run.adapter is not None and adapted.experiment is not None
    adapter = adapted.run.adapter.path
    assert adapter is not None and adapted.run.model.path is not None
    adapted.experiment.settings.export.path = str(folder / "merged")
    with in_this_process():
        merged, _ = export(adapted.experiment)
    return Made(adapted.run.model.path, adapter, merged, adapted.run.requests, texts(plain), texts(adapted))


def texts(job: Job) -> list[str]:
    assert job.run is not None
    return [window.records[0].text for window in parse_windows(job.run, job.run.open_store())]


def model(folder: Path) -> LoadedModel:
    return LoadedModel(str(folder), "tiny", "float32", None, False)


def said(engine: EngineConfig, folder: Path, requests: Sequence[Request]) -> list[str]:
    """The generations of one of our engines for the requests, from one start."""
    with warm_engines(OF_VLLM if isinstance(engine, VllmEngineConfig) else OF_TRANSFORMERS):
        pool = WorkerPool(engine, model(folder), [{}])
    try:
        found = {one.key: one.text for one in pool.generate(requests)}
    finally:
        pool.close()
    return [found[request.key] for request in requests]


def bare(made: Made, loaded: Any) -> list[str]:
    """The generations of a model that was loaded without our code."""
    tokenizer = AutoTokenizer.from_pretrained(made.base)
    answers = []
    for request in made.requests:
        prompt = tokenizer.apply_chat_template(
            list(request.messages), add_generation_prompt=True, enable_thinking=True, return_tensors="pt", return_dict=True
        )
        with torch.inference_mode():
            output = loaded.generate(**prompt, max_new_tokens=512, do_sample=False)
        answers.append(tokenizer.decode(output[0, prompt["input_ids"].shape[1] :]).split("<|im_end|>")[0])
    return answers


def plain_requests(made: Made) -> list[Request]:
    return [request._replace(key=f"plain-{request.key}", adapter=None) for request in made.requests]


def test_the_merged_model_says_what_it_is_made_of(made: Made) -> None:
    assert recorded(made.merged) == recorded(made.adapter) == Provenance(home=True, model=True)
    card = (made.merged / "README.md").read_text()
    assert "trained on generations of embedded:tiny_teacher for simulated_flat" in card and (made.merged / CURVE).is_file()


def test_an_adapter_that_is_named_by_its_folder_is_merged_with_its_story(made: Made, tmp_path: Path) -> None:
    wanted = experiment("model=tiny_student", "lora=adapter", f"lora.path={made.adapter}", f"paths.outputs={tmp_path}")
    wanted.settings.export.path = str(tmp_path / "merged")
    merged, _ = export(wanted)
    ours, theirs = (replace(read_manifest(folder), merged=None) for folder in (merged, made.merged))
    assert ours == theirs and ours.adapter is not None
    assert (merged / "model.safetensors").read_bytes() == (made.merged / "model.safetensors").read_bytes()
    assert (merged / CURVE).read_bytes() == (made.adapter / CURVE).read_bytes()


def test_the_training_has_changed_every_generation(made: Made) -> None:
    assert len(made.adapted) == 4
    assert all(adapted != plain for adapted, plain in zip(made.adapted, made.plain, strict=True))


@pytest.mark.parametrize(
    "load",
    [
        lambda made: PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(made.base), made.adapter),
        lambda made: AutoModelForCausalLM.from_pretrained(made.merged),
    ],
    ids=["the adapter in PEFT", "the merged model in Transformers"],
)
def test_the_same_is_said_without_any_code_of_ours(made: Made, load: Callable[[Made], Any]) -> None:
    assert bare(made, load(made)) == made.adapted


def test_our_transformers_engine_says_the_same_with_the_merged_model(made: Made) -> None:
    assert said(TransformersEngineConfig(device="cpu"), made.merged, plain_requests(made)) == made.adapted


@with_vllm
def test_vllm_says_the_same_with_the_adapter(made: Made) -> None:
    """Beside the base model's own generations, from one start."""
    mixed = [*made.requests, *plain_requests(made)]
    assert said(VllmEngineConfig(cpu_kvcache_space=1), made.base, mixed) == [*made.adapted, *made.plain]


@with_vllm
def test_vllm_says_the_same_with_the_merged_model(made: Made) -> None:
    assert said(VllmEngineConfig(cpu_kvcache_space=1), made.merged, plain_requests(made)) == made.adapted
