"""Which weights of a checkpoint a model may leave unused. All others mean that the files are of another model."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from safetensors import safe_open

from har_llm.models.checkpoint import weight_files

COMPUTED = (
    r"(^|\.)rotary_emb\.",  # tables of positions, which follow from config.json
    r"\.(attn|attention)\.(masked_)?bias$",  # the causal mask, as GPT-2 and its relatives stored it
)
"""Names of what a model computes, where older versions of its class stored it."""
AHEAD = r"(^|\.)mtp(_layers|_block)?\."
"""Layers that predict tokens beyond the next, for speculative decoding, which nothing here does."""
OTHER_SENSES = r"(?:^|\.)(visual|(?:vision|image|audio|speech)\w*|\w+_(?:vision|audio)|multi_modal\w*|mm_\w+)\."
"""Parts that read images or sounds, where the text part of a model is loaded alone."""
LAYER = r"(?:^|\.)layers\.(\d+)\."


def harmful(model: Any, names: Sequence[str], folder: Path) -> list[str]:
    """Of the names that a model does not have those that change its texts. What its class in Transformers declares to be
    unused (`_keys_to_ignore_on_load_unexpected`) is not among the names."""
    left = [name for name in names if not _is_harmless(model, name)]
    zeros = _zeros(folder, [name for name in left if name.endswith(".bias")])
    return [name for name in left if name not in zeros]


def untied(model: Any, folder: Path) -> tuple[str, str] | None:
    """Two weights that are one by the model's config, and are stored with different values: Transformers takes both, vLLM
    one."""
    if not getattr(model.config.get_text_config(), "tie_word_embeddings", False):
        return None
    for pair in dict(getattr(model, "_tied_weights_keys", None) or {}).items():
        values = [one for name in pair for one in _read(folder, name)]
        if len(values) == 2 and not values[0].equal(values[1]):
            return pair
    return None


def _read(folder: Path, name: str) -> Iterator[Any]:
    """A stored weight, if there is one of this name."""
    for file in weight_files(folder):
        with safe_open(file, framework="pt") as stored:
            if name in stored.keys():  # noqa: SIM118
                yield stored.get_tensor(name)


def _is_harmless(model: Any, name: str) -> bool:
    if any(re.search(pattern, name) for pattern in (*COMPUTED, AHEAD)):
        return True
    sense = re.search(OTHER_SENSES, name)
    if sense is not None:
        return not any(sense[1] in own.split(".") for own, _ in model.named_modules())
    layer = re.search(LAYER, name)
    return layer is not None and int(layer[1]) in _layers_ahead(model.config.get_text_config())


def _layers_ahead(config: Any) -> range:
    """The numbers of layers that are stored after a model's own and predict tokens beyond the next."""
    own = getattr(config, "num_hidden_layers", None) or 0
    return range(own, own + (getattr(config, "num_nextn_predict_layers", None) or 0))


def _zeros(folder: Path, names: Sequence[str]) -> set[str]:
    """Those that are all 0, and so add nothing: AutoGPTQ gave every layer a bias, whether its model had one or not."""
    return {name for name in names for one in _read(folder, name) if not one.any()}
