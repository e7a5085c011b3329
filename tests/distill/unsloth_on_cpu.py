"""The real Unsloth in a process without a GPU, as far as that goes: its loader, and its patched trainer on PEFT's model.

Its models compute in kernels for GPUs only, so that the loader's model cannot be trained here. The process has imported
`unsloth_import`. Each function needs one of its own: the loader changes the models of Transformers.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, NamedTuple
from unittest.mock import Mock, patch

from har_llm.distill.training_job import TrainingJob


class Loaded(NamedTuple):
    """Numbers of weights, and the number formats that they are in."""

    trainable: int
    trainable_dtypes: set[str]
    fixed: int
    fixed_dtypes: set[str]


def loaded(job: TrainingJob) -> tuple[dict[str, Any], Loaded]:
    """The LoRA config and the weights of the student as Unsloth loads it for a training."""
    import torch

    from har_llm.distill import trl_trainer, unsloth_trainer
    from har_llm.distill.trl_arguments import arguments

    made: list[Any] = []
    # All that the loader asks a GPU.
    properties = SimpleNamespace(name="CPU", total_memory=2**34, major=8, minor=0, multi_processor_count=1)
    gpu = {"get_device_properties": properties, "get_device_capability": (8, 0), "current_device": "cpu"}
    with (
        patch.multiple(torch.cuda, **{name: Mock(return_value=value) for name, value in gpu.items()}),
        patch.object(trl_trainer, "train_with", lambda load, job, tell: made.append(load(job, 4096, arguments(job))[0])),
    ):
        unsloth_trainer.train(job, lambda message: None)
    (model,) = made
    weights = list(model.parameters())
    trainable, fixed = ([one for one in weights if one.requires_grad == wanted] for wanted in (True, False))
    return model.peft_config["default"].to_dict(), Loaded(
        sum(one.numel() for one in trainable),
        {str(one.dtype) for one in trainable},
        sum(one.numel() for one in fixed),
        {str(one.dtype) for one in fixed},
    )


def steps(job: TrainingJob) -> list[Any]:
    """The messages of a training by TRL's trainer as Unsloth has patched it."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import set_seed

    from har_llm.distill import trl_trainer
    from har_llm.engines.weights import load_model

    assert "Unsloth" in trl_trainer.SFTTrainer.__name__

    def load(job: TrainingJob, longest: int, made: Any) -> tuple[Any, None]:
        """With its LoRA weights, as Unsloth's loader returns it."""
        model = load_model(job.base, dtype=getattr(torch, job.dtype), trust_remote_code=False)
        set_seed(job.settings.seed)
        return get_peft_model(model, LoraConfig(**made.lora, task_type="CAUSAL_LM")), None

    messages: list[Any] = []
    trl_trainer.train_with(load, job, messages.append)
    return messages
