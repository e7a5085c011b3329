"""Which of a teacher's generations a student is trained on: the settings. Light: they are read with every config."""

from __future__ import annotations

from dataclasses import dataclass

from har_llm.common.checks import require
from har_llm.common.errors import ConfigError

PICKS = ("first", "all", "best", "consistent")
UNUSABLE = ("stop", "leave_out")


@dataclass(kw_only=True)
class ExampleSettings:
    """Which of the teacher's generations a student is trained on."""

    samples: int = 1
    """Generations of the teacher for each window; more than one needs a teacher that samples."""
    pick: str = "first"
    """Of several usable ones: first, all, best (most events right, by gold activities) or consistent (closest to their
    vote)."""
    well_formed: bool = False
    """Only generations whose answer is valid and gives every event an activity."""
    min_correct: float | None = None
    """Only generations with at least this share of the labelled events right, by gold activities."""
    unusable: str = "stop"
    """stop (with an error) or leave_out: what to do with a generation that was cut, is too long, or does not close its
    reasoning exactly once."""

    def check(self) -> None:
        if self.samples < 1:
            raise ConfigError(f"lora.examples.samples is {self.samples}; it must be at least 1.")
        if self.min_correct is not None and not 0 < self.min_correct <= 1:
            raise ConfigError(f"lora.examples.min_correct is {self.min_correct}; it must be above 0 and at most 1, or null.")
        require("lora.examples.pick", self.pick, PICKS)
        require("lora.examples.unusable", self.unusable, UNUSABLE)

    @property
    def uses_gold(self) -> bool:
        return self.min_correct is not None or (self.pick == "best" and self.samples > 1)

    @property
    def uses_answers(self) -> bool:
        """Whether the choice depends on how answers are parsed."""
        return self.uses_gold or self.well_formed or (self.pick == "consistent" and self.samples > 1)
