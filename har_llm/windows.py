"""Sessions cut into windows of consecutive events (section 3.1.2). A window never crosses sessions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from har_llm.errors import ConfigError
from har_llm.records import Session, Window


@dataclass(kw_only=True)
class FixedWindows:
    """Windows of a fixed number of events without overlap; the last one of a session may be shorter."""

    events: int = 10
    min_events: int = 1
    """A shorter last window is left out, and its events are counted as excluded."""

    def check(self) -> None:
        if self.events < 1:
            raise ConfigError(f"window.events is {self.events}; it must be at least 1 (the paper uses 10).")
        if not 1 <= self.min_events <= self.events:
            raise ConfigError(f"window.min_events is {self.min_events}; it must be from 1 to window.events ({self.events}).")

    def cut(self, session: Session) -> Iterator[Window]:
        """The session's windows in order. What no window holds is the caller's to count: see `excluded`."""
        for index, start in enumerate(range(0, len(session.events), self.events)):
            events = tuple(session.events[start : start + self.events])
            if len(events) >= self.min_events:
                yield Window(session.id, index, events)

    def excluded(self, session: Session) -> int:
        """How many events of the session, at its end, no window holds."""
        tail = len(session.events) % self.events
        return tail if 0 < tail < self.min_events else 0
