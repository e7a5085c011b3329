"""The embedded student as a GGUF file."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy

from har_llm.models import resolve
from tests.composing import experiment

NAMES = {
    "model.embed_tokens": "token_embd",
    "model.norm": "output_norm",
    "model.layers": "blk",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}

PARTS = 3
QWEN3_ONLY = ("attn_q_norm.weight", "attn_k_norm.weight")


def student() -> Path:
    path = resolve.resolve(experiment("model=tiny_student").model).path
    assert path is not None
    return path


def write_gguf(
    file: Path,
    *,
    architecture: str = "qwen3",
    template: str | None = None,
    in_parts: bool = False,
    scaling: str = "",
    without: str = "",
    extra: str = "",
    division: str = "qwen2",
    further: Mapping[str, str] = MappingProxyType({}),
) -> Path:
    """The file that is written; with `in_parts` the first of PARTS.

    `further`: tokens that the student does not have, each with the name that the header gives it, or "" for none.
    """
    from gguf import GGUFWriter

    file.parent.mkdir(exist_ok=True)
    writer = GGUFWriter(file, architecture, split_max_tensors=math.ceil(len(weights()) / PARTS) if in_parts else 0)
    config, tokenizer = (json.loads((student() / name).read_text()) for name in ("config.json", "tokenizer.json"))
    _describe(writer, config)
    _add_tokenizer(writer, tokenizer, config["vocab_size"], division, further)
    if template is None:
        template = (student() / "chat_template.jinja").read_text()
    if template:
        writer.add_chat_template(template)
    if scaling:
        writer.add_string(f"{architecture}.rope.scaling.type", scaling)
    if extra:
        writer.add_tensor(extra, numpy.ones(4, numpy.float32))
    for name, weight in weights().items():
        for own, its in NAMES.items():
            name = name.replace(own, its)
        if name != without and not (architecture == "llama" and name.endswith(QWEN3_ONLY)):
            writer.add_tensor(name, weight)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return file.with_name(f"{file.stem}-00001-of-{PARTS:05}.gguf") if in_parts else file


def weights() -> dict[str, Any]:
    import torch
    from safetensors.torch import load_file

    return {name: one.to(torch.float32).numpy() for name, one in load_file(student() / "model.safetensors").items()}


def _describe(writer: Any, config: dict[str, Any]) -> None:
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_key_length(config["head_dim"])
    writer.add_value_length(config["head_dim"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])


def _add_tokenizer(writer: Any, tokenizer: dict[str, Any], rows: int, division: str, further: Mapping[str, str]) -> None:
    added = {one["content"]: one["id"] for one in tokenizer["added_tokens"]}
    vocabulary = {**tokenizer["model"]["vocab"], **added}
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(division)
    tokens = sorted(vocabulary, key=vocabulary.__getitem__)
    for token, name in further.items():
        if name:
            writer.add_uint32(f"tokenizer.ggml.{name}_token_id", len(tokens))
        tokens.append(token)
    tokens += [f"[PAD{place}]" for place in range(len(tokens), rows)]  # as llama.cpp fills them up
    writer.add_token_list(tokens)
    special = {one["content"] for one in tokenizer["added_tokens"] if one["special"]}
    kinds = ((3, special), (4, added), (1, vocabulary), (5, tokens))  # control, user-defined, normal, unused
    writer.add_token_types([next(kind for kind, those in kinds if token in those) for token in tokens])
    writer.add_token_merges([" ".join(pair) for pair in tokenizer["model"]["merges"]])
    writer.add_eos_token_id(added["<|im_end|>"])
    if division != "qwen2":
        writer.add_bos_token_id(added["<|im_start|>"])
    writer.add_pad_token_id(added["<|endoftext|>"])
