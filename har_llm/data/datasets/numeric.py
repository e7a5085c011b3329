"""Sensors that report numbers: the readings that cross a sensor's threshold are its events."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from har_llm.common.errors import ConfigError

_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]{1,3})?")


WRITTEN = "write a number and two words, as in threshold: 25, states: [word below 25, word from there]"
"""How a sensor's threshold is written, wherever homes are described."""


@dataclass(frozen=True, kw_only=True)
class Threshold:
    """What makes events of a sensor's readings."""

    level: float
    states: Sequence[str]
    """What it means that a reading falls below the level, and that it comes to it or above."""


def threshold_of(level: object, states: object, setting: str) -> Threshold:
    """Raises ConfigError for what is no number and two words. `setting`: that of the sensor."""
    found = None if isinstance(level, bool) else number(str(level))
    if found is None:
        raise ConfigError(f"{setting}.threshold is {level!r}; {WRITTEN}.")
    if not isinstance(states, list) or len(states) != 2 or not all(isinstance(one, str) and one.strip() for one in states):
        raise ConfigError(f"{setting}.states is {states!r}; {WRITTEN}.")
    return Threshold(level=found, states=states)


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
