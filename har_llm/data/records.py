"""What flows between the rooms of har_llm: small immutable records that need no library.

Activities are referred to by their number in the home's catalogue, as the prompt does ("19. preparing dinner").
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import accumulate, pairwise
from typing import NamedTuple

from har_llm.common.notices import Notice

DAY_SECONDS = 86_400
WITHOUT_OFFSET = len("2026-03-29T08:05:00")
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
Moment = datetime | time
"""Local time as a clock in the home showed it, with that clock's offset from UTC where it is known: for all events of a
recording or for none (what is heard while it happens may come from several clocks). Where summer time ends, an hour comes
twice, which only offsets tell apart. A recording that says no dates has times of day only."""


@dataclass(frozen=True)
class Home:
    """Where the events come from and what the residents may be doing: all that a prompt says about a home."""

    name: str
    description: str
    rooms: Mapping[str, Sequence[str]]
    """Appliances and furniture by room, in the order in which a prompt lists them."""
    activities: Mapping[int, str]
    """Activity names by number, in the order in which a prompt lists them."""
    definitions: Mapping[int, str] = field(default_factory=dict)
    """What an activity includes, by its number, for those that need it said."""
    null_class: frozenset[int] = frozenset()
    """Activities that stand for 'nothing in particular' (transition, others); scores are given with and without them."""
    rules: Sequence[str] = ()
    synthetic: bool = False

    def described(self, number: int) -> str:
        """An activity's name as a prompt lists it, with its definition if it has one: "eating: also just drinking"."""
        defined = self.definitions.get(number)
        return self.activities[number] + (f": {defined}" if defined else "")


class Event(NamedTuple):
    """One change of one sensor. A named tuple, because a run may hold millions."""

    id: int
    """Position in its session, from 0."""
    moment: Moment
    text: str
    """"<room> <sensor> <event>", as in section 3.1.1 of the paper."""
    activities: tuple[int, ...]
    """Gold activity numbers: one, or several when several residents share the event; none for an unlabelled event, which is
    shown to models and never scored."""
    subjects: tuple[str, ...]
    """Who caused it, as the dataset says; never shown to a model."""

    @property
    def time(self) -> str:
        """Local time of day, HH:mm:ss."""
        return clock_text(self.moment)[-8:]

    @property
    def date(self) -> date | None:
        """None where the recording says no dates."""
        return self.moment.date() if isinstance(self.moment, datetime) else None

    @property
    def utc_offset(self) -> str | None:
        return utc_offset(self.moment)

    def seconds_until(self, later: Event) -> float:
        """The time that has passed. By the clock where no offsets are known: then an hour may be missing or too much where
        summer time begins or ends, and between dates it may be negative. Between times of day less than a day has passed."""
        return seconds_between(self.moment, later.moment)


def clock_text(moment: Moment) -> str:
    """What the clock showed, to the second: "2026-03-29 08:05:00"; "08:05:00" where there are no dates."""
    if isinstance(moment, datetime):
        return moment.isoformat(" ", "seconds")[:WITHOUT_OFFSET]
    return moment.isoformat("seconds")


def utc_offset(moment: Moment) -> str | None:
    """Of the clock, "+02:00"; None where it is not known."""
    return moment.isoformat(timespec="seconds")[WITHOUT_OFFSET:] or None


def seconds_between(one: Moment, later: Moment) -> float:
    """As Event.seconds_until says it."""
    if isinstance(one, datetime) and isinstance(later, datetime):
        if (one.tzinfo is None) != (later.tzinfo is None):  # in a file that others have changed
            one, later = one.replace(tzinfo=None), later.replace(tzinfo=None)
        return (later - one).total_seconds()
    return (_second_of_day(later) - _second_of_day(one)) % DAY_SECONDS


def elapsed(moments: Sequence[Moment]) -> list[float]:
    """The seconds from the first of a session's moments to each. One that is earlier than the one before it (where summer
    time ends and no offsets are known) is as late as that."""
    return list(accumulate((max(0.0, seconds_between(*pair)) for pair in pairwise(moments)), initial=0.0))[: len(moments)]


def time_of_day(second: int) -> time:
    """The time on a clock, by seconds from a midnight; days are left out."""
    minutes, seconds = divmod(second % DAY_SECONDS, 60)
    return time(minutes // 60, minutes % 60, seconds)


def after(moment: Moment, seconds: float) -> Moment:
    """So many seconds later, to the second; of a time of day, on the clock."""
    if isinstance(moment, datetime):
        return moment + timedelta(seconds=round(seconds))
    return time_of_day(round(_second_of_day(moment) + seconds))


def _second_of_day(moment: Moment) -> float:
    return moment.hour * 3600 + moment.minute * 60 + moment.second + moment.microsecond / 1e6


@dataclass(frozen=True)
class Session:
    """One recording, in order."""

    id: str
    group: str
    """What the split divides: the scenario in MARBLE, the whole dataset elsewhere."""
    events: Sequence[Event]


@dataclass(frozen=True, slots=True)
class Window:
    """Consecutive events of one session, shown to the model together."""

    session: str
    index: int
    """Position among the windows of its session, from 0."""
    events: tuple[Event, ...]

    @property
    def id(self) -> str:
        return f"{self.session}#{self.index}"


@dataclass(frozen=True)
class Recordings:
    """A dataset that was read: its sessions, and what had to be repaired in them."""

    home: Home
    sessions: Sequence[Session]
    repairs: Sequence[Notice] = ()
    dropped_events: Mapping[str, int] = field(default_factory=dict)
    """Events that the settings leave out, counted by reason."""


Message = Mapping[str, str]
"""A chat message: {"role": "system" | "user", "content": ...}."""


@dataclass(frozen=True)
class Prompt:
    """What a model is sent for one window, and how to read the ids in its answer."""

    window: Window
    messages: tuple[Message, ...]
    ids: tuple[int, ...]
    """The id shown for each event of the window, in order."""
    examples: tuple[str, ...] = ()
    """The ids of the training windows that are shown with their gold activities."""
