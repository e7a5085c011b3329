"""The process that merges an adapter into its model: `python -m har_llm.distill.merge`. Imports torch and PEFT."""

from __future__ import annotations

from har_llm.common.errors import EngineError, HarError, first_line
from har_llm.common.process import Caller


def merge(base: str, adapter: str, dtype: str, trust_remote_code: bool, folder: str) -> int:
    """Write the merged model and its tokenizer; how many parameters it has. Raises EngineError."""
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    try:
        model = AutoModelForCausalLM.from_pretrained(
            base,
            dtype=getattr(torch, dtype),
            use_safetensors=True,
            trust_remote_code=trust_remote_code,
            local_files_only=True,
        )
        merged = PeftModel.from_pretrained(model, adapter).merge_and_unload()
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise EngineError(f"{adapter} cannot be merged into {base}: {first_line(error)}") from error
    merged.save_pretrained(folder)
    AutoTokenizer.from_pretrained(base, trust_remote_code=trust_remote_code).save_pretrained(folder)
    return int(merged.num_parameters())


def main() -> None:
    caller = Caller()
    try:
        caller.reply({"parameters": merge(**caller.receive())})
    except HarError as error:
        caller.reply({"error": str(error)})


if __name__ == "__main__":
    main()
