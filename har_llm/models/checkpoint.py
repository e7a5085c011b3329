"""What the headers of safetensors files say of a model's layers; no weight is read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from har_llm.common.errors import ConfigError, MissingError

FLOATS = {"F64", "F32", "F16", "BF16"}
WEIGHT, LORA, PEFT_PREFIX = ".weight", ".lora_A.weight", "base_model.model."


class Tensor(NamedTuple):
    kind: str
    """Of its numbers, in safetensors' names: BF16, U8."""
    shape: tuple[int, ...]


def tensors(folder: Path) -> dict[str, Tensor]:
    """All tensors of a folder's files, by name. Of a file that cannot be read, none: whoever loads it says what is wrong."""
    from safetensors import SafetensorError, safe_open

    found = {}
    for file in sorted(folder.glob("*.safetensors")):
        with suppress(SafetensorError), safe_open(file, framework="numpy") as stored:
            for name in stored.keys():  # noqa: SIM118
                part = stored.get_slice(name)
                found[name] = Tensor(part.get_dtype(), tuple(part.get_shape()))
    return found


def check_targets(targets: Sequence[str], model: str, folder: Path) -> None:
    """Refuse layers that the model in `folder` does not have. Raises ConfigError."""
    layers = {name.removesuffix(WEIGHT) for name, one in tensors(folder).items() if len(one.shape) == 2}
    for target in targets:
        if layers and not any(f".{layer}".endswith(f".{target}") for layer in layers):
            has = sorted({layer.rpartition(".")[2] for layer in layers})
            raise ConfigError(
                f"lora.training.target_modules has {target!r}, but {model} has no such layer; it has {', '.join(has)}."
            )


def check_fit(adapter: Path, model: str, folder: Path) -> None:
    """Refuse an adapter whose layers are of other widths than those of the model in `folder`. Raises MissingError."""
    layers = tensors(folder)
    for name, lora in tensors(adapter).items():
        layer = name.removeprefix(PEFT_PREFIX).removesuffix(LORA)
        own = layers.get(layer + WEIGHT)
        # A quantised layer is packed, and its shape says nothing; some models keep theirs the other way round.
        if name.endswith(LORA) and own is not None and own.kind in FLOATS and lora.shape[-1] not in own.shape:
            raise MissingError(
                f"The adapter in {adapter} is of another model{_named(adapter)}: its layer {layer} takes {lora.shape[-1]} "
                f"values, that of {model} is of {' x '.join(map(str, own.shape))}. Choose the adapter's own model, or "
                f"another adapter."
            )


def _named(adapter: Path) -> str:
    base = json.loads((adapter / "adapter_config.json").read_text(encoding="utf-8")).get("base_model_name_or_path")
    return f" ({base})" if isinstance(base, str) and base else ""
