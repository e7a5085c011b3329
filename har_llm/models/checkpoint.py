"""A model's layers, and whether its files are whole, from the headers of its safetensors files; no weights are read."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from har_llm.common.errors import ConfigError, MissingError
from har_llm.common.typed_json import read_json

FLOATS = {"F64", "F32", "F16", "BF16"}
GIT_LFS = b"version https://git-lfs.github.com/spec/"
"""What Git leaves in place of a large file that it has not fetched."""
OF_IMAGES = ("processor_config.json", "preprocessor_config.json", "video_preprocessor_config.json")
"""Files of a model that also reads images which say how these are prepared."""
WEIGHT, LORA, PEFT_PREFIX = ".weight", ".lora_A.weight", "base_model.model."
WHOLE, INDEX = "model.safetensors", "model.safetensors.index.json"
"""A model's weights in one file, and what names the files of weights in several."""
VOCABULARY = ("tokenizer.json", "*.model", "vocab.*", "tokenizer*.py", "tekken.json")
"""The files that hold a tokenizer, or its code; a tokenizer_config.json alone makes none."""


class Tensor(NamedTuple):
    kind: str
    """Its number format, as safetensors names it: BF16, U8."""
    shape: tuple[int, ...]


def weight_files(folder: Path) -> list[Path]:
    """The files of a model's weights, whether they are there or not: those that its index names, or the one file that
    Transformers looks for; of an adapter its own. None for an index that cannot be read.

    Others may lie beside them: the same weights once more in their makers' format (consolidated.safetensors).
    """
    if (folder / INDEX).is_file():
        with suppress(OSError, ValueError, LookupError, AttributeError, TypeError):
            return [folder / name for name in sorted(set(read_json(folder / INDEX)["weight_map"].values()))]
        return []
    return [folder / WHOLE] if (folder / WHOLE).is_file() else sorted(folder.glob("*.safetensors"))


def lacking(folder: Path) -> str | None:
    """What a model's folder lacks of a model's files, in words; None if it has them all."""
    if not (folder / "config.json").is_file():
        return "config.json"
    if not any(any(folder.glob(pattern)) for pattern in VOCABULARY):
        return "tokenizer"
    files = weight_files(folder)
    absent = [file.name for file in files if not file.is_file()]
    if absent:
        return f"{absent[0]}, which {INDEX} names"
    return None if files else "weights in safetensors"


def tensors(folder: Path) -> dict[str, Tensor]:
    """All tensors of a folder's weights, by name. Files that cannot be read are skipped: loading them gives the error."""
    from safetensors import SafetensorError, safe_open

    found = {}
    for file in weight_files(folder):
        with suppress(OSError, SafetensorError), safe_open(file, framework="numpy") as stored:
            for name in stored.keys():  # noqa: SIM118
                part = stored.get_slice(name)
                found[name] = Tensor(part.get_dtype(), tuple(part.get_shape()))
    return found


def uneven_layer(stored: Mapping[str, Tensor]) -> str | None:
    """What a quantised layer lacks that layers of the same name have, in words; None if each has all of its parts.

    Layers that are left as they were, or are quantised in another way, have parts of other kinds, not fewer.
    """
    layers: dict[str, dict[str, set[tuple[str, str]]]] = {}
    for name, one in stored.items():
        layer = (
            name.partition(f"{WEIGHT}.")[0] if f"{WEIGHT}." in name else name.rpartition(".")[0]
        )  # bitsandbytes' or others'
        part = name[len(layer) :]
        if part != ".bias":
            layers.setdefault(re.sub(r"\d+", "0", layer), {}).setdefault(layer, set()).add((part, one.kind))
    for alike in layers.values():
        kinds = {frozenset(parts): layer for layer, parts in alike.items()}
        for layer, parts in alike.items():
            for whole, other in kinds.items():
                if parts < whole:
                    return f"lacks {layer}{min(whole - parts)[0]}, a part of a quantised layer that {other} has"
    return None


def check_whole(folder: Path) -> None:
    """Raise MissingError for a file of a model or an adapter that Git LFS has not fetched, for weights that are cut short,
    and for a config of more layers than they can be for: a library would make them all before it noticed."""
    from safetensors import SafetensorError, safe_open

    for file in sorted(path for path in folder.iterdir() if path.is_file()):
        with file.open("rb") as stream:
            if stream.read(len(GIT_LFS)) == GIT_LFS:
                raise MissingError(
                    f"{file} only names the file, which Git LFS has not fetched; run `git lfs pull` in its folder, or "
                    f"download it from the hub."
                )
        if file.suffix == ".safetensors":
            try:
                with safe_open(file, framework="numpy"):
                    pass
            except SafetensorError as error:
                raise MissingError(f"{file} is cut short or damaged ({error}); download it again.") from None
    layers, stored = _described_layers(folder), len(tensors(folder))
    if 0 < stored < layers:
        raise MissingError(
            f"{folder / 'config.json'} describes {layers:,} layers, but the weights beside it have only {stored:,} tensors; "
            f"one of them is damaged or of another model: download both again."
        )


def _described_layers(folder: Path) -> int:
    """How many layers config.json describes; 0 where it does not say."""
    with suppress(OSError, ValueError, AttributeError):
        config = read_json(folder / "config.json")
        count = (config.get("text_config") or config).get("num_hidden_layers")
        return count if type(count) is int else 0
    return 0


def check_targets(targets: Sequence[str], model: str, folder: Path) -> None:
    """Raise ConfigError for target layers that the model in `folder` does not have."""
    layers = {name.removesuffix(WEIGHT) for name, one in tensors(folder).items() if len(one.shape) == 2}
    for target in targets:
        if layers and not any(f".{layer}".endswith(f".{target}") for layer in layers):
            has = sorted({layer.rpartition(".")[2] for layer in layers})
            raise ConfigError(
                f"lora.training.target_modules has {target!r}, but {model} has no such layer; it has {', '.join(has)}."
            )


def check_fit(adapter: Path, model: str, folder: Path) -> None:
    """Raise MissingError for an adapter whose layers have other widths than those of the model in `folder`.

    Only of layers that have the same names in both files; engines check every layer when they load the model.
    """
    layers = tensors(folder)
    for name, lora in tensors(adapter).items():
        layer = name.removeprefix(PEFT_PREFIX).removesuffix(LORA)
        own = layers.get(layer + WEIGHT)
        # A quantised layer's shape is that of packed weights and cannot be compared; some models store layers transposed.
        if name.endswith(LORA) and own is not None and own.kind in FLOATS and lora.shape[-1] not in own.shape:
            raise MissingError(
                f"The adapter in {adapter} is for another model{_named(adapter)}: its layer {layer} takes {lora.shape[-1]} "
                f"values, but that of {model} has {' x '.join(map(str, own.shape))}. Choose the model that the adapter was "
                f"made for, or another adapter."
            )


def _named(adapter: Path) -> str:
    base = read_json(adapter / "adapter_config.json").get("base_model_name_or_path")
    return f" ({base})" if isinstance(base, str) and base else ""
