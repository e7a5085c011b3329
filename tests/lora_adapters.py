"""LoRA adapters with random weights, made in a moment: they are not trained, but they change generations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from har_llm.models import resolve
from tests.composing import experiment

LINEAR = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def random_adapter(
    folder: Path, model: str = "tiny_teacher", rank: int = 4, seed: int = 0, scale: int = 4, **more: Any
) -> Path:
    """An adapter for an embedded model, in PEFT's own format. With a scale of 1,000 the model writes random tokens.

    `more`: further settings of PEFT's LoraConfig.
    """
    import torch
    from transformers import AutoModelForCausalLM

    base = AutoModelForCausalLM.from_pretrained(
        resolve.resolve(experiment(f"model={model}").model).path, dtype=torch.float32
    )
    return random_adapter_of(base, folder, rank, seed, scale, **more)


def random_adapter_of(base: Any, folder: Path, rank: int = 4, seed: int = 0, scale: int = 4, **more: Any) -> Path:
    """The same for any model that is loaded."""
    import torch
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(seed)
    common = {"target_modules": LINEAR, "init_lora_weights": False, "task_type": "CAUSAL_LM"}
    config = LoraConfig(r=rank, lora_alpha=scale * rank, **{**common, **more})
    get_peft_model(base, config).save_pretrained(folder)
    return folder
