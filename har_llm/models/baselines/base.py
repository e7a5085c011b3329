"""What all baselines share: their settings as conf/model writes them, and what they are given. Imports nothing heavy."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from har_llm.common.checks import check_name
from har_llm.common.errors import ConfigError
from har_llm.data.records import Home, Session, Window
from har_llm.models.config import ModelConfig, Sampling

VERSION = 1
"""To be raised when the same sessions and settings would give other answers."""
SUPERVISED, NO_LABELS = "supervised", "no labels"
"""What results of a baseline are marked with."""
PREFIX = "baseline:"

Predictor = Callable[[Sequence[Window]], list[list[int]]]
"""For each window, an activity's number for each of its events."""


@dataclass(frozen=True)
class Given:
    """All that a baseline may know."""

    home: Home
    sessions: Sequence[Session]
    """Those to train on, in order; none for a baseline without labels."""
    windows: Sequence[Window]
    """Their windows."""
    unscored: frozenset[int]
    """Activities that are never scored, so never answered."""
    seed: int

    @property
    def answers(self) -> list[int]:
        """The activities that may be answered, in the home's order; all of the home's where none is scored."""
        return [number for number in self.home.activities if number not in self.unscored] or list(self.home.activities)

    def gold(self, activities: Sequence[int]) -> list[int]:
        """Of an event's gold activities, those that it is an example of: each that may be answered."""
        return [number for number in activities if number not in self.unscored]


@dataclass(kw_only=True)
class BaselineConfig(ABC):
    """A baseline in place of a language model: it answers every window at once, in this process, in seconds."""

    mark: ClassVar[str] = SUPERVISED
    """SUPERVISED or NO_LABELS: whether it is trained on gold activities."""
    seeded: ClassVar[bool] = False
    """Whether the seed of a run changes its answers."""
    most_events: ClassVar[int | None] = None
    """Events to train on up to which it takes seconds, so that it is computed unasked; None for any number."""
    libraries: ClassVar[Sequence[str]] = ()
    """Packages whose versions are recorded with its answers."""

    name: str

    def check(self) -> None:
        check_name("model.name", self.name)

    @property
    def kind(self) -> str:
        """The kind of baseline, whatever it is named."""
        return type(self).__name__

    def settings(self) -> dict[str, Any]:
        """What its answers depend on beside what it is given."""
        return {name: value for name, value in asdict(self).items() if name != "name"}

    def as_model(self) -> ModelConfig:
        """What stands for it where a run speaks of its model: no reasoning, and the same answer each time."""
        sampling = Sampling(temperature=0.0, max_new_tokens=1)
        return ModelConfig(name=self.name, id=PREFIX + self.kind, thinking=False, sampling=sampling)

    @abstractmethod
    def fit(self, given: Given) -> Predictor:
        """Train on what is given; returns what answers further windows of the same home."""


@dataclass(kw_only=True)
class SupervisedConfig(BaselineConfig):
    """A baseline that is trained on the gold activities of the training part."""

    train_sessions: int | None = None
    """Train on this many sessions of the training part, as lora.train_sessions chooses them; null = all."""
    session_seed: int = 0
    """Draws the order in which groups of sessions give their next session to train on."""

    def check(self) -> None:
        super().check()
        if self.train_sessions is not None and self.train_sessions < 1:
            raise ConfigError(f"model.train_sessions is {self.train_sessions}; it must be at least 1, or null for all.")

    def settings(self) -> dict[str, Any]:
        """Where all sessions train, none is drawn."""
        drawn = () if self.train_sessions else ("train_sessions", "session_seed")
        return {name: value for name, value in super().settings().items() if name not in drawn}
