"""Tiny random models of the families that people use, each with its family's chat template and special tokens.

Their words are those of the embedded student. The templates are those that TRL carries; of families that it does not carry,
they are written after their documentation.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import torch
import transformers

from har_llm.models import resolve
from tests.composing import experiment

VOCABULARY = 1024
SMALL = {
    "vocab_size": VOCABULARY,
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 32,
    "max_position_embeddings": 4096,
    "initializer_range": 0.2,  # far from ties
}
WINDOW = 16
"""Tokens that a layer sees, far fewer than a prompt has."""
SLIDING = {"sliding_window": WINDOW, "layer_types": ["sliding_attention", "full_attention"]}
IMAGES = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "image_size": 28,
    "patch_size": 14,
    "vision_use_head": False,
}
TOKENS_OF_IMAGES = {"boi_token_index": 1001, "eoi_token_index": 1002, "image_token_index": 1003, "mm_tokens_per_image": 4}
MISTRAL = """{{- bos_token }}
{%- for message in messages %}
    {%- if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}
        {{- raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}
    {%- endif %}
    {%- if message['role'] == 'user' %}{{- ' [INST] ' + message['content'] + ' [/INST]' }}
    {%- else %}{{- ' ' + message['content'] + eos_token }}{%- endif %}
{%- endfor %}"""
"""Of Mistral-7B-Instruct-v0.1 and v0.2, which take no system message."""
PHI4_MINI = (
    "{% for message in messages %}{{ '<|' + message['role'] + '|>' + message['content'] + '<|end|>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% else %}{{ eos_token }}{% endif %}"
)


class Family(NamedTuple):
    config: str
    """The name of its class in Transformers."""
    template: str
    """A file that TRL carries, or the text."""
    ends: tuple[str, ...]
    """The tokens that end a generation; the tokenizer's own is the first."""
    bos: str | None = None
    pad: str | None = None
    shape: dict[str, Any] = {}  # noqa: RUF012
    images: bool = False
    system: bool = True
    """Whether the template takes a system message."""
    opens: bool = False
    """Whether the prompt opens the reasoning."""


FAMILIES = {
    "qwen2.5": Family("Qwen2", "qwen2_5.jinja", ("<|im_end|>", "<|endoftext|>"), pad="<|endoftext|>"),
    "qwen3_2507": Family("Qwen3", "qwen3_instruct_2507.jinja", ("<|im_end|>",), shape={"tie_word_embeddings": True}),
    "qwen3_moe": Family(
        "Qwen3Moe",
        "qwen3.jinja",
        ("<|im_end|>",),
        shape={"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 32, "norm_topk_prob": True},
    ),
    "llama3.2": Family(
        "Llama",
        "llama3_2.jinja",
        ("<|eot_id|>", "<|end_of_text|>", "<|eom_id|>"),
        bos="<|begin_of_text|>",
        shape={"tie_word_embeddings": True},
    ),
    "deepseek_r1_distill": Family(
        "Llama", "deepseek_r1_distill.jinja", ("<｜end▁of▁sentence｜>",), bos="<｜begin▁of▁sentence｜>", opens=True
    ),
    "mistral": Family("Mistral", MISTRAL, ("</s>",), bos="<s>", shape={"sliding_window": WINDOW}, system=False),
    "gemma2": Family(
        "Gemma2",
        "gemma.jinja",
        ("<eos>", "<end_of_turn>"),
        bos="<bos>",
        pad="<pad>",
        shape={"sliding_window": WINDOW, "query_pre_attn_scalar": 32},
        system=False,
    ),
    "gemma3": Family(
        "Gemma3",
        "gemma3.jinja",
        ("<eos>", "<end_of_turn>"),
        bos="<bos>",
        pad="<pad>",
        shape={**SLIDING, "query_pre_attn_scalar": 32},
        images=True,
    ),
    "phi4_mini": Family("Phi3", PHI4_MINI, ("<|endoftext|>", "<|end|>"), shape={"tie_word_embeddings": True}),
    "gpt_oss": Family(
        "GptOss",
        "gptoss.jinja",
        ("<|return|>", "<|call|>"),
        bos="<|startoftext|>",
        shape={"num_local_experts": 4, "num_experts_per_tok": 2, "sliding_window": WINDOW},
    ),
    # Its own template is not at hand; this one has its option enable_thinking and its marks.
    "smollm3": Family("SmolLM3", "qwen3.jinja", ("<|im_end|>",), shape={"no_rope_layer_interval": 2}),
}


def make(name: str, folder: Path) -> Path:
    """Write the model of a family."""
    family = FAMILIES[name]
    tokenizer = _tokenizer(family)
    ends = tokenizer.convert_tokens_to_ids(list(family.ends))
    special = {"eos_token_id": ends if len(ends) > 1 else ends[0], "bos_token_id": tokenizer.bos_token_id}
    shape = {**SMALL, "pad_token_id": tokenizer.pad_token_id, **special, **family.shape}
    kind = getattr(transformers, f"{family.config}Config")
    if family.images:
        config = kind(text_config=shape, vision_config=IMAGES, **TOKENS_OF_IMAGES, **special)
        maker: Any = transformers.AutoModelForImageTextToText
    else:
        config, maker = kind(**shape), transformers.AutoModelForCausalLM
    torch.manual_seed(0)
    model = maker.from_config(config, dtype=torch.float32)
    model.generation_config.eos_token_id = special["eos_token_id"]
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def _tokenizer(family: Family) -> Any:
    student = resolve.resolve(experiment("model=tiny_student").model).path
    tokenizer = transformers.AutoTokenizer.from_pretrained(student)
    named = [*family.ends, *(token for token in (family.bos, family.pad) if token is not None)]
    tokenizer.add_special_tokens({"additional_special_tokens": [one for one in named if one not in tokenizer.get_vocab()]})
    tokenizer.eos_token, tokenizer.bos_token, tokenizer.pad_token = family.ends[0], family.bos, family.pad
    tokenizer.chat_template = _template(family.template)
    return tokenizer


def _template(template: str) -> str:
    if not template.endswith(".jinja"):
        return template
    import trl

    return (Path(trl.__file__).parent / "chat_templates" / template).read_text(encoding="utf-8")
