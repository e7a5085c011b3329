"""What is predicted for an event."""

from __future__ import annotations

from dataclasses import dataclass

CAUSES = (
    "omitted",
    "forgotten",
    "unreported",
    "unknown_label",
    "malformed",
    "no_answer",
    "truncated",
    "ran_on",
    "repetition",
)
"""Three are for events that an answer leaves out, and tell section 4.9's first causes apart: unreported, if the reasoning
mentions the event; forgotten, if it mentions other events only; omitted, if it mentions none or there is no reasoning."""


@dataclass(frozen=True)
class Prediction:
    """An activity of the catalogue, or one of CAUSES. Exactly one of the two is set for an event that a window shows."""

    activity: int | None = None
    missed: str | None = None
    resident: int | None = None
    """Who caused the event, as a number that counts within its window; None where nothing is asked or said of it."""
