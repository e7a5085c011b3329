"""What is kept of a home that is watched: which readings were accepted, which windows wait for the model, how far the output
is. Two threads share it: one accepts readings, one answers windows."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from har_llm.common.errors import MissingError
from har_llm.data.datasets.own.times import Instant
from har_llm.data.live.hearing import Heard, Hearing
from har_llm.data.live.reading import Batch
from har_llm.data.live.windows import LiveWindows, event_as_json, event_of_json
from har_llm.data.records import Window
from har_llm.sweep.live.journal import Journal

FORMAT = 5
"""To be raised when a journal is written otherwise."""


@dataclass(frozen=True)
class Waiting:
    """A closed window that is not written yet."""

    window: Window
    closed: float
    """When it closed, in UNIX seconds."""
    began: float
    """The same by the clock of `time.monotonic`, which nobody sets."""

    @classmethod
    def since(cls, window: Window, closed: float) -> Waiting:
        return cls(window, closed, time.monotonic() - max(0.0, time.time() - closed))

    @property
    def delay_s(self) -> float:
        """Seconds for which it waits by now."""
        return time.monotonic() - self.began


class Kept:
    """A journal and what it says.

    A window leaves it when its events are written. A process that is killed in between finds the window here, and in the
    output nothing of it: what is behind the end that the journal knows is cut off.
    """

    def __init__(self, folder: Path, hearing: Hearing, windows: LiveWindows, queue: int | None, written: int, source: str):
        """Take over what an earlier process has left in the folder. `queue`: windows that may wait before the oldest must be
        given up; None = any number. `written`: bytes of the output, which count where there is no journal. `source`: what is
        listened to. Raises MissingError for a damaged journal."""
        self._hearing, self._windows, self._queue = hearing, windows, queue
        self._journal = Journal(folder / "journal.jsonl")
        self._waiting: deque[Waiting] = deque()
        self._busy: Waiting | None = None
        """The one that the model is asked about."""
        self._leaving: list[Waiting] = []
        """Those that are given up, and not written yet."""
        self._changed = threading.Condition()
        self._source, self._places = source, dict[str, Any]()
        """Where each source goes on that was listened to: none understands another's place."""
        self.written = written
        """Bytes of the output that are of windows that have left."""
        self.events = self.readings = self.closed = 0
        """In this process: accepted events, readings, and windows that have closed."""
        lines = self._journal.read()
        try:
            if (state := next(lines, None)) is not None:
                self._restore(state)
            for change in lines:
                self._apply(change)
            self._source = source
        except (KeyError, ValueError, TypeError) as error:  # the lines are as they were written
            raise MissingError(
                f"{folder / 'journal.jsonl'} is of another version of har_llm ({error}); move it elsewhere to begin anew, "
                f"without the events that wait in it."
            ) from None
        self._journal.begin(self._state())

    def close(self) -> None:
        self._journal.close()

    @property
    def place(self) -> Any:
        """Where the source goes on; None where it was not listened to."""
        return self._places.get(self._source)

    def accept(self, batch: Batch, now: Instant) -> list[Waiting]:
        """Take over what came; it is on disk when this returns. The windows that must be given up for it."""
        with self._changed:
            self.readings += len(batch.readings)
            heard = self._hearing.hear(batch.readings, now)
            begins = self.place is None and batch.place is not None
            if batch.place is not None:
                # Without anything heard, it may be lost: what is read again is no event again.
                self._places[self._source] = batch.place
            if heard or begins:
                said = [[one.order.isoformat(), one.clock.isoformat(), *one[2:]] for one in heard]
                self._change({"heard": said, "place": self.place, "at": time.time()})
                self.events += sum(one.event for one in heard)
            return self._too_many()

    def quiet(self) -> list[Waiting]:
        """Close the open window, because nothing came for long. The windows that must be given up for it."""
        with self._changed:
            if self._windows.is_open:
                self._change({"quiet": time.time()})
            return self._too_many()

    @property
    def is_open(self) -> bool:
        """Whether events wait for the end of their window."""
        return self._windows.is_open

    def next(self, timeout: float) -> Waiting | None:
        """The oldest window that waits, which is kept until it is `done`; None if there is none for so many seconds."""
        with self._changed:
            if not self._waiting:
                self._changed.wait(timeout)
            self._busy = next((one for one in self._waiting if one not in self._leaving), None)
            return self._busy

    def done(self, one: Waiting, written: int) -> None:
        """A window has left: `written` bytes of the output are complete."""
        with self._changed:
            self._change({"done": one.window.id, "first": one.window.events[0].id, "written": written})

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def _too_many(self) -> list[Waiting]:
        """The oldest windows beyond the most that may wait, but not the one that the model is asked about."""
        over = 0 if self._queue is None else len(self._waiting) - len(self._leaving) - self._queue
        left = [one for one in self._waiting if one is not self._busy and one not in self._leaving][: max(0, over)]
        self._leaving += left
        return left

    def _change(self, change: dict[str, Any]) -> None:
        self._journal.add(change)
        self._apply(change)
        if self._journal.is_long:
            self._journal.begin(self._state())
        self._changed.notify_all()

    def _apply(self, change: dict[str, Any]) -> None:
        if "done" in change:
            self.written = change["written"]
            left = next(one for one in self._waiting if _same(one.window, change))
            self._waiting.remove(left)
            if left in self._leaving:
                self._leaving.remove(left)
            if left is self._busy:
                self._busy = None
            return
        if "quiet" in change:
            self._close(self._windows.close(), change["quiet"])
            return
        self._places[self._source] = change["place"]
        for order, clock, *said in change["heard"]:
            heard = Heard(datetime.fromisoformat(order), datetime.fromisoformat(clock), *said)
            self._hearing.recall(heard)
            if heard.event:
                self._close(self._windows.add(heard.order, heard.clock, heard.text), change["at"])

    def _close(self, windows: Iterable[Window], at: float) -> None:
        for window in windows:
            self._waiting.append(Waiting.since(window, at))
            self.closed += 1

    def _state(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "source": self._source,
            "places": self._places,
            "written": self.written,
            "hearing": self._hearing.state(),
            "windows": self._windows.state(),
            "waiting": [_as_json(one) for one in self._waiting],
        }

    def _restore(self, state: dict[str, Any]) -> None:
        if state["format"] != FORMAT:
            raise ValueError(f"format {state['format']}")
        self._source, self._places, self.written = state["source"], state["places"], state["written"]
        self._hearing.restore(state["hearing"])
        self._windows.restore(state["windows"])
        self._waiting.extend(map(_of_json, state["waiting"]))


def _same(window: Window, change: dict[str, Any]) -> bool:
    """Whether a change is about this window: one that is left out has the number of the next."""
    return (window.id, window.events[0].id) == (change["done"], change["first"])


def _as_json(one: Waiting) -> list[Any]:
    window = one.window
    return [window.session, window.index, [event_as_json(event) for event in window.events], one.closed]


def _of_json(said: Sequence[Any]) -> Waiting:
    session, index, events, closed = said
    return Waiting.since(Window(session, index, tuple(map(event_of_json, events))), closed)
