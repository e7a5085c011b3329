"""A model's weights: loads them with Transformers, and checks files and adapters against the model's layers. Imports torch.

Where names do not fit, Transformers and vLLM go on with random weights, and PEFT and vLLM without those of an adapter.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from peft import PeftConfig, PeftModel, get_peft_model_state_dict
from transformers import (
    MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING,
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForImageTextToText,
)

from har_llm.common.errors import EngineError
from har_llm.engines import unused_weights as unused
from har_llm.engines.base import Adapter, Request
from har_llm.engines.chat import loading
from har_llm.models.adapters import ADAPTER_FILES
from har_llm.models.checkpoint import FLOATS, WEIGHT, tensors, uneven_layer, weight_files

FIXED = {"use_safetensors": True, "local_files_only": True, "output_loading_info": True, "ignore_mismatched_sizes": True}
"""Arguments of from_pretrained for every model: never a pickle of unknown origin, never a download; what does not fit is
listed, where an error would name nothing."""
NAME = "checked"
"""PEFT's name for an adapter while it is checked; PEFT puts it into the names of weights."""


def load_model(path: str | Path, **options: Any) -> Any:
    """The model in a folder, as the class that its config.json names. `options`: of from_pretrained.

    Raises EngineError for files that do not have exactly the model's weights.
    """
    options = {**FIXED, **options}
    config = AutoConfig.from_pretrained(path, local_files_only=True, trust_remote_code=options["trust_remote_code"])
    model, found = _auto_class(config).from_pretrained(path, **options)
    # Transformers goes on without a quantisation that it does not know.
    unpacked = _is_quantised(config) and getattr(model, "hf_quantizer", None) is not None
    _check_complete(model, found, Path(path), quantised=unpacked)
    return model


def _auto_class(config: Any) -> Any:
    """Of a model that also reads images, the whole model and not its text part alone: the layers then have the names that
    vLLM expects in adapters."""
    whole = MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING.get(type(config), None)
    named = config.architectures or []
    return AutoModelForImageTextToText if whole is not None and whole.__name__ in named else AutoModelForCausalLM


def _is_quantised(config: Any) -> bool:
    return getattr(config, "quantization_config", None) is not None


def _check_complete(model: Any, found: Mapping[str, Any], folder: Path, *, quantised: bool) -> None:
    """Raise EngineError for weights that the files lack, have in another shape, or have and the model does not use.

    `found`: what Transformers says of loading them. The parts of a quantised layer have other names than its weights.
    """
    stored = tensors(folder)
    names, more = list(model.state_dict()), sorted(found["unexpected_keys"])
    parts = _quantised_parts(model, more) if quantised else {}
    packed = set(parts.values())
    lacking = [
        name
        for name in names
        if name in found["missing_keys"] and (name.rpartition(".")[0] not in packed or name.endswith("bias"))
    ]
    if lacking:
        others = f" (there is {more[0]}, which the model does not have)" if more else ""
        raise EngineError(
            f"{_files(folder)} lacks {len(lacking)} of the model's {len(names)} weights, first {lacking[0]}{others}; they "
            f"would be random numbers. Download the model again, or set model.id to a folder with all of its weights."
        )
    if quantised and (fault := uneven_layer(stored)) is not None:
        raise EngineError(f"{_files(folder)} {fault}. Download the model again.")
    beyond = unused.harmful(model, [name for name in more if name not in parts], folder)
    if beyond:
        raise EngineError(
            f"{_files(folder)} has {beyond[0]}, which the model that {folder / 'config.json'} describes does not have "
            f"({len(beyond)} such weights); it would run without it. Use the config.json of these weights."
        )
    if (pair := unused.untied(model, folder)) is not None:
        raise EngineError(
            f"{_files(folder)} has {pair[0]} and {pair[1]} with different values, though they are one weight by "
            f"{folder / 'config.json'} (tie_word_embeddings), and engines differ in what they take. Use the config.json of "
            f"these weights."
        )
    for name, one in () if quantised else stored.items():
        if name.endswith(WEIGHT) and one.kind not in FLOATS:
            raise EngineError(
                f"{_files(folder)} has {name} in the number format {one.kind}, but {folder / 'config.json'} names no "
                f"quantisation by which to read it. Use the config.json of these weights."
            )
    for name, ours, its in () if quantised else sorted(found["mismatched_keys"]):
        raise EngineError(
            f"{_files(folder)}: {name} is {_in_words(ours)}, but {_in_words(its)} by {folder / 'config.json'}. Use the "
            f"config.json of these weights."
        )


def _quantised_parts(model: Any, names: Sequence[str]) -> dict[str, str]:
    """Of the names that a model does not have those of parts of its quantised layers, such as scales, and whose they are.

    A weight or a bias of its own is none. Experts that the model has as one layer may be stored one by one.
    """
    modules = dict(model.named_modules())
    parts = {}
    for name in names:
        place, _, last = name.rpartition(".")
        owner = place
        while owner not in modules:
            owner = owner.rpartition(".")[0]
        fused = next(modules[owner].parameters(recurse=False), None) is not None
        if owner and last not in ("weight", "bias") and (owner == place or fused):
            parts[name] = owner
    return parts


def _files(folder: Path) -> str:
    found = weight_files(folder)
    return str(found[0] if len(found) == 1 else folder / "*.safetensors")


def _in_words(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape))


class Outline:
    """A model's layers, checked against its files' headers. No weight is read, so it takes a moment and no memory."""

    def __init__(self, path: str | Path, *, trust_remote_code: bool):
        """Raises EngineError if Transformers cannot make the model that config.json describes, or if the files do not have
        exactly its weights."""
        self._path = path
        with loading(f"The model in {path} cannot be loaded"):
            config = AutoConfig.from_pretrained(path, local_files_only=True, trust_remote_code=trust_remote_code)
            quantised = _is_quantised(config)
            if quantised:
                del config.quantization_config  # which would need a GPU or another package
            with torch.device("meta"):
                made = _auto_class(config).from_config(config, trust_remote_code=trust_remote_code)
            stored = {name: torch.empty(one.shape, device="meta") for name, one in tensors(Path(path)).items()}
            self._model, found = type(made).from_pretrained(
                None, config=made.config, state_dict=stored, device_map="meta", **FIXED
            )
        _check_complete(self._model, found, Path(path), quantised=quantised)

    def fitting(
        self, requests: Sequence[Request], more: Callable[[Adapter], None] | None = None
    ) -> tuple[list[Request], EngineError | None]:
        """The requests without those whose adapter does not fit, and the error of the first of these adapters.

        `more` raises EngineError for an adapter that the engine cannot use for another reason.
        """
        errors: dict[Adapter | None, EngineError] = {}
        for adapter in dict.fromkeys(request.adapter for request in requests):
            try:
                if adapter is not None:
                    self.check_adapter(adapter.path)
                    if more is not None:
                        more(adapter)
            except EngineError as error:
                errors[adapter] = error
        fit = [request for request in requests if request.adapter not in errors]
        return fit, next(iter(errors.values()), None)

    def check_adapter(self, folder: str | Path) -> None:
        """Raise EngineError for an adapter with weights for other layers, or without weights for layers that it is meant
        for."""
        folder = Path(folder)
        with loading(f"The adapter in {folder} cannot be loaded"):
            config = PeftConfig.from_pretrained(str(folder))
            config.inference_mode = True
            config.init_lora_weights = True  # other ways read the model's weights; the adapter's replace them anyway
            adapted = PeftModel(copy.deepcopy(self._model), config, NAME)
            self._check_shapes(folder, get_peft_model_state_dict(adapted, adapter_name=NAME, save_embedding_layers=False))
            found = adapted.load_adapter(str(folder), NAME, low_cpu_mem_usage=True)
        if found.unexpected_keys:
            first, count = _in_file(found.unexpected_keys[0]), len(found.unexpected_keys)
            raise self._unfit(
                folder, f"it has {first}, but {self._path} has no such layer ({count} of its weights fit none)"
            )
        if found.missing_keys:
            first, count = _in_file(found.missing_keys[0]), len(found.missing_keys)
            raise self._unfit(
                folder, f"it lacks {first}, which {ADAPTER_FILES[0]} asks for in {self._path} ({count} in all)"
            )

    def _check_shapes(self, folder: Path, wanted: dict[str, Any]) -> None:
        for name, one in tensors(folder).items():
            if name in wanted and tuple(wanted[name].shape) != one.shape:
                shapes = _in_words(one.shape), _in_words(wanted[name].shape)
                raise self._unfit(folder, f"its {name} is {shapes[0]}, where that of {self._path} would be {shapes[1]}")

    def _unfit(self, folder: Path, fault: str) -> EngineError:
        base = json.loads((folder / ADAPTER_FILES[0]).read_text(encoding="utf-8")).get("base_model_name_or_path")
        return EngineError(
            f"The adapter {folder / ADAPTER_FILES[1]} does not fit the model: {fault}. It was made for "
            f"{base or 'a model that it does not name'}: choose that model, or an adapter that PEFT has saved for this one. "
            f"If it is this one, the file was damaged or edited; copy it or train it again."
        )


def _in_file(name: str) -> str:
    """The name in an adapter's file of a weight that PEFT names."""
    return name.replace(f".{NAME}", "")
