"""What is predicted for an event."""

from __future__ import annotations

from dataclasses import dataclass

CAUSES = ("omitted", "unknown_label", "malformed", "no_answer", "truncated", "ran_on", "repetition")


@dataclass(frozen=True)
class Prediction:
    """An activity of the catalogue, or one of CAUSES. Exactly one of the two is set for an event that a window shows."""

    activity: int | None = None
    missed: str | None = None
