"""A tiny model that also reads images, with random weights and the embedded tokenizer: its text part lies deeper."""

from __future__ import annotations

from pathlib import Path

from har_llm.models import resolve
from tests.composing import experiment


def vision_language_model(folder: Path) -> Path:
    """Of the kind of Qwen3.5, whose text part Transformers also loads alone, with other names for its layers."""
    import torch
    from transformers import AutoTokenizer, Qwen3_5Config, Qwen3_5ForConditionalGeneration

    tokenizer = AutoTokenizer.from_pretrained(resolve.resolve(experiment("model=tiny_student").model).path)
    rope = {"rope_type": "default", "rope_theta": 1e4, "mrope_section": [2, 1, 1], "partial_rotary_factor": 0.25}
    text = {
        "vocab_size": len(tokenizer),
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "head_dim": 32,
        "layer_types": ["full_attention", "full_attention"],
        "max_position_embeddings": 4096,
        "rope_parameters": rope,
    }
    images = {"depth": 1, "hidden_size": 32, "intermediate_size": 64, "num_heads": 2, "out_hidden_size": 64}
    torch.manual_seed(0)
    config = Qwen3_5Config(text_config=text, vision_config=images, eos_token_id=2)
    Qwen3_5ForConditionalGeneration(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text("{}")
    return folder
