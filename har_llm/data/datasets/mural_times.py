"""MuRAL's times: of day only, so that a session's clock has to notice when midnight has passed."""

from __future__ import annotations

import re
from functools import lru_cache

from har_llm.data.records import DAY_SECONDS

TIME = re.compile(r"([0-9]{1,2}):([0-9]{2}):([0-9]{2})")


class SessionClock:
    """Times of day without a date -> seconds, from the midnight before a session's first event."""

    def __init__(self, reorder_seconds: int):
        self._reorder = reorder_seconds
        self._last: int | None = None

    def at(self, second: int) -> tuple[int, int]:
        """The moment of a row, and by how much it is earlier than the row above.

        Going back by more than half a day is a passed midnight; a step back by a few seconds may cross midnight too.
        """
        if self._last is None:
            self._last = second
            return second, 0
        back = (self._last - second) % DAY_SECONDS
        if 0 < back <= self._reorder or (second < self._last % DAY_SECONDS and back <= DAY_SECONDS // 2):
            self._last -= back
            return self._last, back
        self._last += (second - self._last) % DAY_SECONDS
        return self._last, 0


@lru_cache(DAY_SECONDS)
def second_of_day(time: str) -> int | None:
    match = TIME.fullmatch(time)
    if match is None:
        return None
    hours, minutes, seconds = map(int, match.groups())
    return hours * 3600 + minutes * 60 + seconds if hours < 24 and minutes < 60 and seconds < 60 else None
