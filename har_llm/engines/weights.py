"""A model's weights: loads them with Transformers, and checks an adapter against the layers of the model. Imports torch.

Transformers, PEFT and vLLM go on with random weights, or without an adapter's weights, where names do not fit.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
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

from har_llm.common.errors import EngineError, first_line
from har_llm.engines.base import Adapter, Request
from har_llm.engines.chat import LOADING_ERRORS
from har_llm.models.adapters import ADAPTER_FILES
from har_llm.models.checkpoint import tensors

FIXED = {"use_safetensors": True, "local_files_only": True}
"""Arguments of from_pretrained for every model: never a pickle of unknown origin, never a download."""
NAME = "checked"
"""PEFT's name for an adapter while it is checked; PEFT puts it into the names of weights."""


def load_model(path: str | Path, **options: Any) -> Any:
    """The model in a folder, as the class that its config.json names. `options`: of from_pretrained."""
    options = {**FIXED, **options}
    config = AutoConfig.from_pretrained(path, local_files_only=True, trust_remote_code=options["trust_remote_code"])
    return _auto_class(config).from_pretrained(path, **options)


def _auto_class(config: Any) -> Any:
    """Of a model that also reads images, the whole model and not its text part alone: the layers then have the names that
    vLLM expects in adapters."""
    whole = MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING.get(type(config), None)
    named = config.architectures or []
    return AutoModelForImageTextToText if whole is not None and whole.__name__ in named else AutoModelForCausalLM


class Outline:
    """A model's layers without their weights, which takes a moment and no memory."""

    def __init__(self, path: str | Path, *, trust_remote_code: bool):
        """Raises EngineError if Transformers cannot make the model that config.json describes."""
        self._path = path
        try:
            config = AutoConfig.from_pretrained(path, local_files_only=True, trust_remote_code=trust_remote_code)
            with torch.device("meta"):
                self._model = _auto_class(config).from_config(config, trust_remote_code=trust_remote_code)
        except (*LOADING_ERRORS, ImportError) as error:
            raise EngineError(f"The model in {path} cannot be loaded: {first_line(error)}") from error

    def fitting(self, requests: Sequence[Request]) -> tuple[list[Request], EngineError | None]:
        """The requests without those whose adapter does not fit, and the error of the first of these adapters."""
        errors: dict[Adapter | None, EngineError] = {}
        for adapter in dict.fromkeys(request.adapter for request in requests):
            try:
                if adapter is not None:
                    self.check_adapter(adapter.path)
            except EngineError as error:
                errors[adapter] = error
        fit = [request for request in requests if request.adapter not in errors]
        return fit, next(iter(errors.values()), None)

    def check_adapter(self, folder: str | Path) -> None:
        """Raise EngineError for an adapter with weights for other layers, or without weights for layers that it is meant
        for."""
        folder = Path(folder)
        try:
            config = PeftConfig.from_pretrained(str(folder))
            config.inference_mode = True
            config.init_lora_weights = True  # other ways read the model's weights; the adapter's replace them anyway
            adapted = PeftModel(copy.deepcopy(self._model), config, NAME)
            self._check_shapes(folder, get_peft_model_state_dict(adapted, adapter_name=NAME, save_embedding_layers=False))
            found = adapted.load_adapter(str(folder), NAME, low_cpu_mem_usage=True)
        except (*LOADING_ERRORS, ImportError) as error:
            raise EngineError(f"The adapter in {folder} cannot be loaded: {first_line(error)}") from error
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
                shapes = [" x ".join(map(str, shape)) for shape in (one.shape, wanted[name].shape)]
                raise self._unfit(folder, f"its {name} is {shapes[0]}, where that of {self._path} would be {shapes[1]}")

    def _unfit(self, folder: Path, fault: str) -> EngineError:
        base = json.loads((folder / ADAPTER_FILES[0]).read_text(encoding="utf-8")).get("base_model_name_or_path")
        return EngineError(
            f"The adapter {folder / ADAPTER_FILES[1]} does not fit the model: {fault}. It was made for "
            f"{base or 'a model that it does not name'}; choose that model, or an adapter that PEFT has saved for this one."
        )


def _in_file(name: str) -> str:
    """The name in an adapter's file of a weight that PEFT names."""
    return name.replace(f".{NAME}", "")
