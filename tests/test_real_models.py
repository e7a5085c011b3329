"""Real language models, which tools/real_models.py makes: HAR_LLM_REAL_MODELS names the folder that holds their folders."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from har_llm.config.experiment import Experiment
from har_llm.engines.base import LoadedModel
from har_llm.engines.vllm_config import VllmEngineConfig, installed
from har_llm.engines.worker import WorkerPool
from har_llm.report.build import build_report
from har_llm.runs.directory import read_run
from har_llm.runs.prepare import prepare
from har_llm.runs.run import PreparedRun
from har_llm.scoring.asked import Asked
from har_llm.scoring.labels import Labels
from har_llm.scoring.parsing import parse
from har_llm.sweep.job import Job
from tests.composing import experiment
from tests.same_process import in_this_process
from tests.sweep.noted_jobs import done
from tests.warm_commands import OF_VLLM, warm_engines

FOLDER = Path(os.environ.get("HAR_LLM_REAL_MODELS") or "absent")
MODELS = sorted(path.parent.name for path in FOLDER.glob("*/config.json"))
SMALL = ("dataset.sessions.count=4", "+dataset.paper_split={4: 2}", "dataset.sessions.events=[5,5]", "window.events=5")
GREEDY = ("model.dtype=float32", "model.sampling.temperature=0")
LONG, SHORT = "model.sampling.max_new_tokens=200", "model.sampling.max_new_tokens=48"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not MODELS, reason="HAR_LLM_REAL_MODELS names no folder of models; tools/real_models.py makes one"),
]
with_vllm = pytest.mark.skipif(not installed(), reason="vLLM is not installed")


class Made(NamedTuple):
    model: Path
    plain: PreparedRun
    adapted: PreparedRun
    """With an adapter that was trained for a few steps."""
    folder: Path
    """The run directory of the plain model."""
    transformers: Mapping[str, str]
    """The generations of our Transformers engine, by key."""


def real(outputs: Path, model: Path, *overrides: str) -> Experiment:
    chosen = ("dataset=simulated_flat", "model=custom", f"model.id={model}", f"model.name={model.name}")
    return experiment(*chosen, f"paths.outputs={outputs}", *SMALL, *GREEDY, *overrides)


@pytest.fixture(scope="module", params=MODELS)
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder, model = tmp_path_factory.mktemp("real"), FOLDER / request.param
    training = ("max_steps=2", "warmup_steps=0", "batch_size=1", "per_device_train_batch_size=1", "learning_rate=2e-3")
    plain = Job("", real(folder, model, "model.thinking=false", SHORT))
    adapted = Job("", real(folder, model, SHORT, "lora=distilled_tiny", *(f"lora.training.{one}" for one in training)))
    with in_this_process():
        callback = done(plain, adapted)
    assert not callback.failures, [str(one.error) for one in callback.failures]
    assert plain.run is not None and adapted.run is not None and plain.folder is not None
    texts = {one.key: one.text for run in (plain.run, adapted.run) for one in run.open_store().get_many(keys(run))}
    return Made(model, plain.run, adapted.run, plain.folder, texts)


def keys(run: PreparedRun) -> list[str]:
    return [request.key for request in run.requests]


def said(made: Made, run: PreparedRun) -> list[str]:
    return [made.transformers[key] for key in keys(run)]


def test_a_few_steps_of_training_change_what_it_writes(made: Made) -> None:
    assert all(len(text) > 20 for text in said(made, made.plain))
    assert all(one != other for one, other in zip(said(made, made.plain), said(made, made.adapted), strict=True))


def test_a_report_calls_the_home_synthetic_and_not_the_model(made: Made, tmp_path: Path) -> None:
    build_report([read_run(made.folder)], tmp_path / "report", headline="f1_weighted", parsing="strict")
    for path in (made.folder / "report.md", *sorted((tmp_path / "report").glob("*.md"))):
        text = path.read_text()
        assert "synthetic home" in text and "synthetic model" not in text, path.name


@with_vllm
def test_vllm_writes_the_same_and_its_structured_answers_miss_no_event(made: Made, tmp_path: Path) -> None:
    """From one start: the model as it is, with the adapter, and held to the form of an answer."""
    held = prepare(real(tmp_path, made.model, "model.thinking=false", "decoding=structured", "engine=vllm", LONG))
    requests = [*made.plain.requests, *made.adapted.requests, *held.requests]
    model = LoadedModel(str(made.model), "real", "float32", None, False)
    with warm_engines(OF_VLLM):
        pool = WorkerPool(VllmEngineConfig(cpu_kvcache_space=1), model, [{}])
    try:
        texts = {one.key: one.text for one in pool.generate(requests)}
    finally:
        pool.close()
    assert {key: texts[key] for key in made.transformers} == made.transformers
    labels = Labels(held.recordings.home.activities)
    for prompt, request in zip(held.prompts, held.requests, strict=True):
        answer = parse(texts[request.key], "stop", Asked(prompt.ids, labels, held.experiment.prompt.form), thinking=False)
        assert all(event.activity is not None for event in answer.strict)
