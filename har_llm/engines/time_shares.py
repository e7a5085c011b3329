"""Shares the time of an engine that answers many requests at once among them."""

from __future__ import annotations

import time
from collections.abc import Callable


class TimeShares:
    """At any moment the requests in flight share the time equally, as an engine gives each of them its next token in a step.

    The shares of requests that began and ended add up to the time in which any was in flight.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic):
        self._now = now
        self._last = now()
        self._passed = 0.0
        """The share of a request that has been in flight since the first one began, in seconds."""
        self._began: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self._began)

    def begin(self, key: str) -> None:
        self._advance()
        self._began[key] = self._passed

    def end(self, key: str) -> float:
        """The share of a request that is finished, in seconds. One that was not begun was in flight in place of the one that
        began last, which still waits."""
        self._advance()
        if key not in self._began and self._began:
            other = next(reversed(self._began))
            self._began[key], self._began[other] = self._began[other], self._passed
        return self._passed - self._began.pop(key, self._passed)

    def _advance(self) -> None:
        now = self._now()
        if self._began:
            self._passed += (now - self._last) / len(self._began)
        self._last = now
