"""What a baseline is given, of events written as (text, gold activities)."""

from __future__ import annotations

from collections.abc import Sequence

from har_llm.data.records import Event, Home, Session, Window
from har_llm.models.baselines.base import Given
from tests.helpers import clock, small_home

Written = Sequence[tuple[str, tuple[int, ...]]]


def window_of(events: Written, session: str = "s1") -> Window:
    return Window(session, 0, tuple(_events(events)))


def given(*sessions: Written, home: Home | None = None, unscored: frozenset[int] = frozenset(), seed: int = 0) -> Given:
    """Each session is one window."""
    windows = [window_of(events, f"s{number}") for number, events in enumerate(sessions)]
    recorded = [Session(window.session, "g", window.events) for window in windows]
    return Given(home or small_home(), recorded, windows, unscored, seed)


def _events(events: Written) -> list[Event]:
    return [Event(number, clock(f"08:00:{number:02}"), text, gold, ()) for number, (text, gold) in enumerate(events)]
