"""What a model takes of memory once it is loaded: from its files' headers, or before they are here from its config."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from har_llm.common.files import read_bounded
from har_llm.models.checkpoint import FLOATS, tensors, weight_files
from har_llm.models.config import DTYPES, ModelConfig

PACKED = {"I64": 8, "I32": 4, "I16": 2}
"""Bytes of a value in the number formats of quantised weights, as safetensors names them; 1 for others."""

CACHELESS = ("linear_attention", "mamba", "mamba2", "recurrent", "conv", "moe", "mlp", "dense", "sparse")
"""Kinds of layers, as configurations name them, that keep no token: a state is one sum of all. "hybrid" ones keep both."""


class Footprint(NamedTuple):
    weights: float
    """Bytes of all weights, in model.dtype where they are not quantised."""
    embeddings: float = 0.0
    """Bytes of those in the embeddings and the head, which quantisation on loading leaves as they are; 0 if unknown."""
    cache: float | None = None
    """Bytes of the key-value cache for one token, in model.dtype; None if unknown."""
    file: float | None = None
    """Bytes of its GGUF file; None if it has none."""


def footprint(config: ModelConfig, folder: Path | None) -> Footprint | None:
    """`folder`: the model's files, if they are here. None where neither they nor the config say how large it is."""
    each = DTYPES[config.dtype]
    embeddings, cache = config.embeddings, config.cache_values
    weights = None if config.parameters is None else config.parameters * float(each)
    if folder is not None:
        weights = _stored(folder, each)
        embeddings, cache = embedding_count(folder), cache_values(folder)
    return None if weights is None else Footprint(weights, (embeddings or 0) * each, cache and float(cache * each))


def _stored(folder: Path, each: int) -> float:
    """Bytes of the weights in a folder's files. `each`: of one that is not quantised."""
    stored = tensors(folder).values()
    size = sum(math.prod(one.shape) * (each if one.kind in FLOATS else PACKED.get(one.kind, 1)) for one in stored)
    return float(size or sum(file.stat().st_size for file in weight_files(folder) if file.is_file()))


def embedding_count(folder: Path) -> int | None:
    """Number of weights in the embeddings and, if it is not tied to them, in the head; None where the files do not say."""
    try:
        config, shape = _config(folder)
        tied = shape.get("tie_word_embeddings", config.get("tie_word_embeddings", True))
        return int(shape["vocab_size"] * shape["hidden_size"] * (1 if tied else 2))
    except (OSError, ValueError, LookupError, AttributeError, TypeError, ArithmeticError, RecursionError):
        return None


def cache_values(folder: Path) -> int | None:
    """Number of values that the key-value cache keeps for a token; None where the files do not say."""
    try:
        return _cache_values(_config(folder)[1].get)
    except (OSError, ValueError, AttributeError, RecursionError):
        return None


def cache_values_of(config: Any) -> float:
    """The same of a loaded model, by the Transformers configuration of its language model: 0 without attention heads, as of
    Mamba, which needs no such cache; infinite where it does not say."""
    said = partial(_said, config)
    if said("num_attention_heads") is None:
        return 0
    values = _cache_values(said)
    return math.inf if values is None else values


def _said(config: Any, name: str) -> Any:
    """What a configuration says under a name, or of the layer that has most; None if nothing."""
    try:
        return getattr(config, name, None)
    except RuntimeError:  # so Transformers refuses what differs between layers, such as Gemma 4's head_dim
        return max(getattr(layer, name) or 0 for layer in config.per_layer_config)


def _cache_values(said: Callable[[str], Any]) -> int | None:
    try:
        heads = said("num_key_value_heads") or said("num_attention_heads")
        width = said("head_dim") or said("hidden_size") // said("num_attention_heads")
        return int(2 * _caching_layers(said) * heads * width)
    except (ValueError, AttributeError, TypeError, ArithmeticError):
        return None


def _caching_layers(said: Callable[[str], Any]) -> int:
    """Number of layers that keep each token: all that are not known to keep none."""
    kinds = said("layer_types")
    if kinds is None:
        return int(said("num_hidden_layers"))
    return sum(kind not in CACHELESS for kind in kinds)


def _config(folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """A model's config.json, and its part about the language model."""
    config = json.loads(read_bounded(folder / "config.json"))
    return config, config.get("text_config") or config
