"""Sessions cut into windows of consecutive events (section 3.1.2). A window never crosses sessions."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from har_llm.common.errors import ConfigError
from har_llm.data.records import Event, Session, Window, elapsed


@dataclass(kw_only=True)
class FixedWindows:
    """Windows of a fixed number of events; the last one of a session, or before a long gap, may be shorter. With `minutes`
    they have a duration, and no more than that number.

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
    minutes: float | None = None
    """Events so many minutes or more after a window's first one are not in it; null = its number of events alone counts, as
    in the paper."""

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
        for name in ("gap_minutes", "minutes"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ConfigError(f"window.{name} is {value}; it must be above 0, or null for none.")

    def cut(self, session: Session) -> Iterator[Window]:
        """The session's windows in order. `excluded` counts the events that no window holds."""
        pieces = ((piece, span) for piece in self._pieces(session) for span in self._spans(piece))
        for index, (piece, (start, end)) in enumerate(pieces):
            yield Window(session.id, index, tuple(piece[start:end]))

    def excluded(self, session: Session) -> int:
        """How many events of the session no window holds, because theirs would be shorter than `min_events`."""
        return sum(len(piece) - self._held(piece) for piece in self._pieces(session))

    def _held(self, piece: Sequence[Event]) -> int:
        held = reached = 0
        for start, end in self._spans(piece):
            held, reached = held + end - max(start, reached), end
        return held

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

    def _spans(self, piece: Sequence[Event]) -> Iterator[tuple[int, int]]:
        """Where windows begin and end among events without a long gap. Each shows an event that the one before does not."""
        seconds = None if self.minutes is None else elapsed([event.moment for event in piece])
        start = reached = 0
        while reached < len(piece):
            end = min(start + self.events, len(piece))
            if self.minutes is not None and seconds is not None:
                end = bisect_left(seconds, seconds[start] + self.minutes * 60, start + 1, end)
            if end > reached and end - start >= self.min_events:
                yield start, end
            reached, start = end, min(start + (self.stride or self.events), end)


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
