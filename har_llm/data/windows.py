"""Sessions cut into windows of consecutive events (section 3.1.2). A window never crosses sessions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from har_llm.common.errors import ConfigError
from har_llm.data.records import Event, Session, Window


@dataclass(kw_only=True)
class FixedWindows:
    """Windows of a fixed number of events; the last one of a session, or before a long gap, may be shorter.

    Those that overlap show most events more than once. Each event's answer is read from the window that shows most on both
    sides of it: see `answering`.
    """

    events: int = 10
    min_events: int = 1
    """A shorter window is left out, and its events are counted as excluded where no other window holds them. 2 gives
    the paper's 126 training windows on MARBLE."""
    stride: int | None = None
    """Events from the beginning of a window to that of the next; null = all of them, without overlap."""
    gap_minutes: float | None = None
    """No window goes over a gap of so many minutes without an event; null = windows go over any gap, as in the paper."""

    def check(self) -> None:
        if self.events < 1:
            raise ConfigError(f"window.events is {self.events}; it must be at least 1 (the paper uses 10).")
        if not 1 <= self.min_events <= self.events:
            raise ConfigError(f"window.min_events is {self.min_events}; it must be from 1 to window.events ({self.events}).")
        if self.stride is not None and not 1 <= self.stride <= self.events:
            raise ConfigError(
                f"window.stride is {self.stride}; it must be from 1 to window.events ({self.events}), or null for windows "
                f"without overlap; a longer one would leave events out."
            )

        if self.gap_minutes is not None and not self.gap_minutes > 0:
            raise ConfigError(f"window.gap_minutes is {self.gap_minutes}; it must be above 0, or null for none.")

    def cut(self, session: Session) -> Iterator[Window]:
        """The session's windows in order. `excluded` counts the events that no window holds."""
        windows = (
            piece[start : start + self.events] for piece in self._pieces(session) for start in self._starts(len(piece))
        )
        for index, events in enumerate(windows):
            yield Window(session.id, index, tuple(events))

    def excluded(self, session: Session) -> int:
        """How many events of the session no window holds: at its end, or before a gap."""
        return sum(self._left_over(len(piece)) for piece in self._pieces(session))

    def _left_over(self, length: int) -> int:
        end = max((start + self.events for start in self._starts(length)), default=0)
        return max(0, length - end)

    def _pieces(self, session: Session) -> Iterator[Sequence[Event]]:
        """The events between long gaps."""
        events = session.events
        if self.gap_minutes is None:
            yield events
            return
        gap = self.gap_minutes * 60
        starts = [place for place, (one, later) in enumerate(pairwise(events), 1) if one.seconds_until(later) >= gap]
        for start, end in pairwise([0, *starts, len(events)]):
            yield events[start:end]

    def _starts(self, length: int) -> Iterator[int]:
        """Where windows begin among so many events without a long gap, until one reaches their end."""
        for start in range(0, length, self.stride or self.events):
            if min(self.events, length - start) >= self.min_events:
                yield start
            if start + self.events >= length:
                return


def answering(windows: Sequence[Window]) -> dict[tuple[str, int], tuple[int, int]]:
    """Which window's answer counts for an event: (session, event id) -> (place in `windows`, place in that window).

    Of several windows that hold it, the one in which it is farthest from both ends, so that the model sees most of what came
    before and after it; of equals, the first.
    """
    chosen: dict[tuple[str, int], tuple[int, int]] = {}
    margins: dict[tuple[str, int], int] = {}
    for place, window in enumerate(windows):
        for inside, event in enumerate(window.events):
            key, margin = (window.session, event.id), min(inside, len(window.events) - 1 - inside)
            if margin > margins.get(key, -1):
                chosen[key], margins[key] = (place, inside), margin
    return chosen
