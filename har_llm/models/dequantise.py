"""Makes a folder in Hugging Face's layout out of a GGUF file, in a process of its own. Imports torch and Transformers.

Both engines and the trainings then take it like any other model; vLLM 0.32 reads no GGUF files itself.
"""

from __future__ import annotations

import reprlib
from pathlib import Path
from typing import Any

from har_llm.common.errors import EngineError, first_line
from har_llm.common.process import Caller
from har_llm.models.gguf import read_header
from har_llm.models.gguf_ends import ends

SPECIAL = {"bos_token": "bos", "eos_token": "eos", "pad_token": "padding", "unk_token": "unknown"}
"""Special tokens of a tokenizer, and their names in a GGUF file."""

BYTE_LEVEL = "gpt2"
"""What a GGUF file calls a tokenizer that merges bytes."""
LLAMA_3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
"""How Llama 3 divides a text before bytes are merged."""
GPT_OSS = "gpt-oss"
"""The only architecture whose rope scaling Transformers 5.17 reads."""


def dequantise(gguf: str, folder: str, dtype: str) -> None:
    """Write the model and its tokenizer into `folder`. Raises EngineError for a model that Transformers cannot read."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM
    from transformers.modeling_gguf_pytorch_utils import GGUF_SUPPORTED_ARCHITECTURES

    file = Path(gguf)
    header = read_header(file)
    architecture = header.architecture
    known = sorted({*GGUF_SUPPORTED_ARCHITECTURES} - {"general", "tokenizer", "tokenizer_config"})
    if architecture not in known:
        raise EngineError(
            f"{file} holds a model of the architecture {reprlib.repr(architecture)}, and Transformers reads GGUF files of "
            f"{', '.join(known)} only. Take engine=llama_cpp, or set model.id to its safetensors."
        )
    if header.stretches_positions and architecture != GPT_OSS:
        raise EngineError(
            f"{file} stretches its positions (rope scaling), which Transformers does not read from GGUF files, so that its "
            f"texts would be wrong. Take engine=llama_cpp, or set model.id to its safetensors."
        )
    try:
        tokenizer = _tokenizer(file)
        config: Any = AutoConfig.from_pretrained(file.parent, gguf_file=file.name)
        width = header.values.get(f"{architecture}.attention.key_length")
        if width is not None and hasattr(config, "head_dim"):  # Transformers 5.17 takes its default for some architectures
            config.head_dim = width
        loading = {"gguf_file": file.name, "config": config, "dtype": getattr(torch, dtype), "output_loading_info": True}
        model, report = AutoModelForCausalLM.from_pretrained(file.parent, **loading)
    except Exception as error:  # Transformers and the packages below it raise errors of many kinds
        raise EngineError(f"{file} cannot be read by Transformers: {first_line(error)}") from error
    loaded = sum(one.numel() for one in model.parameters())
    if report["missing_keys"] or loaded != header.parameters:
        missing = f", without {sorted(report['missing_keys'])[0]}" if report["missing_keys"] else ""
        raise EngineError(
            f"{file} holds {header.parameters:,} weights, and the model that Transformers makes of it has {loaded:,}"
            f"{missing}: some would be left out or be random numbers. Download it again; if that does not help, serve it "
            f"with llama.cpp and use engine=openai, or set model.id to its safetensors."
        )
    model.hf_quantizer = None  # it is quantised no more
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    ending = ends(header.values, tokenizer.get_vocab())
    model.config.eos_token_id = model.generation_config.eos_token_id = ending or None
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _tokenizer(file: Path) -> Any:
    from transformers import AutoTokenizer

    tokenizer: Any = AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name)
    header = read_header(file)
    tokenizer.chat_template = header.chat_template
    merges_bytes = header.values.get("tokenizer.ggml.model") == BYTE_LEVEL
    if merges_bytes and getattr(tokenizer.backend_tokenizer.model, "byte_fallback", False):
        _mend_byte_level(tokenizer.backend_tokenizer, file, header.values.get("tokenizer.ggml.pre", ""))
    for name, own in SPECIAL.items():
        if (token := header.values.get(f"tokenizer.ggml.{own}_token_id")) is not None:
            setattr(tokenizer, name, tokenizer.convert_ids_to_tokens(token))
    return tokenizer


def _mend_byte_level(tokenizer: Any, file: Path, division: str) -> None:
    """Transformers 5.17 takes the tokenizer of any model of Llama's architecture for one that falls back to bytes, as that
    of Llama 2 does, and divides texts as GPT-2 does. `division`: the file's name of its own way."""
    from tokenizers import Regex, decoders, pre_tokenizers

    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False)
    ways = {
        "gpt-2": byte_level,
        "smollm": pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), byte_level]),
        "llama-bpe": pre_tokenizers.Sequence(
            [
                pre_tokenizers.Split(Regex(LLAMA_3), "isolated"),
                pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
            ]
        ),
    }
    if division not in ways:
        raise EngineError(
            f"{file} divides texts in the way {reprlib.repr(division)} before it makes tokens of them; of this kind, "
            f"only files with {', '.join(ways)} are read. Take engine=llama_cpp, or set model.id to its safetensors."
        )
    tokenizer.model.byte_fallback = False
    tokenizer.model.ignore_merges = division == "llama-bpe"
    tokenizer.pre_tokenizer, tokenizer.decoder = ways[division], decoders.ByteLevel()


def serve(caller: Caller) -> None:
    """The process's side: one message with the arguments of `dequantise`, one reply."""
    dequantise(**caller.receive())
    caller.reply({})
