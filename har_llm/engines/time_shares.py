"""Shares the time of what works at once: of an engine among its requests, of a run among the copies of its engine."""

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

    def so_far(self, key: str) -> float:
        """The share of a request that is in flight, in seconds."""
        self._advance()
        return self._passed - self._began[key]

    def _advance(self) -> None:
        now = self._now()
        if self._began:
            self._passed += (now - self._last) / len(self._began)
        self._last = now


class SideBySide:
    """Turns the seconds that copies of an engine say of their generations, each by its own clock, into shares of the time
    that all take together: what the copies say adds up to that time as often as there are copies.

    A copy's share at any moment is one of as many as work then. What it says of a generation is turned by the share that its
    time has had since what was turned before, so that its generations add up to its share.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic):
        self._now = now
        self._shares = TimeShares(now)
        self._began: dict[str, float] = {}
        self._said: dict[str, float] = {}
        self._given: dict[str, float] = {}

    def begin(self, copy: str) -> None:
        self._shares.begin(copy)
        self._began[copy], self._said[copy], self._given[copy] = self._now(), 0.0, 0.0

    def end(self, copy: str) -> None:
        if copy in self._began:  # one without a share, or that could not be loaded, never began
            self._shares.end(copy)

    def share(self, copy: str, seconds: float) -> float:
        """What `seconds`, by the clock of a copy that has begun and not ended, are of the time of all."""
        worked = self._now() - self._began[copy] - self._said[copy]
        due = self._shares.so_far(copy) - self._given[copy]
        given = seconds * min(1.0, due / max(worked, seconds)) if seconds else 0.0
        self._said[copy] += seconds
        self._given[copy] += given
        return given
