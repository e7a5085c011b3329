"""What conf/model says of the size of published models is what their classes have, made in the shapes that were published.

Weights are counted on PyTorch's meta device, in models of two and of four layers: each further layer has as many.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import pytest

from har_llm.models.config import ModelConfig
from har_llm.models.footprint import cache_values, embedding_count
from tests.composing import OPTIONS
from tests.helpers import load

pytestmark = pytest.mark.slow  # importing Transformers

K = 1024
IMAGES_OF_GEMMA = {
    "hidden_size": 1152,
    "intermediate_size": 4304,
    "num_hidden_layers": 27,
    "num_attention_heads": 16,
    "image_size": 896,
    "patch_size": 14,
    "vision_use_head": False,
}
IMAGES_OF_MISTRAL = {
    "model_type": "pixtral",
    "hidden_size": 1024,
    "intermediate_size": 4096,
    "num_hidden_layers": 24,
    "num_attention_heads": 16,
    "head_dim": 64,
    "image_size": 1540,
    "patch_size": 14,
}


class Shape(NamedTuple):
    """What a published config.json says, as far as the size depends on it."""

    kind: str
    context: int
    layers: int
    hidden: int
    inner: int
    """intermediate_size."""
    heads: int
    cached_heads: int
    vocabulary: int
    tied: bool
    head_dim: int = 128
    further: dict[str, Any] = {}  # noqa: RUF012
    vision: dict[str, Any] | None = None

    def config(self, layers: int) -> Any:
        from transformers import CONFIG_MAPPING

        text = {
            "max_position_embeddings": self.context,
            "num_hidden_layers": layers,
            "hidden_size": self.hidden,
            "intermediate_size": self.inner,
            "num_attention_heads": self.heads,
            "num_key_value_heads": self.cached_heads,
            "vocab_size": self.vocabulary,
            "tie_word_embeddings": self.tied,
            "head_dim": self.head_dim,
            **self.further,
        }
        if self.vision is None:
            return CONFIG_MAPPING[self.kind](**text)
        return CONFIG_MAPPING[self.kind](text_config=text, vision_config=self.vision, tie_word_embeddings=self.tied)

    def parameters(self) -> int:
        two, four = self._count(2), self._count(4)
        return two + (four - two) // 2 * (self.layers - 2)

    def _count(self, layers: int) -> int:
        import torch
        from transformers import AutoModelForCausalLM, AutoModelForImageTextToText

        maker = AutoModelForCausalLM if self.vision is None else AutoModelForImageTextToText
        with torch.device("meta"):
            model = maker.from_config(self.config(layers))
        return sum(weight.numel() for weight in model.parameters())


def qwen3(*size: int, tied: bool = True, context: int = 40 * K) -> Shape:
    return Shape("qwen3", context, *size, 151936, tied)


def qwen3_moe() -> Shape:
    experts = {"num_experts": 128, "num_experts_per_tok": 8, "moe_intermediate_size": 768}
    return Shape("qwen3_moe", 256 * K, 48, 2048, 6144, 32, 4, 151936, tied=False, further=experts)


def qwen2(*size: int, vocabulary: int = 152064, tied: bool = False, context: int = 32 * K) -> Shape:
    return Shape("qwen2", context, *size, vocabulary, tied, head_dim=size[1] // size[3])


def llama(*size: int, tied: bool = False, head_dim: int = 128) -> Shape:
    return Shape("llama", 128 * K, *size, 8, 128256, tied, head_dim)


def gemma3(*size: int, head_dim: int = 256) -> Shape:
    return Shape("gemma3", 128 * K, *size, 262208, True, head_dim, {}, IMAGES_OF_GEMMA)


def ministral3(*size: int, tied: bool = False) -> Shape:
    text = {"model_type": "ministral3"}
    return Shape("mistral3", 256 * K, *size, 32, 8, 131072, tied, further=text, vision=IMAGES_OF_MISTRAL)


def gpt_oss(layers: int, experts: int) -> Shape:
    further = {"num_local_experts": experts, "num_experts_per_tok": 4}
    return Shape("gpt_oss", 128 * K, layers, 2880, 2880, 64, 8, 201088, False, 64, further)


PHI4_MINI = Shape("phi3", 128 * K, 32, 3072, 8192, 24, 8, 200064, True, further={"pad_token_id": 0})
PUBLISHED = {
    "qwen3_0.6b": qwen3(28, 1024, 3072, 16, 8),
    "qwen3_1.7b": qwen3(28, 2048, 6144, 16, 8),
    "qwen3_4b": qwen3(36, 2560, 9728, 32, 8),
    "qwen3_8b": qwen3(36, 4096, 12288, 32, 8, tied=False),
    "qwen3_14b": qwen3(40, 5120, 17408, 40, 8, tied=False),
    "qwen3_32b": qwen3(64, 5120, 25600, 64, 8, tied=False),
    "qwen3_4b_instruct_2507": qwen3(36, 2560, 9728, 32, 8, context=256 * K),
    "qwen3_4b_thinking_2507": qwen3(36, 2560, 9728, 32, 8, context=256 * K),
    "qwen3_30b_a3b_instruct_2507": qwen3_moe(),
    "qwen3_30b_a3b_thinking_2507": qwen3_moe(),
    "qwen2.5_0.5b": qwen2(24, 896, 4864, 14, 2, vocabulary=151936, tied=True),
    "qwen2.5_1.5b": qwen2(28, 1536, 8960, 12, 2, vocabulary=151936, tied=True),
    "qwen2.5_coder_0.5b": qwen2(24, 896, 4864, 14, 2, vocabulary=151936, tied=True),
    "qwen2.5_coder_1.5b": qwen2(28, 1536, 8960, 12, 2, vocabulary=151936, tied=True),
    "qwen2.5_3b": qwen2(36, 2048, 11008, 16, 2, vocabulary=151936, tied=True),
    "qwen2.5_7b": qwen2(28, 3584, 18944, 28, 4),
    "qwen2.5_14b": qwen2(48, 5120, 13824, 40, 8),
    "qwen2.5_32b": qwen2(64, 5120, 27648, 40, 8),
    "llama3.2_1b": llama(16, 2048, 8192, 32, tied=True, head_dim=64),
    "llama3.2_3b": llama(28, 3072, 8192, 24, tied=True),
    "llama3.1_8b": llama(32, 4096, 14336, 32),
    "llama3.3_70b": llama(80, 8192, 28672, 64),
    "gemma3_1b": Shape("gemma3_text", 32 * K, 26, 1152, 6912, 4, 1, 262144, True, 256),
    "gemma3_4b": gemma3(34, 2560, 10240, 8, 4),
    "gemma3_12b": gemma3(48, 3840, 15360, 16, 8),
    "gemma3_27b": gemma3(62, 5376, 21504, 32, 16, head_dim=128),
    "ministral3_3b": ministral3(26, 3072, 9216, tied=True),
    "ministral3_8b": ministral3(34, 4096, 14336),
    "ministral3_14b": ministral3(40, 5120, 16384),
    "phi4_mini": PHI4_MINI,
    "phi4_mini_reasoning": PHI4_MINI,
    "gpt_oss_20b": gpt_oss(24, 32),
    "gpt_oss_120b": gpt_oss(36, 128),
    "smollm2_135m": Shape("llama", 8 * K, 30, 576, 1536, 9, 3, 49152, True, 64),
    "smollm3_3b": Shape("smollm3", 64 * K, 36, 2048, 11008, 16, 4, 128256, True),
    "deepseek_r1_distill_qwen_1.5b": qwen2(28, 1536, 8960, 12, 2, vocabulary=151936, context=128 * K),
    "deepseek_r1_distill_qwen_7b": qwen2(28, 3584, 18944, 28, 4, context=128 * K),
    "deepseek_r1_distill_qwen_14b": qwen2(48, 5120, 13824, 40, 8, context=128 * K),
    "deepseek_r1_distill_qwen_32b": qwen2(64, 5120, 27648, 40, 8, context=128 * K),
    "deepseek_r1_distill_llama_8b": llama(32, 4096, 14336, 32),
    "deepseek_r1_distill_llama_70b": llama(80, 8192, 28672, 64),
}
BASELINES = {"majority", "sensor_majority", "random_forest", "lexical"}
UNCOUNTED = {"custom", "tiny_student", "tiny_teacher", "qwen3.5_4b", "qwen3.5_9b", *BASELINES}
"""Whose size is read from their files, or that have none."""


@pytest.mark.parametrize("name", [name for name in OPTIONS["model"] if name not in UNCOUNTED])
def test_a_config_says_how_large_its_model_is(name: str, tmp_path: Path) -> None:
    shape = PUBLISHED[name]
    shape.config(shape.layers).save_pretrained(tmp_path)
    model = load(f"model/{name}", ModelConfig)
    said = (model.context, model.parameters, model.embeddings, model.cache_values)
    assert said == (shape.context, shape.parameters(), embedding_count(tmp_path), cache_values(tmp_path))
    assert model.name == name
