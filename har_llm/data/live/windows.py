"""Closes windows while events come, by the rules that cut a recording into sessions and these into windows."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from har_llm.common.errors import ConfigError
from har_llm.data.datasets.own.times import Instant
from har_llm.data.datasets.sessions import Cut, own_name
from har_llm.data.records import Event, Session, Window
from har_llm.data.windows import FixedWindows

MOST_NAMES = 100
"""More sessions than begin in an hour."""


def check_windows(rule: FixedWindows) -> None:
    """Raise ConfigError for windows that overlap."""
    if rule.stride not in (None, rule.events):
        raise ConfigError(
            f"window.stride is {rule.stride}, but task=watch answers each event once, as soon as its window closes; choose "
            f"window=fixed or window=duration."
        )


class LiveWindows:
    """The window that is open, and where it is in its session.

    The windows are those of a recording of the same events with window.gap_minutes=quiet_s/60, as long as `close` is called
    only when nothing follows within quiet_s, and no event is earlier than the one before it: that one begins a session, as
    this machine's clock was set back. Nor are they where the zone of its times becomes known in the midst of it.
    """

    def __init__(self, cut: Cut, rule: FixedWindows, quiet_s: float):
        gap = min(quiet_s / 60, rule.gap_minutes or float("inf"))
        self._cut, self._shortest = cut, rule.min_events
        self._rule, self._most = replace(rule, gap_minutes=gap, min_events=1, stride=None), rule.events
        self._session = ""
        self._ids = self._index = 0
        """Of the next event, and of the next window, in the session."""
        self._last: Instant | None = None
        self._set_back, self._highest = 0, ""
        """How often the clock was, and the latest time at which a session began by it."""
        self._names = deque[str](maxlen=MOST_NAMES)
        """Of the last sessions."""
        self._open: list[Event] = []

    @property
    def is_open(self) -> bool:
        """Whether events wait for the end of their window."""
        return bool(self._open)

    def add(self, order: datetime, clock: datetime, text: str) -> Iterator[Window]:
        """The windows that are closed by an event."""
        if (name := self._begun(order, clock)) is not None:
            yield from self.close()
            self._session, self._ids, self._index = self._own(name), 0, 0
        self._last = order, clock
        self._open.append(Event(self._ids, clock, text, (), ()))
        self._ids += 1
        *closed, last = self._rule.cut(Session(self._session, "", self._open))
        for window in closed:
            yield self._closed(window.events)
        self._open = list(last.events)
        if len(self._open) == self._most:
            yield from self.close()

    def close(self) -> Iterator[Window]:
        """The window that is open, if there is one."""
        if self._open:
            events, self._open = self._open, []
            yield self._closed(events)

    def is_left_out(self, window: Window) -> bool:
        """Whether a closed window has too few events to be shown to a model."""
        return len(window.events) < self._shortest

    def _closed(self, events: Sequence[Event]) -> Window:
        window = Window(self._session, self._index, tuple(events))
        self._index += not self.is_left_out(window)
        return window

    def _begun(self, order: datetime, clock: datetime) -> str | None:
        """The name of the session that an event begins; None where it goes on with its session."""
        back = self._last is not None and order < self._last[0]
        self._set_back += back
        if self._last is None or back:
            ((name, _),) = self._cut.begun([clock])
            return name
        *before, (name, _) = self._cut.begun([self._last[1], clock], [self._last[0], order])
        return name if before else None

    def _own(self, name: str) -> str:
        """A session's name, with a number where the clock has shown this time before: as summer time ended, or before it was
        set back because it was wrong."""
        repeats = self._set_back and name <= self._highest
        own = own_name(name, self._names, self._set_back + 1 if repeats else 1)
        self._highest = max(name, self._highest)
        self._names.append(own)
        return own

    def state(self) -> dict[str, Any]:
        """In JSON, for `restore`."""
        return {
            "session": self._session,
            "named": [self._set_back, self._highest, [*self._names]],
            "next": [self._ids, self._index],
            "last": instant_as_json(self._last),
            "open": [event_as_json(event) for event in self._open],
        }

    def restore(self, state: dict[str, Any]) -> None:
        self._session, (self._ids, self._index) = state["session"], state["next"]
        self._set_back, self._highest, names = state["named"]
        self._names = deque(names, MOST_NAMES)
        self._last = instant_of_json(state["last"])
        self._open = [event_of_json(one) for one in state["open"]]


def instant_as_json(when: Instant | None) -> list[str] | None:
    return None if when is None else [one.isoformat() for one in when]


def instant_of_json(said: Sequence[str] | None) -> Instant | None:
    return None if said is None else (datetime.fromisoformat(said[0]), datetime.fromisoformat(said[1]))


def event_as_json(event: Event) -> list[Any]:
    assert isinstance(event.moment, datetime)
    return [event.id, event.moment.isoformat(), event.text]


def event_of_json(said: Sequence[Any]) -> Event:
    return Event(said[0], datetime.fromisoformat(said[1]), said[2], (), ())
