"""What a source of live readings gives and takes, and the settings that all of conf/watch share."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, ClassVar, NamedTuple, Protocol

from har_llm.common.checks import check_name, require
from har_llm.common.errors import ConfigError, MissingError
from har_llm.common.extras import installed_by
from har_llm.data.datasets.own.times import Instant
from har_llm.data.live.home import LiveHome

WHEN_FULL = ("give_up", "wait")
Say = Callable[[str], None]
"""Tells the user a sentence."""


def _nothing() -> None:
    pass


class Reading(NamedTuple):
    """What a sensor reported, as it said it."""

    when: Instant
    """As `home.times` reads it, which is kept for a source's whole life."""
    sensor: str
    """Its id, as the home's file has it."""
    value: str | None
    """None for a sensor that has none: that it reports is all it says."""
    state: bool | None = None
    """Whether it says how the sensor is, of which only a change is an event, as it may be said again for another reason; or
    what happens, which is one each time. None = as in a recording."""


class Batch(NamedTuple):
    """What came since the batch before; without readings, nothing did."""

    readings: Sequence[Reading] = ()
    place: Any = None
    """Where to go on behind these readings, in JSON, kept on disk together with what is to be remembered of them; None = as
    before."""
    accepted: Callable[[], None] = _nothing
    """Called when that is on disk: only then may the readings be acknowledged to who sent them."""


class Source(Protocol):
    def batches(self, stop: threading.Event) -> Iterator[Batch | None]:
        """What comes, until `stop` is set. At least every second there is a batch, if need be an empty one; None in place of
        it while nothing can come because there is no connection.

        A lost connection is made again, however long that takes, with a sentence each time that its state changes. Raises
        HarError only for what does not mend itself, such as a wrong password.
        """
        ...

    @property
    def left_out(self) -> Counter[str]:
        """How much of what came could not be read, by reason."""
        ...

    def close(self) -> None:
        """May be called twice, also while `batches` waits in another thread."""
        ...


@dataclass(kw_only=True)
class WatchConfig:
    """What task=watch listens to, and how what comes becomes windows. Configured by conf/watch."""

    source_class: ClassVar[str]
    """The full name of the source's class, which is called as `open` is, behind these settings. Its module alone may import
    what not every installation has."""

    name: str
    quiet_s: float = 300.0
    """A window closes when its home is quiet for so many seconds, as window.gap_minutes has it in a recording."""
    delay_s: float = 60.0
    """Seconds after its window has closed within which an event should be answered; how many were later is counted."""
    queue: int = 20
    """Most windows that wait for the model."""
    when_full: str = "give_up"
    """What happens when one more closes. give_up: the oldest that waits is given up, and its events are written with that
    cause; wait: nothing is taken until there is room, while what comes waits where it comes from."""
    most_per_minute: int = 60
    """Events of one sensor in a minute; the others are left out and counted, so that a broken device hides no other."""

    def check(self) -> None:
        check_name("watch.name", self.name)
        require("watch.when_full", self.when_full, WHEN_FULL)
        for name in ("quiet_s", "delay_s"):
            if not 0 < getattr(self, name) < float("inf"):
                raise ConfigError(f"watch.{name} is {getattr(self, name)}; it must be a number of seconds above 0.")
        for name in ("queue", "most_per_minute"):
            if getattr(self, name) < 1:
                raise ConfigError(f"watch.{name} is {getattr(self, name)}; it must be at least 1.")

    def open(self, home: LiveHome, place: Any, say: Say) -> Source:
        """The source, which may connect later. `place`: of the last batch that is on disk, of this or an earlier process;
        None = there is none. Raises HarError, also where its library is not installed."""
        module, _, name = self.source_class.rpartition(".")
        try:
            source: Source = getattr(import_module(module), name)(self, home, place, say)
        except ImportError as error:
            raise MissingError(
                f"watch={self.name} needs a library that cannot be imported ({error}): {installed_by('live')}"
            ) from None
        return source
