"""Where finished runs are published: conf/tracker."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from har_llm.common.checks import require
from har_llm.common.errors import ConfigError

MODES = ("auto", "online", "offline")
OFFLINE_MODES = ("offline", "dryrun")
"""Values of the environment variable WANDB_MODE."""
LONGEST_TAG = 64
"""Most characters of a tag in W&B."""
MOST_SAMPLES = 1000


@dataclass(kw_only=True)
class TrackerConfig:
    """What all choices of conf/tracker share. This one is `tracker=none`: results stay on this machine."""

    name: str = "none"

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
    """online, offline, or auto: online where this machine is logged in to W&B."""
    group: str | None = None
    """The W&B group; null = the experiment's name, or a digest of the sweep, or for a single run its dataset and model."""
    tags: list[str] = field(default_factory=list)
    """Further tags; every run has its dataset, model, adapter and part, and whether it is synthetic or partial."""
    run_id: str | None = None
    """The W&B id of a single run, as the agents of W&B's sweeps give it; null = a digest of its results."""
    samples: int = 200
    """Most rows of the table of reasoning samples, errors first; 0 = no table."""
    artifacts: bool = True
    """Whether predictions, generations and adapters are uploaded as artifacts."""
    init_timeout: float = 20.0
    """Seconds to wait for W&B's first answer; after that, the run ends normally and can be published later."""
    finish_timeout: float = 300.0
    """Seconds to wait until a run is uploaded."""

    @property
    def publishes(self) -> bool:
        return True

    def check(self) -> None:
        require("tracker.mode", self.mode, MODES)
        for name, value in (("project", self.project), ("entity", self.entity)):
            if value is not None and not re.fullmatch(r"[\w.-]{1,128}", value, re.ASCII):
                raise ConfigError(
                    f"tracker.{name} is {value!r}; it must be 1 to 128 letters, digits, dots, dashes or underscores."
                )
        if self.group is not None and not 1 <= len(self.group) <= 128:
            raise ConfigError(f"tracker.group is {self.group!r}; it must have 1 to 128 characters, or be null.")
        for tag in self.tags:
            if not 1 <= len(tag) <= LONGEST_TAG:
                raise ConfigError(f"tracker.tags has {tag!r}; a tag must have 1 to {LONGEST_TAG} characters.")
        if self.run_id is not None and not re.fullmatch(r"[\w-]{1,64}", self.run_id, re.ASCII):
            raise ConfigError(
                f"tracker.run_id is {self.run_id!r}; it must be 1 to 64 letters, digits, dashes or underscores, or null."
            )
        if not 0 <= self.samples <= MOST_SAMPLES:
            raise ConfigError(
                f"tracker.samples is {self.samples}; it must be from 0 to {MOST_SAMPLES}: W&B shows few rows well, and the "
                f"artifact of the generations has all of them."
            )
        for name in ("init_timeout", "finish_timeout"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"tracker.{name} is {getattr(self, name)}; it must be above 0.")
