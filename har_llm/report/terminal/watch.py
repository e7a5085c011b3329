"""Shows what a home that is watched does: a line for each window, and sentences about what happens."""

from __future__ import annotations

import sys
from itertools import groupby

from har_llm.common.numbers import counted
from har_llm.common.text import visible
from har_llm.scoring.names import cause_name
from har_llm.sweep.live.results import Listener, WatchedEvent, WatchedWindow


class ShownOnTerminal(Listener):
    """Windows go to standard output, sentences to standard error."""

    def said(self, sentence: str) -> None:
        print(visible(sentence), file=sys.stderr, flush=True)

    def written(self, window: WatchedWindow) -> None:
        print(visible(window_line(window)), flush=True)


def window_line(window: WatchedWindow) -> str:
    """ "2026-03-02 07:10:00 to 07:12:30, 3 events: eating, 2 missed (omitted) [3.2 s after it closed]": in order."""
    first, last = window.events[0], window.events[-1]
    end = last.time if last.time[:10] != first.time[:10] else last.time[11:]
    runs = [(name, sum(1 for _ in held)) for name, held in groupby(window.events, key=_named)]
    activities = ", ".join(name if activity else f"{count} {name}" for (name, activity), count in runs)
    events = counted(len(window.events), "event")
    return f"{first.time} to {end}, {events}: {activities} [{first.delay_s:.1f} s after it closed]"


def _named(event: WatchedEvent) -> tuple[str, bool]:
    if event.activity is not None:
        return event.activity, True
    return f"missed ({cause_name(str(event.missed))})", False
