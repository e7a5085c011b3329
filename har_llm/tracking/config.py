"""What conf/tracker chooses; imports no tracker."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from har_llm.common.errors import ConfigError

PLAIN = "none"
MODES = ("auto", "online", "offline")
OFFLINE_MODES = ("offline", "dryrun")
"""Of WANDB_MODE in the environment."""
LONGEST = 64
"""Characters of a tag, as W&B has it."""
MOST_SAMPLES = 1000


@dataclass(kw_only=True)
class TrackerConfig:
    """What every choice of conf/tracker has in common. This one is `tracker=none`: results stay on this machine."""

    name: str = PLAIN

    @property
    def publishes(self) -> bool:
        return False


@dataclass(kw_only=True)
class WandbTracker(TrackerConfig):
    """`tracker=wandb`: every finished run directory becomes a W&B run."""

    name: str = "wandb"
    project: str = "har_llm"
    entity: str | None = None
    """A W&B user or team; null = the one that is logged in."""
    mode: str = "auto"
    """auto: online where this machine is logged in to W&B, else offline."""
    group: str | None = None
    """null = the experiment, or a digest of the sweep, or what a run alone is about."""
    tags: list[str] = field(default_factory=list)
    """Beside those that a run brings along: dataset, model, adapter, part, and what is synthetic or partial."""
    samples: int = 200
    """Most rows of the table of reasoning samples; 0 = no table."""
    artifacts: bool = True
    """Whether predictions, generations and adapters are sent as files."""
    connect_s: float = 20.0
    """Longest wait for W&B's first answer, in seconds."""
    upload_s: float = 300.0
    """Longest wait for a run to arrive, in seconds."""

    @property
    def publishes(self) -> bool:
        return True

    def check(self) -> None:
        from har_llm.config import require

        require("tracker.mode", self.mode, MODES)
        for name, value in (("project", self.project), ("entity", self.entity)):
            if value is not None and not re.fullmatch(r"[\w.-]{1,128}", value, re.ASCII):
                raise ConfigError(
                    f"tracker.{name} is {value!r}; it must be 1 to 128 letters, digits, dots, dashes or underscores."
                )
        if self.group is not None and not 1 <= len(self.group) <= 128:
            raise ConfigError(f"tracker.group is {self.group!r}; it must have 1 to 128 characters, or be null.")
        for tag in self.tags:
            if not 1 <= len(tag) <= LONGEST:
                raise ConfigError(f"tracker.tags has {tag!r}; a tag must have 1 to {LONGEST} characters.")
        if not 0 <= self.samples <= MOST_SAMPLES:
            raise ConfigError(
                f"tracker.samples is {self.samples}; it must be from 0 to {MOST_SAMPLES}: W&B shows few rows well, and the "
                f"artifact of the generations has all of them."
            )
        for name in ("connect_s", "upload_s"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"tracker.{name} is {getattr(self, name)}; it must be above 0.")
