"""What a student is trained on: the settings. Light: they are read with every config."""

from __future__ import annotations

from dataclasses import dataclass
from string import Template
from typing import Any

from har_llm.common.checks import require
from har_llm.common.errors import ConfigError

METHODS = ("generations", "rejection_sampling", "rationalization", "gold_answers", "file")
ASKED = ("generations", "rejection_sampling", "rationalization")
"""The methods that need a teacher."""
PICKS = ("first", "all", "best", "consistent")
UNUSABLE = ("stop", "leave_out")


@dataclass(kw_only=True)
class ExampleSettings:
    """What a student is trained on, and which of the teacher's generations."""

    method: str = "generations"
    """generations: a teacher's, of the training part; rejection_sampling: of each window the first of at most `samples` that
    has `min_correct` right, and no further ones are made; rationalization: of a teacher that is told the gold activities
    (`told`), as if it had not been; gold_answers: the gold activities as answers, without reasoning or teacher; file: the
    rows of `path`."""
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
    told: str | None = None
    """For method=rationalization: what the teacher reads after the prompt; $answer is a line for each labelled event."""
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
        if self.method == "rejection_sampling":
            self._check_rejection()
        self._check_told()
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

    def _check_rejection(self) -> None:
        if self.samples < 2 or self.min_correct is None or self.pick != "first":
            raise ConfigError(
                f"lora.examples.samples is {self.samples}, min_correct is {self.min_correct} and pick is {self.pick}; "
                f"method=rejection_sampling needs at least 2 samples, a min_correct and pick=first."
            )

    def _check_told(self) -> None:
        if (self.told is None) != (self.method != "rationalization"):
            raise ConfigError(
                f"lora.examples.told is {self.told!r} and lora.examples.method is {self.method}; a teacher is told the gold "
                f"activities with lora=rationalization, which has both."
            )
        if self.told is not None and (
            not Template(self.told).is_valid() or set(Template(self.told).get_identifiers()) != {"answer"}
        ):
            raise ConfigError(f"lora.examples.told is {self.told!r}; it must have $answer, and $$ for a dollar sign.")

    def identity(self) -> dict[str, Any]:
        """What changes the choice of the examples, apart from the content of a file."""
        return {name: value for name, value in vars(self).items() if name != "path"}

    @property
    def asks_teacher(self) -> bool:
        return self.method in ASKED

    @property
    def uses_gold(self) -> bool:
        chosen = self.min_correct is not None or (self.pick == "best" and self.samples > 1)
        return chosen or self.method in ("rejection_sampling", "rationalization", "gold_answers")

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
    kinds = {
        "gold_answers": "examples made of gold activities",
        "rationalization": "examples of a teacher that was told the gold activities",
    }
    return kinds.get(method, "examples made or chosen with gold activities")
