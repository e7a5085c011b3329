"""engine=auto: vLLM where there is a GPU and vLLM, Transformers elsewhere; always with a reason."""

from __future__ import annotations

from typing import Any

import pytest

from har_llm.common.hardware import Gpu
from har_llm.engines import auto, vllm_config
from har_llm.engines.auto import AutoEngineConfig
from har_llm.engines.transformers_config import TransformersEngineConfig
from har_llm.engines.vllm_config import VllmEngineConfig
from har_llm.runs.prepare import prepare
from har_llm.sweep.plan import make_plan
from har_llm.sweep.read_once import Stores
from tests.composing import experiment
from tests.helpers import load


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> Any:
    def place(*, gpu: bool, installed: bool) -> None:
        monkeypatch.setattr(auto, "has_gpu", lambda: gpu)
        monkeypatch.setattr(auto, "installed", lambda: installed)
        monkeypatch.setattr(vllm_config, "installed", lambda: installed)
        monkeypatch.setattr(vllm_config, "gpus", lambda: [Gpu("0", "NVIDIA A", 80e9, 80e9)] * gpu)

    return place


def test_without_a_gpu_it_is_transformers(here: Any) -> None:
    here(gpu=False, installed=True)
    assert AutoEngineConfig().chosen() == (TransformersEngineConfig(), "Transformers, because there is no GPU here")


def test_without_vllm_it_is_transformers_and_says_how_to_be_faster(here: Any) -> None:
    here(gpu=True, installed=False)
    engine, reason = AutoEngineConfig().chosen()
    assert engine == TransformersEngineConfig()
    assert "vLLM is not installed" in reason and "pip install -e '.[vllm]'" in reason


def test_with_both_it_is_vllm(here: Any) -> None:
    here(gpu=True, installed=True)
    assert AutoEngineConfig().chosen() == (VllmEngineConfig(), "vLLM, because there is a GPU")


def test_it_runs_the_engines_as_they_are_shipped() -> None:
    assert load("engine/transformers", TransformersEngineConfig) == TransformersEngineConfig()
    assert load("engine/vllm", VllmEngineConfig) == VllmEngineConfig()


def test_a_run_is_prepared_for_the_engine_that_is_chosen(here: Any) -> None:
    here(gpu=False, installed=True)
    automatic = prepare(experiment("limit=2", "paths.outputs=nowhere-at-all"))
    named = prepare(experiment("limit=2", "paths.outputs=nowhere-at-all", "engine=transformers"))
    assert (automatic.engine, automatic.engine_reason) == AutoEngineConfig().chosen()
    assert (named.engine, named.engine_reason) == (TransformersEngineConfig(), "")
    assert len(make_plan([automatic, named], Stores()).loads) == 1
