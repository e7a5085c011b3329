"""What a student is trained on: the settings. Light: they are read with every config."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from har_llm.common.checks import require
from har_llm.common.errors import ConfigError

METHODS = ("generations", "gold_answers", "file")
ASKED = ("generations",)
"""The methods that need a teacher."""
PICKS = ("first", "all", "best", "consistent")
UNUSABLE = ("stop", "leave_out")


@dataclass(kw_only=True)
class ExampleSettings:
    """What a student is trained on, and which of the teacher's generations."""

    method: str = "generations"
    """generations: a teacher's, of the training part; gold_answers: the gold activities of its windows as answers, without
    reasoning; file: the rows of `path`."""
    path: str | None = None
    """JSONL of prompt and completion, or of messages, as TRL reads them: the file of method=file."""
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
        require("lora.examples.method", self.method, METHODS)
        if (self.path is None) == (self.method == "file"):
            raise ConfigError(
                f"lora.examples.path is {self.path!r} and lora.examples.method is {self.method}; a file of examples needs "
                f"both: lora=examples lora.examples.path=FILE.jsonl."
            )
        if self.method not in ASKED:
            self._check_without_teacher()
        if self.samples < 1:
            raise ConfigError(f"lora.examples.samples is {self.samples}; it must be at least 1.")
        if self.min_correct is not None and not 0 < self.min_correct <= 1:
            raise ConfigError(f"lora.examples.min_correct is {self.min_correct}; it must be above 0 and at most 1, or null.")
        require("lora.examples.pick", self.pick, PICKS)
        require("lora.examples.unusable", self.unusable, UNUSABLE)

    def _check_without_teacher(self) -> None:
        """Refuse what is about a teacher's generations."""
        usual = ExampleSettings()
        for name in ("samples", "pick", "well_formed", "min_correct"):
            if getattr(self, name) != getattr(usual, name):
                raise ConfigError(
                    f"lora.examples.{name} is {getattr(self, name)}, which is about a teacher's generations, but "
                    f"lora.examples.method is {self.method}; leave it out."
                )

    def identity(self) -> dict[str, Any]:
        """What changes the choice of the examples, apart from the content of a file."""
        return {name: value for name, value in vars(self).items() if name != "path"}

    @property
    def asks_teacher(self) -> bool:
        return self.method in ASKED

    @property
    def uses_gold(self) -> bool:
        chosen = self.min_correct is not None or (self.pick == "best" and self.samples > 1)
        return chosen or self.method == "gold_answers"

    @property
    def uses_answers(self) -> bool:
        """Whether the choice depends on how a teacher's answers are parsed."""
        if not self.asks_teacher:
            return False
        return self.uses_gold or self.well_formed or (self.pick == "consistent" and self.samples > 1)


def gold_in_words(method: str, uses_gold: bool | None) -> str:
    """What a reader must know of gold activities in the examples; empty if there are none. None: nobody knows."""
    if uses_gold is None:
        return "examples of which is not known whether gold activities were used for them"
    if not uses_gold:
        return ""
    return "examples made of gold activities" if method == "gold_answers" else "examples chosen with gold activities"
