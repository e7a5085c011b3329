"""What a model takes of memory, from its files' headers, or before they are here from its config."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from har_llm.models.config import ModelConfig
from har_llm.models.footprint import Footprint, cache_values, embedding_count, footprint

SHAPE = {"vocab_size": 100, "hidden_size": 8}


def folder(path: Path, config: dict[str, Any], **tensors: Any) -> Path:
    from safetensors.numpy import save_file

    (path / "config.json").write_text(json.dumps(config))
    save_file(tensors, path / "model.safetensors")
    return path


def model(**settings: Any) -> ModelConfig:
    return ModelConfig(name="m", id="o/m", **settings)


def test_before_the_files_are_here_the_config_says_it() -> None:
    assert footprint(model(parameters=1000), None) == Footprint(2000.0)
    assert footprint(model(parameters=1000, dtype="float32", embeddings=100, cache_values=7), None) == Footprint(
        4000, 400, 28
    )
    assert footprint(model(embeddings=100), None) is None


def test_the_files_overrule_the_config_and_quantised_weights_are_as_large_as_they_are(tmp_path: Path) -> None:
    """Such as those of a quantised checkpoint under the name of the whole model."""
    import numpy as np

    files = folder(
        tmp_path, SHAPE, whole=np.zeros(10, np.float32), packed=np.zeros(10, np.int32), bytes=np.zeros(3, np.uint8)
    )
    found = footprint(model(parameters=1000, embeddings=3, cache_values=3), files)
    assert found == Footprint(2 * 10 + 4 * 10 + 3, 2 * 800, None)


def test_files_that_cannot_be_read_are_as_large_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"x" * 11)
    assert footprint(model(), tmp_path) == Footprint(11.0)


@pytest.mark.parametrize(
    ("config", "count"),
    [
        ({**SHAPE, "tie_word_embeddings": True}, 800),
        ({**SHAPE, "tie_word_embeddings": False}, 1600),
        ({"text_config": SHAPE, "tie_word_embeddings": False}, 1600),
        ({}, None),
    ],
)
def test_embeddings_are_counted_once_where_the_head_shares_them(
    tmp_path: Path, config: dict[str, Any], count: int | None
) -> None:
    assert embedding_count(tmp_path) is None
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert embedding_count(tmp_path) == count


@pytest.mark.parametrize(
    ("config", "values"),
    [
        ({"num_hidden_layers": 28, "num_attention_heads": 16, "num_key_value_heads": 8, "head_dim": 128}, 57_344),
        ({"num_hidden_layers": 2, "num_attention_heads": 4, "hidden_size": 32}, 2 * 2 * 32),
        (
            {
                "num_hidden_layers": 4,
                "num_attention_heads": 4,
                "head_dim": 8,
                "layer_types": ["linear_attention", "full_attention", "sliding_attention", "mamba"],
            },
            2 * 2 * 32,
        ),
        ({"num_hidden_layers": 2}, None),
        ({"num_hidden_layers": 2, "head_dim": 8}, None),
        ({"num_hidden_layers": 2, "num_attention_heads": 4, "head_dim": 8, "layer_types": ["hybrid", 2]}, 2 * 2 * 32),
    ],
)
def test_a_token_is_kept_in_every_layer_for_every_head(tmp_path: Path, config: dict[str, Any], values: int | None) -> None:
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert cache_values(tmp_path) == values
