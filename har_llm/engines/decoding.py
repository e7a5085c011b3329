"""The settings of conf/decoding: how generations are made beyond sampling. All are off by default, as they change results.

The paper lets every model reason freely and takes one generation for each window.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from har_llm.common.checks import check_name
from har_llm.common.errors import ConfigError

PLAIN_DECODING = "plain"


@dataclass(kw_only=True)
class DecodingConfig:
    name: str = PLAIN_DECODING
    """Names run directories, unless it is "plain"."""
    samples: int = 1
    """Generations for each window. With several, an event gets the activity that most of them give it (self-consistency)."""
    thinking_token_budget: int | None = None
    """Most tokens of reasoning; then the engine writes the mark that closes it, and the model has to answer."""
    repetition_min_count: int | None = None
    """A generation is stopped when a passage is repeated this many times in a row; null = never."""
    repetition_max_pattern_size: int = 64
    """Most tokens of a passage whose repetition is noticed."""
    structured: bool = False
    """Constrain the answer to a list of every event of the window with an activity of the home."""

    def check(self) -> None:
        check_name("decoding.name", self.name)
        if self.samples < 1:
            raise ConfigError(f"decoding.samples is {self.samples}; it must be at least 1.")
        if self.thinking_token_budget is not None and self.thinking_token_budget < 1:
            raise ConfigError(
                f"decoding.thinking_token_budget is {self.thinking_token_budget}; it must be at least 1, or null "
                f"(model.thinking=false asks for no reasoning at all)."
            )
        if self.repetition_min_count is not None and self.repetition_min_count < 2:
            raise ConfigError(
                f"decoding.repetition_min_count is {self.repetition_min_count}; it must be at least 2, or null."
            )
        if self.repetition_max_pattern_size < 1:
            raise ConfigError(
                f"decoding.repetition_max_pattern_size is {self.repetition_max_pattern_size}; it must be at least 1."
            )

    def needed(self) -> list[str]:
        """The settings that not every engine can follow."""
        wanted = {
            "thinking_token_budget": self.thinking_token_budget is not None,
            "repetition_min_count": self.repetition_min_count is not None,
            "structured": self.structured,
        }
        return [name for name, on in wanted.items() if on]

    def identity(self) -> dict[str, Any]:
        """The settings that change the generation of a request; empty when none is set."""
        made: dict[str, Any] = {}
        if self.thinking_token_budget is not None:
            made["thinking_token_budget"] = self.thinking_token_budget
        if self.repetition_min_count is not None:
            made["repetition_detection"] = [self.repetition_min_count, self.repetition_max_pattern_size]
        return made
