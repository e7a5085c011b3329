"""Windows of the training part that a prompt shows with their gold activities (few-shot)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from har_llm.common.errors import ConfigError
from har_llm.data.records import Window


def example_windows(training: Iterable[Window], count: int, seed: int) -> list[Window]:
    """`count` windows of different sessions and a further one, for prompts about a window of a session that has one of them.

    They are drawn by `seed` among the longest windows whose events all have a gold activity. Raises ConfigError if there are
    not as many sessions that have one.
    """
    windows = [window for window in training if all(event.activities for event in window.events)]
    longest = max((len(window.events) for window in windows), default=0)
    whole = [window for window in windows if len(window.events) == longest]
    drawn = sorted(whole, key=lambda window: hashlib.sha256(f"{seed}/{window.id}".encode()).digest())
    of_session = {window.session: window for window in reversed(drawn)}
    if len(of_session) <= count:
        raise ConfigError(
            f"prompt.examples is {count}, but only {len(of_session)} sessions of the training part have a window of "
            f"{longest} events that all have a gold activity, and one more session than examples is needed; lower "
            f"prompt.examples, or choose another prompt than few_shot."
        )
    chosen = [window for window in drawn if of_session[window.session] is window]
    return chosen[: count + 1]
