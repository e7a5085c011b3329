"""lora=distilled and its kin: an adapter that is trained when it is needed, on a teacher's generations for the training
part, on gold answers, or on examples that somebody gives."""

from __future__ import annotations

from dataclasses import dataclass, field, is_dataclass
from typing import Any

from har_llm.common.checks import require
from har_llm.common.errors import ConfigError
from har_llm.data.datasets.base import DatasetConfig
from har_llm.data.windows import FixedWindows
from har_llm.distill.examples_config import ExampleSettings
from har_llm.distill.training_config import TrainingSettings
from har_llm.engines.config import EngineConfig
from har_llm.models.adapters import LoraConfig
from har_llm.models.config import ModelConfig

TRAINERS = ("auto", "trl", "unsloth")


@dataclass(kw_only=True)
class Distilled(LoraConfig):
    teacher: Any = None
    """A model, as conf/model describes it; null where lora.examples.method needs none."""
    engine: Any = None
    """The engine that runs the teacher, as conf/engine describes it; null = the run's own."""
    source: Any = None
    """The dataset whose training part the examples are about; null = the run's own."""
    window: Any = None
    """The windows that the examples are about, as conf/window describes them; null = the run's own."""
    train_sessions: int | None = None
    """Only the first N sessions of that part; null = all, 0 = the student without an adapter."""
    session_seed: int = 0
    """Draws which groups of sessions (MARBLE's scenarios) come first."""
    examples: ExampleSettings = field(default_factory=ExampleSettings)
    training: TrainingSettings = field(default_factory=TrainingSettings)
    trainer: str = "auto"
    """auto: Unsloth where there is a GPU and Unsloth is installed, else TRL."""

    def check(self) -> None:
        super().check()
        self.examples.check()
        self._check_teacher()
        kinds = {
            "engine": ("engine", EngineConfig),
            "source": ("dataset", DatasetConfig),
            "window": ("window", FixedWindows),
        }
        for name, (group, kind) in kinds.items():
            chosen = getattr(self, name)
            if chosen is not None and not isinstance(chosen, kind):
                raise ConfigError(
                    f"lora.{name} is {_shown(chosen)}; it must be null for the run's own, or an option of the "
                    f"group {group}, chosen as in +{group}@lora.{name}=NAME."
                )
        if self.train_sessions is not None and self.train_sessions < 0:
            raise ConfigError(f"lora.train_sessions is {self.train_sessions}; it must be 0 or more, or null for all.")
        require("lora.trainer", self.trainer, TRAINERS)
        if self.examples.method == "file":
            self._check_no_part()
        self.training.check()
        if self.examples.samples > 1 and self.teacher.sampling.greedy:
            raise ConfigError(
                f"lora.examples.samples is {self.examples.samples}, but lora.teacher.sampling.temperature is 0, which gives "
                f"the same generation each time; set it above 0."
            )

    def _check_teacher(self) -> None:
        method = self.examples.method
        if self.examples.asks_teacher:
            if not isinstance(self.teacher, ModelConfig):
                raise ConfigError(
                    f"lora.teacher is {_shown(self.teacher)}; choose a model for it, as in model@lora.teacher=NAME."
                )
            return
        for name in ("teacher", "engine"):
            if (chosen := getattr(self, name)) is not None:
                raise ConfigError(
                    f"lora.{name} is {_shown(chosen)}, but lora.examples.method is {method}, which asks no teacher; choose "
                    f"lora={'examples' if method == 'file' else method}, or set lora.{name}=null."
                )

    def _check_no_part(self) -> None:
        """Refuse settings of a training part, which a file of examples does not have."""
        for name in ("source", "window", "train_sessions"):
            if (chosen := getattr(self, name)) not in (None, 0):
                raise ConfigError(f"lora.{name} is {_shown(chosen)}, but the examples are the rows of a file; leave it out.")

    def label(self) -> str:
        origin = "" if self.source is None else f"-on-{self.source.name}"
        return f"{self.name}{'' if self.train_sessions is None else self.train_sessions}{origin}"


def _shown(value: object) -> str:
    """A value in an error; of a component only its class, because its settings fill lines."""
    return type(value).__name__ if is_dataclass(value) else repr(value)


def distillation_of(lora: LoraConfig) -> Distilled | None:
    """The settings of the adapter to be trained; None if there is none."""
    return lora if isinstance(lora, Distilled) and lora.train_sessions != 0 else None
