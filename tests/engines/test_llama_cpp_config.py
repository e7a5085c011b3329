"""llama.cpp's settings and what it takes. Pure: llama-cpp-python is not needed."""

from __future__ import annotations

from pathlib import Path

import pytest

from har_llm.common.errors import ConfigError, MissingError
from har_llm.engines.llama_cpp_config import LlamaCppEngineConfig
from har_llm.models.config import ModelConfig
from har_llm.models.footprint import Footprint
from har_llm.models.resolve import ResolvedModel, resolve
from tests.composing import experiment


def test_it_takes_the_file_itself_and_only_files(tmp_path: Path) -> None:
    file = tmp_path / "model.gguf"
    config = ModelConfig(name="mine", id=str(file))
    assert LlamaCppEngineConfig().model_path(ResolvedModel(config, "files-1", None, gguf=file)) == file
    folder = resolve(experiment("model=tiny_student").model)
    with pytest.raises(ConfigError, match=r"takes GGUF files, and model\.id is 'embedded:tiny_student'; write one with"):
        LlamaCppEngineConfig().check_model(folder)


def test_its_weights_take_the_memory_of_the_file() -> None:
    assert LlamaCppEngineConfig().loaded_bytes(Footprint(2e9, file=4e8)) == 4e8


def test_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingError, match=r"`pip install -e '\.\[gateway\]'`"):
        LlamaCppEngineConfig().replicas(None, 100)


@pytest.mark.parametrize(
    ("overrides", "told"),
    [
        ("engine.n_threads=0", "engine.n_threads is 0; it must be at least 1"),
        ("engine.num_pred_tokens=-1", "engine.num_pred_tokens is -1; it must be 0"),
        ("engine.n_gpu_layers=-2", "engine.n_gpu_layers is -2; it must be -1"),
        (
            "lora=distilled_tiny",
            "lora is 'distilled', but the engine llama.cpp loads no adapters; write the model with",
        ),
        ("decoding.repetition_min_count=8", "which the engine llama.cpp cannot follow"),
    ],
)
def test_settings_that_it_cannot_follow_are_refused(overrides: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        experiment("model=tiny_student", "engine=llama_cpp", overrides)


def test_its_generations_are_kept_apart_from_those_of_the_dequantised_model() -> None:
    assert LlamaCppEngineConfig().identity() == LlamaCppEngineConfig(n_threads=3, num_pred_tokens=8).identity() != {}
