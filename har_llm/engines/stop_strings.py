"""Where a text goes on beyond what was asked."""

from __future__ import annotations

from collections.abc import Sequence

STOP_TOKENS = 64
"""The last tokens in which a stop string, or a mark of reasoning, is looked for; none has as many."""


def first_of(stops: Sequence[str], text: str) -> int | None:
    """Where the first of these strings begins in a text; None if there is none."""
    return min((place for stop in stops if (place := text.find(stop)) >= 0), default=None)
