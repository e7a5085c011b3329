"""What is said of the events of a home that is watched, and who is told of it."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from har_llm.common.errors import MissingError, reason_of
from har_llm.data.records import Window, clock_text
from har_llm.sweep.live.answering import Answered


@dataclass(frozen=True)
class WatchedEvent:
    """A line of watch.jsonl."""

    session: str
    window: int
    id: int
    """Position in its session."""
    time: str
    """By the home's clock."""
    utc_offset: str | None
    """Of that clock, "+02:00"; None where it is not known."""
    event: str
    activity: str | None
    missed: str | None
    """Why it has no activity."""
    confidence: float | None
    """The share of the generations of its window that name the activity; None where there is a single one."""
    delay_s: float
    """From when its window closed until this was written."""


@dataclass(frozen=True)
class WatchedWindow:
    """What is said of a closed window."""

    events: Sequence[WatchedEvent]
    reasoning: str = ""
    given_up: bool = False
    """Whether the model was not asked, or did not answer."""


class Listener:
    """Its methods do nothing; a listener overrides those that it needs. Two threads call them, never at once."""

    def said(self, sentence: str) -> None:
        """Something has happened that the user should know."""

    def written(self, window: WatchedWindow) -> None:
        """A window is in the output."""

    def close(self) -> None:
        """Nothing follows."""


def answered(window: Window, said: Answered, activities: Mapping[int, str], delay_s: float) -> WatchedWindow:
    rows = zip(window.events, said.predictions, said.confidence, strict=True)
    events = [
        _event(window, place, None if one.activity is None else activities[one.activity], one.missed, confidence, delay_s)
        for place, (_, one, confidence) in enumerate(rows)
    ]
    return WatchedWindow(events, said.reasoning)


def without_answer(window: Window, cause: str, delay_s: float) -> WatchedWindow:
    """A window about which the model says nothing, and why."""
    places = range(len(window.events))
    return WatchedWindow([_event(window, place, None, cause, None, delay_s) for place in places], given_up=True)


def _event(
    window: Window, place: int, activity: str | None, missed: str | None, confidence: float | None, delay_s: float
) -> WatchedEvent:
    event = window.events[place]
    time = clock_text(event.moment)
    share = None if confidence is None else round(confidence, 4)
    where = window.session, window.index, event.id
    return WatchedEvent(*where, time, event.utc_offset, event.text, activity, missed, share, round(delay_s, 3))


class OutputFile:
    """watch.jsonl: a line an event, in whole windows."""

    def __init__(self, path: Path):
        self.path = path

    @property
    def size(self) -> int:
        """Bytes of the file; 0 where there is none. Raises MissingError."""
        try:
            return self.path.stat().st_size
        except FileNotFoundError:
            return 0
        except OSError as error:
            raise self._unwritable(error) from None

    def cut(self, written: int) -> None:
        """Cut off what is behind these bytes, which a kill has left there. A file that is shorter has been moved away, and
        is begun anew. Raises MissingError."""
        if self.size > written:
            try:
                os.truncate(self.path, written)
            except OSError as error:
                raise self._unwritable(error) from None

    def add(self, window: WatchedWindow) -> int:
        """Append a window; it is on disk when this returns. Bytes of the file. Raises MissingError."""
        try:
            with self.path.open("ab") as stream:
                stream.write("".join(_lines(window)).encode("ascii"))
                stream.flush()
                os.fsync(stream.fileno())
                return stream.tell()
        except OSError as error:
            raise self._unwritable(error) from None

    def _unwritable(self, error: OSError) -> MissingError:
        return MissingError(
            f"{self.path} cannot be written ({reason_of(error)}). What was accepted is kept; make room and run the "
            f"same command again."
        )


def _lines(window: WatchedWindow) -> Iterator[str]:
    for event in window.events:
        yield json.dumps(dataclasses.asdict(event), ensure_ascii=True) + "\n"
