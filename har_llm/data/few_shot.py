"""Windows of the training part that a prompt shows with their gold activities (few-shot)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from har_llm.common.errors import ConfigError
from har_llm.common.numbers import counted
from har_llm.data.records import Window


def example_windows(training: Iterable[Window], count: int, seed: int, *, spare: bool) -> list[Window]:
    """`count` windows of different sessions. `spare`: one more, for prompts about a session that has one of them.

    They are drawn by `seed` among the longest windows whose events all have a gold activity. Raises ConfigError if too few
    sessions have one.
    """
    windows = [window for window in training if all(event.activities for event in window.events)]
    longest = max((len(window.events) for window in windows), default=0)
    whole = [window for window in windows if len(window.events) == longest]
    drawn = sorted(whole, key=lambda window: hashlib.sha256(f"{seed}/{window.id}".encode()).digest())
    of_session = {window.session: window for window in reversed(drawn)}
    needed = count + spare
    if len(of_session) < needed:
        reason = ", one of them for windows of a session that gives an example" if spare else ""
        raise ConfigError(
            f"prompt.examples is {count}, which needs {counted(needed, 'training session')} with a window of {longest} "
            f"events that all have a gold activity{reason}, but there are {len(of_session)}; lower it, or choose another "
            f"prompt."
        )
    return [window for window in drawn if of_session[window.session] is window][:needed]
