"""Quantises a GGUF file with llama.cpp, in a process of its own. Imports llama_cpp."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from typing import Any

from har_llm.common.errors import EngineError
from har_llm.common.process import Caller

TEXT = 3
"""The tag of a text among the values that llama.cpp adds to a file (LLAMA_KV_OVERRIDE_TYPE_STR)."""


def quantise(source: str, target: str, quantization: str, values: Mapping[str, str]) -> None:
    """Write `target`. `values`: added to its metadata, by name; of less than 128 bytes each. Raises EngineError."""
    import llama_cpp

    kind = quantization.upper()
    settings: Any = llama_cpp.llama_model_quantize_default_params()
    settings.ftype = getattr(llama_cpp, f"LLAMA_FTYPE_{'ALL' if kind == 'F32' else 'MOSTLY'}_{kind}")
    added = (llama_cpp.llama_model_kv_override * (len(values) + 1))()  # the last one, empty, ends them
    for place, (name, text) in enumerate(values.items()):
        added[place].tag, added[place].key, added[place].value.val_str = TEXT, name.encode(), text.encode()
    settings.kv_overrides = ctypes.cast(added, type(settings.kv_overrides))
    if llama_cpp.llama_model_quantize(source.encode(), target.encode(), ctypes.byref(settings)):
        raise EngineError(f"llama.cpp cannot write these weights as {quantization}; take another export.quantization.")


def serve(caller: Caller) -> None:
    """The process's side: one message with the arguments of `quantise`, one reply."""
    quantise(**caller.receive())
    caller.reply({})
