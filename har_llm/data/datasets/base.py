"""What all datasets share: how a home is written in YAML, and what other rooms ask of a dataset."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from har_llm.common.checks import check_name, require
from har_llm.common.errors import ConfigError
from har_llm.common.notices import Notice, Notices
from har_llm.common.numbers import counted
from har_llm.common.paths import expanded
from har_llm.data.records import Event, Home, Recordings, Session

NULL_CLASS_USES = ("label", "unscored", "dropped")


@dataclass(kw_only=True)
class HomeConfig:
    """The home as conf/dataset writes it: everything that a model is told about it."""

    description: str = ""
    rooms: dict[str, list[str]] = field(default_factory=dict)
    activities: dict[int, str] = field(default_factory=dict)
    definitions: dict[int, str] = field(default_factory=dict)
    """What the home's makers say that an activity includes, by its number; shown behind its name in the prompt."""
    null_class: list[int | str] = field(default_factory=list)
    """Activities by number or name."""
    rules: list[str] = field(default_factory=list)
    null_class_rules: list[str] = field(default_factory=list)
    """Rules about the null class: a model is told them only while that is among the activities."""


@dataclass(kw_only=True)
class SensorInWords:
    """ "<room> <name> <state>" is the text of a sensor's events."""

    room: str
    name: str
    states: list[str]
    """What its ON and its OFF mean, such as [OPENED, CLOSED]."""


def _check_lines(home: HomeConfig) -> None:
    """Raise ConfigError for a line break in what stands on a line of its own in the prompt."""
    lines: dict[str, Iterable[str]] = {
        "activities": home.activities.values(),
        "definitions": home.definitions.values(),
        "rooms": (text for room, things in home.rooms.items() for text in (room, *things)),
        "rules": [*home.rules, *home.null_class_rules],
    }
    for setting, texts in lines.items():
        for text in texts:
            if re.search(r"[\r\n\v\f\x1c-\x1e\x85\u2028\u2029]", text):
                raise ConfigError(
                    f"dataset.home.{setting} has {text!r}, with a line break; it is a line of a list in the prompt, so "
                    f"write it on one line."
                )


def activity_number(activity: int | str, activities: Mapping[int, str]) -> int | None:
    """The number of an activity that is given by number or, whatever its case, by name; None if there is none."""
    by_name = {name.casefold(): number for number, name in activities.items()}
    number = by_name.get(activity.casefold()) if isinstance(activity, str) else activity
    return number if number in activities else None


@dataclass(kw_only=True)
class DatasetConfig(ABC):
    """What all datasets share: their settings, and that they can be read. Configured by conf/dataset."""

    name: str
    synthetic: bool = False
    paper_split: dict[int, int] = field(default_factory=dict)
    """Sessions in a group -> how many of them, from the first, are for training."""
    null_class: str = "label"
    """label: as any activity; unscored: may be answered, not scored; dropped: its events are taken out beforehand."""
    home: HomeConfig = field(default_factory=HomeConfig)

    def check(self) -> None:
        """Raise ConfigError where the settings contradict each other."""
        check_name("dataset.name", self.name)
        require("dataset.null_class", self.null_class, NULL_CLASS_USES)
        names = Counter(name.casefold() for name in self.home.activities.values())
        doubled = sorted({name for name in self.home.activities.values() if names[name.casefold()] > 1})
        if doubled:
            raise ConfigError(
                f"dataset.home.activities names {', '.join(doubled)} twice; every activity needs its own name, in any case."
            )
        _check_lines(self.home)
        for setting, given in (("null_class", self.home.null_class), ("definitions", self.home.definitions)):
            unknown = [one for one in given if activity_number(one, self.home.activities) is None]
            if unknown:
                raise ConfigError(f"dataset.home.{setting} has {unknown}, which dataset.home.activities does not list.")

    @abstractmethod
    def read(self, data: Path) -> Recordings:
        """Read the dataset below the folder `data` (paths.data).

        Raises MissingError when it is not there, DataError with every fault when it breaks its format.
        """

    @abstractmethod
    def faults(self, data: Path) -> Notices:
        """The faults of the folder, in one pass, without raising for them."""

    def null_numbers(self) -> frozenset[int]:
        """The numbers of the null class, as far as home.activities has them."""
        found = (activity_number(one, self.home.activities) for one in self.home.null_class)
        return frozenset(number for number in found if number is not None)

    def build_home(self) -> Home:
        activities = dict(self.home.activities)
        if self.null_class == "dropped":
            activities = {n: name for n, name in activities.items() if n not in self.null_numbers()}
        null_class = self.null_numbers() & frozenset(activities)
        return Home(
            name=self.name,
            description=self.home.description.strip(),
            rooms={room: tuple(things) for room, things in self.home.rooms.items()},
            activities=activities,
            definitions={n: text for n, text in self.home.definitions.items() if n in activities},
            null_class=null_class,
            rules=(*self.home.rules, *(self.home.null_class_rules if null_class else ())),
            synthetic=self.synthetic,
        )

    def recordings(self, sessions: Sequence[Session], repairs: Sequence[Notice] = ()) -> Recordings:
        """What `read` returns. A session keeps its place, even empty, when null_class=dropped takes its events out."""
        dropped = self.null_numbers() if self.null_class == "dropped" else frozenset[int]()
        kept = [without_activities(session, dropped) for session in sessions] if dropped else sessions
        missing = events_in(sessions) - events_in(kept)
        return Recordings(self.build_home(), kept, repairs, {"null class": missing} if missing else {})


@dataclass(kw_only=True)
class ReleaseConfig(DatasetConfig):
    """A dataset that users download. It is not part of this project, so its known counts stand in for a checksum."""

    COUNTED: ClassVar[tuple[str, ...]] = ("sessions", "events")
    expected: dict[str, int] = field(default_factory=dict)
    """What the release is known to hold; a difference is reported, as the copy may be another version or half a download."""

    def check(self) -> None:
        super().check()
        for name in self.expected:
            if name not in self.COUNTED:
                raise ConfigError(f"dataset.expected.{name} is no count; it may have {', '.join(self.COUNTED)}.")

    def differences(
        self, place: Path, source: str, counts: Mapping[str, int], remarks: Mapping[str, str]
    ) -> Iterator[Notice]:
        """A notice for each count that is not the expected one; `remarks` say what else to know about some of them."""
        for name, count in counts.items():
            known = self.expected.get(name, count)
            if count != known:
                words = name.replace("_", " ")
                message = f"{counted(count, words.removesuffix('s'))} read, the release is known to have {known:,}"
                remark = f" ({remarks[name]})" if name in remarks else ""
                rule = f"compare your copy with {source}, or set dataset.expected"
                yield Notice(str(place), None, f"{words} differ from the release's {known:,}", f"{message}{remark}; {rule}")


def where_it_is(folder: str) -> str:
    """Which setting tells where the folder of a release is, to be read after "set"."""
    if expanded(folder).is_absolute():
        return "dataset.folder to where it is"
    return f"paths.data or HAR_LLM_DATA to the folder that holds {folder}/"


def rooms_of(places: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """The rooms, and the different things in each, in order. `places`: a room and what is in it, which may be empty."""
    rooms: dict[str, dict[str, None]] = {}
    for room, thing in places:
        things = rooms.setdefault(room, {})
        if thing:
            things[thing] = None
    return {room: list(things) for room, things in rooms.items()}


def events_in(sessions: Sequence[Session]) -> int:
    return sum(len(session.events) for session in sessions)


def without_activities(session: Session, dropped: frozenset[int]) -> Session:
    """The session without the events that have only these activities; the others, also unlabelled, get new ids from 0."""
    events: list[Event] = []
    for event in session.events:
        activities = tuple(number for number in event.activities if number not in dropped)
        if activities or not event.activities:
            events.append(event._replace(id=len(events), activities=activities))
    return Session(session.id, session.group, events)
