"""What readings of sensors mean, one by one: the words of a value, and whether it is an event. Recordings are told by the
same rules as what a home reports while it happens."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from har_llm.common.text import one_line
from har_llm.data.datasets.own.home_file import OwnSensor, number_of
from har_llm.data.datasets.own.recorded import Said

LEFT_OUT = "sensor left out"
FIRST, REPEATED, TWICE = "first state of a sensor, no change", "state as before, no change", "row twice"


class Told(NamedTuple):
    """What a value of a sensor means."""

    text: str | None
    """Of its events; None where it is none."""
    reason: str
    """Why it is none."""
    sensor: str
    changes: bool
    """Whether it is an event only where the sensor's text was another one before."""
    without_word: bool = False
    """Whether the home has words for values of the sensor, but none for this one, which is told as it is."""


def meaning(described: OwnSensor | None, pair: Said, no_event: str | None, *, changes: bool) -> Told | None:
    """What a (sensor, value) means; None for a sensor that is not described.

    `no_event`: why it is no event unless the home has a word for it. `changes`: whether only a change is an event.
    """
    sensor, value = pair
    word = None if described is None else word_of(described, value)
    if no_event is not None and word is None:
        return Told(None, no_event, sensor, changes=False)
    if described is None:
        return None
    if described.left_out:
        return Told(None, LEFT_OUT, sensor, changes)
    if described.threshold is None:
        text = _text(described, one_line(value) if word is None else word)
        return Told(text, "", sensor, changes, without_word=word is None and bool(described.states))
    number = number_of(value)
    if number is None:
        return Told(None, "no number, of a sensor with a threshold", sensor, changes)
    return Told(_text(described, described.threshold.states[number >= described.threshold.level]), "", sensor, changes=True)


def word_of(described: OwnSensor, value: str) -> str | None:
    """The word that a home has for a value of a sensor."""
    found = described.states.get(value)
    if found is None and value:
        folded = value.casefold()
        found = next((word for key, word in described.states.items() if key.casefold() == folded), None)
    return found


def _text(described: OwnSensor, word: str) -> str:
    return " ".join(filter(None, (described.room, described.name, word)))


class Seen:
    """What sensors said last, on which it depends whether what they say next is an event."""

    def __init__(self) -> None:
        self.states: dict[str, str] = {}
        """The last text of each sensor of which only changes are events."""
        self.latest: dict[str, tuple[datetime, str, Said]] = {}
        """The last event of each sensor: when, its text, its tag."""

    def no_event(self, told: Told, order: datetime, tag: Said) -> str | None:
        """Why the next reading is no event; None where it is one."""
        if told.text is None:
            return told.reason
        if told.changes:
            before = self.states.get(told.sensor)
            self.states[told.sensor] = told.text
            if before is None or before == told.text:
                return FIRST if before is None else REPEATED
        said = (order, told.text, tag)
        if self.latest.get(told.sensor) == said:
            return TWICE
        self.latest[told.sensor] = said
        return None
