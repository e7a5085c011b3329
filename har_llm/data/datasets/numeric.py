"""Sensors that report numbers: the readings that cross a sensor's threshold are its events."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from har_llm.common.errors import ConfigError

_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]{1,3})?")


@dataclass(kw_only=True)
class Threshold:
    """What makes events of a sensor's readings."""

    level: float
    states: list[str]
    """What it means that a reading falls below the level, and that it comes to it or above."""

    def check(self, setting: str) -> None:
        if not math.isfinite(self.level):
            raise ConfigError(f"{setting}.level is {self.level}; it must be a number.")
        if len(self.states) != 2 or not all(word.strip() for word in self.states):
            raise ConfigError(f"{setting}.states is {self.states}; it must be [word below the level, word from there on].")


class Readings:
    """The readings of one sensor, in order."""

    def __init__(self, threshold: Threshold):
        self._threshold = threshold
        self._above: bool | None = None

    def crossed(self, reading: float) -> str | None:
        """The state that a reading brings. None where it brings no other one; the first only tells how things stand."""
        above = reading >= self._threshold.level
        before, self._above = self._above, above
        return None if before in (None, above) else self._threshold.states[above]


def number(value: str) -> float | None:
    """The finite decimal number that a text is, or None."""
    reading = float(value) if _NUMBER.fullmatch(value) else math.inf
    return reading if math.isfinite(reading) else None
