"""Renders windows as prompts: static text, the events of a window, and what follows them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from itertools import repeat

from har_llm.common.errors import ConfigError
from har_llm.data.records import WEEKDAYS, Message, Prompt, Window

EventsText = Callable[[Window, Sequence[int]], str]
"""Writes the events of a window with these ids."""


class StaticText:
    """What stands before the events: the same for all windows, but that no example is of the window's own session."""

    def __init__(self, text: Callable[[Sequence[Window]], str], examples: int, shown: Sequence[Window]):
        self._text, self._examples, self._shown = text, examples, shown
        self._made: dict[tuple[str, ...], str] = {}

    def before(self, window: Window) -> tuple[str, tuple[str, ...]]:
        """The text, and the ids of its examples."""
        others = [one for one in self._shown if one.session != window.session][: self._examples]
        named = tuple(one.id for one in others)
        if named not in self._made:
            self._made[named] = self._text(others)
        return self._made[named], named


class Renderer:
    """Turns windows of one home into prompts. The static text is built once."""

    def __init__(
        self, system: str, static: StaticText, after: Callable[[Sequence[int]], str], events: EventsText, *, window_ids: bool
    ):
        """`after`: what follows the events with these ids."""
        self._system: tuple[Message, ...] = ({"role": "system", "content": system},) if system else ()
        self._static, self._after, self._events = static, after, events
        self._window_ids = window_ids

    def render(self, window: Window) -> Prompt:
        ids = shown_ids(window, window_ids=self._window_ids)
        before, examples = self._static.before(window)
        text = before + self._events(window, ids) + self._after(ids)
        return Prompt(window, (*self._system, {"role": "user", "content": text}), ids, examples)


def shown_ids(window: Window, *, window_ids: bool) -> tuple[int, ...]:
    return tuple(range(len(window.events))) if window_ids else tuple(event.id for event in window.events)


_quote = json.encoder.encode_basestring  # what json.dumps(ensure_ascii=False) does to a string, without its set-up


def events_json(window: Window, ids: Sequence[int], *, dated: bool = False) -> str:
    """The window as a JSON list, one event a line (section 3.1.1). Raises ConfigError if it should be dated and is not."""
    days = [f'"date": "{day}", ' for day in _days(window)] if dated else repeat("")
    lines = [
        f'{{"id": {shown}, {day}"time": "{event.time}", "event": {_quote(event.text)}}}'
        for shown, event, day in zip(ids, window.events, days, strict=False)
    ]
    return "[\n" + ",\n".join(lines) + "\n]"


def events_lines(window: Window, ids: Sequence[int], *, dated: bool = False) -> str:
    """The window as a line an event. A line break in an event's text becomes a space. Raises ConfigError as events_json."""
    days = [f"{day} " for day in _days(window)] if dated else repeat("")
    texts = (" ".join(event.text.splitlines()) for event in window.events)
    rows = zip(ids, days, window.events, texts, strict=False)
    return "\n".join(f"{shown}. {day}{event.time} {text}" for shown, day, event, text in rows)


def _days(window: Window) -> list[str]:
    """ "Tuesday 2012-02-28", for each event."""
    days = [event.date for event in window.events]
    if None in days:
        raise ConfigError(f"prompt.show_date is true, but the events of {window.session} have no dates; set it to false.")
    return [f"{WEEKDAYS[day.weekday()]} {day.isoformat()}" for day in days if day is not None]
