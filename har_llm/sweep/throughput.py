"""Measured speeds of models on this machine, from which a plan estimates times."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from har_llm.common.environment import machine
from har_llm.common.files import read_bounded
from har_llm.common.typed_json import parse_json

RATES = "rates.jsonl"
TOKENS, STEPS = "tokens", "steps"
"""Units: tokens generated, steps of a training."""


class Rate(NamedTuple):
    """The measured times of one load of a model: of its generating, or of a training of it."""

    start_seconds: float
    """Seconds from the start of the process until it generates or trains."""
    seconds: float
    """Seconds of generating or training."""
    units: int
    """What was done in these seconds."""
    unit: str = TOKENS
    """What the units are."""

    @property
    def speed(self) -> float | None:
        """Units a second."""
        return self.units / self.seconds if self.seconds else None

    def hours(self, units: float) -> float:
        return (self.start_seconds + units * self.seconds / self.units) / 3600


def note_rate(store: Path, load: Mapping[str, Any], rate: Rate) -> None:
    """Add a measurement, as one short line in one write, so that processes do not mix their lines."""
    line = json.dumps({"machine": machine(), "load": load, **rate._asdict()}) + "\n"
    with contextlib.suppress(OSError):  # a measurement that cannot be written is no reason to fail
        handle = os.open(store / RATES, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            os.write(handle, line.encode())
        finally:
            os.close(handle)


def known_rate(store: Path, load: Mapping[str, Any], unit: str = TOKENS) -> Rate | None:
    """The last rate in this unit measured with this load on a machine like this one; None if there is none."""
    found = None
    try:
        lines = read_bounded(store / RATES).split(b"\n")
    except OSError:
        return None
    for line in lines:
        with contextlib.suppress(ValueError, LookupError, TypeError):  # a torn or foreign line
            row = parse_json(line)
            if (row["machine"], row["load"], row["unit"]) == (machine(), load, unit) and row["units"] > 0:
                found = Rate(float(row["start_seconds"]), float(row["seconds"]), row["units"], unit)
    return found
