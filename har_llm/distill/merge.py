"""Merges an adapter into its model, in a process of its own. Imports torch and PEFT."""

from __future__ import annotations

import shutil
from pathlib import Path

from har_llm.common.process import Caller
from har_llm.engines.chat import ChatTokenizer, loading
from har_llm.models.checkpoint import OF_IMAGES


def merge(base: str, adapter: str, dtype: str, trust_remote_code: bool, folder: str) -> int:
    """Write the merged model and its tokenizer into `folder`; returns its number of parameters. Raises EngineError."""
    import torch
    from peft import PeftModel

    from har_llm.engines.weights import Outline, load_model

    Outline(base, trust_remote_code=trust_remote_code).check_adapter(adapter)
    with loading(f"{adapter} cannot be merged into {base}"):
        model = load_model(base, dtype=getattr(torch, dtype), trust_remote_code=trust_remote_code)
        merged = PeftModel.from_pretrained(model, adapter).merge_and_unload()
    merged.save_pretrained(folder)
    ChatTokenizer(base, trust_remote_code=trust_remote_code).tokenizer.save_pretrained(folder)
    for name in OF_IMAGES:
        if (Path(base) / name).is_file():
            shutil.copy(Path(base) / name, folder)
    return int(merged.num_parameters())


def serve(caller: Caller) -> None:
    """The process's side: one message with the arguments of `merge`, one reply."""
    caller.reply({"parameters": merge(**caller.receive())})
