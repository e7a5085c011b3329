"""The settings of training on reasoning examples (section 3.2.2); the defaults are Unsloth's for Qwen3."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from har_llm.common.checks import require
from har_llm.common.errors import ConfigError
from har_llm.common.extra_args import extra_identity
from har_llm.common.numbers import counted
from har_llm.distill.extra_args import check_extra

OPTIMIZERS = ("auto", "adamw_8bit", "adamw_torch")
LINEAR = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")

SEEDS = 2**32 - 1
"""The largest seed that all libraries of the training accept."""


@dataclass(kw_only=True)
class TrainingSettings:
    r: int = 32
    lora_alpha: int = 32
    lora_dropout: float = 0.0
    target_modules: list[str] = field(default_factory=lambda: list(LINEAR))
    """Layers that get LoRA weights; by default all linear layers of the paper's models."""
    max_steps: int = 500
    batch_size: int = 8
    """Examples in a step; gradient_accumulation_steps follows from it."""
    per_device_train_batch_size: int = 2
    """Examples computed at once, several times in a step. Fewer need less memory."""
    learning_rate: float = 2e-4
    """The highest learning rate; it falls linearly to 0, unless extra_args has another lr_scheduler_type."""
    warmup_steps: int = 5
    weight_decay: float = 0.001
    optim: str = "auto"
    """auto: adamw_8bit on a GPU, adamw_torch on a CPU."""
    load_in_4bit: bool = False
    """Whether the student's own weights are in 4 bits during the training, instead of model.dtype."""
    max_length: int | None = None
    """Most tokens of an example; longer ones cannot be trained on. null = the student's context."""
    completion_only_loss: bool = True
    """true: the loss is on reasoning and answer; false: on the prompt too."""
    seed: int = 0
    save_steps: int = 50
    """Steps between checkpoints, from which a killed training resumes."""
    extra_args: dict[str, Any] = field(default_factory=dict)
    """Further arguments of TRL's SFTConfig and PEFT's LoraConfig, such as neftune_noise_alpha and use_rslora."""

    def check(self) -> None:
        positive = (
            "r",
            "lora_alpha",
            "max_steps",
            "batch_size",
            "per_device_train_batch_size",
            "learning_rate",
            "save_steps",
        )
        for name in positive:
            if not 0 < getattr(self, name) < math.inf:  # this also refuses nan, which compares false
                raise ConfigError(f"lora.training.{name} is {getattr(self, name)}; it must be above 0 and finite.")
        for name, low, high in (
            ("lora_dropout", 0.0, 0.9),
            ("weight_decay", 0.0, 1.0),
            ("warmup_steps", 0, self.max_steps),
            ("seed", 0, SEEDS),
        ):
            if not low <= getattr(self, name) <= high:
                raise ConfigError(f"lora.training.{name} is {getattr(self, name)}; it must be from {low} to {high}.")
        if self.batch_size % self.per_device_train_batch_size:
            raise ConfigError(
                f"lora.training.batch_size is {self.batch_size}; it must be a multiple of "
                f"lora.training.per_device_train_batch_size ({self.per_device_train_batch_size})."
            )
        if not self.target_modules:
            raise ConfigError(
                "lora.training.target_modules is empty; name the layers that get LoRA weights, such as q_proj."
            )
        if self.max_length is not None and self.max_length < 1:
            raise ConfigError(f"lora.training.max_length is {self.max_length}; it must be at least 1, or null.")
        require("lora.training.optim", self.optim, OPTIMIZERS)
        check_extra(self.extra_args, [one.name for one in fields(self)])

    def identity(self) -> dict[str, Any]:
        """The settings that can change the adapter: not the examples computed at once, nor the steps between checkpoints."""
        made = asdict(self)
        for name in ("per_device_train_batch_size", "save_steps", "extra_args"):
            del made[name]
        return made | extra_identity(self.extra_args)

    def epochs(self, rows: int) -> float:
        """Number of passes of all steps over `rows` examples; the last step of an epoch takes the remaining examples."""
        return self.max_steps / -(-rows // self.batch_size)

    def epochs_begun(self, rows: int) -> int:
        """The same, but counting every epoch that is started, as the paper and its libraries do."""
        return math.ceil(self.epochs(rows))

    def extent(self, rows: int) -> str:
        """Steps and epochs on `rows` examples, in words."""
        return f"{counted(self.max_steps, 'step')} of {self.batch_size}, epochs: {self.epochs_in_words(rows)}"

    def epochs_in_words(self, rows: int) -> str:
        epochs, begun = self.epochs(rows), self.epochs_begun(rows)
        return f"{epochs:.1f} ({begun} begun)" if begun > epochs else f"{begun}"
