"""What is heard of sensors, reading by reading: which readings are events, and when they were."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from har_llm.common.numbers import counted
from har_llm.common.text import composed
from har_llm.data.datasets.files import FileReader, shown
from har_llm.data.datasets.own.meaning import Seen, Told, meaning
from har_llm.data.datasets.own.recorded import NO_TAG
from har_llm.data.datasets.own.times import Instant
from har_llm.data.live.home import LiveHome
from har_llm.data.live.reading import Reading
from har_llm.data.live.told_once import ToldOnce
from har_llm.data.live.windows import instant_as_json, instant_of_json

AHEAD, AHEAD_UNKNOWN = timedelta(minutes=5), timedelta(days=1)
"""A reading that is later than this machine's clock by more is of a wrong clock; an event before it that is so means that
this machine's clock was set back. Without dataset.timezone it is a day, as home and machine may be of different zones."""
EARLIER, LATER = "earlier than the event before it", "later than this machine's clock"
SET_BACK = "time at which this machine's clock was set back"
MOST_NAMED = 5
"""Unknown sensors that are named; a broker may have hundreds."""
UNKNOWN, UNUSABLE, FLOOD = "unknown sensor", "unusable name or value", "more events of a sensor than watch.most_per_minute"
WITHOUT_WORD = "value without a word, told as it is"


class Heard(NamedTuple):
    """What is to be remembered of a reading."""

    order: datetime
    clock: datetime
    sensor: str
    value: str | None
    """As the sensor said it: the words of it may be others when it is recalled."""
    text: str
    event: bool
    """Whether it is an event; otherwise it only says what the sensor's state is."""


class Hearing:
    """Makes events of readings, in the order in which they come.

    An event is not earlier than the one before it: one whose time is earlier gets that one's, and one that is later than
    this machine's clock gets the machine's, or else a single wrong clock would hold for all that follow. Only where the
    machine's clock was ahead and is set back, an event is earlier than the one before it, or else time would stand still.
    """

    def __init__(self, home: LiveHome, most_per_minute: int, say: ToldOnce):
        self._home, self._most, self._say = home, most_per_minute, say
        self._rules = home.dataset.recorded()
        self._ahead = AHEAD if home.dataset.timezone is not None else AHEAD_UNKNOWN
        self._seen = Seen()
        """In the words that the home has now."""
        self._states: dict[str, str | None] = {}
        """The last value of each sensor."""
        self._latest: dict[str, tuple[datetime, str | None]] = {}
        """The last event of each sensor: when, and its value."""
        self.last: Instant | None = None
        """When the last event was."""
        self.counts: Counter[str] = Counter()
        """Readings that are no events, by reason, events that were given another time, and values without a word."""
        self._unknown: set[str] = set()
        self._minutes: dict[str, tuple[datetime, int]] = {}
        """The minute in which each sensor had its last event, and how many in it."""

    def hear(self, readings: Iterable[Reading], now: Instant) -> list[Heard]:
        """The events among readings, and before each what is the state of sensors whose readings are none."""
        states: dict[str, Heard] = {}
        found: list[Heard] = []
        for reading in readings:
            heard = self._heard(reading, now)
            if heard is None:
                continue
            states.pop(heard.sensor, None)
            if heard.event:
                found.append(heard)
            else:
                states[heard.sensor] = heard
        return [*found, *states.values()]

    def recall(self, heard: Heard) -> None:
        """Take over what was heard before, by this or an earlier process."""
        self._recall_state(heard.sensor, heard.value)
        if heard.event:
            self._recall_event(heard.sensor, heard.order, heard.value)
            self.last = heard.order, heard.clock

    def state(self) -> dict[str, Any]:
        """In JSON, for `restore`."""
        latest = {sensor: [order.isoformat(), value] for sensor, (order, value) in self._latest.items()}
        return {"states": self._states, "latest": latest, "last": instant_as_json(self.last)}

    def restore(self, state: dict[str, Any]) -> None:
        for sensor, value in state["states"].items():
            self._recall_state(sensor, value)
        for sensor, (order, value) in state["latest"].items():
            self._recall_event(sensor, datetime.fromisoformat(order), value)
        self.last = instant_of_json(state["last"])

    def _recall_state(self, sensor: str, value: str | None) -> None:
        self._states[sensor] = value
        told = self._meaning(sensor, value)
        if told is not None and told.text is not None:
            self._seen.states[sensor] = told.text

    def _recall_event(self, sensor: str, order: datetime, value: str | None) -> None:
        self._latest[sensor] = order, value
        told = self._meaning(sensor, value)
        if told is not None and told.text is not None:
            self._seen.latest[sensor] = order, told.text, NO_TAG

    def _heard(self, reading: Reading, now: Instant) -> Heard | None:
        told = self._told(reading)
        if told is None:
            return None
        order, clock = reading.when
        reason = self._seen.no_event(told, order, NO_TAG)
        if reason is None:
            order, clock = self._settled(reading, now)
            reason = FLOOD if self._floods(told.sensor, order) else None
        if reason is None:
            self.last = order, clock
        else:
            self.counts[reason] += 1
        if told.text is None:
            return None
        value = None if reading.value is None else composed(reading.value.strip())
        return Heard(order, clock, told.sensor, value, told.text, event=reason is None)

    def _told(self, reading: Reading) -> Told | None:
        """What a reading means; None, counted and said once, for one that nothing is known of."""
        pair = composed(reading.sensor.strip()), composed((reading.value or "").strip())
        reader = FileReader()
        for what, text in zip(("sensor", "value"), pair, strict=True):
            reader.check_name(Path(), None, what, text)
        if reader.faults:
            self._count(UNUSABLE, reader.faults[0].message)
            return None
        told = self._meaning(pair[0], None if reading.value is None else pair[1], state=reading.state)
        if told is None:
            self._count_unknown(pair[0])
        elif told.without_word:
            self.counts[WITHOUT_WORD] += 1
            rule = f"for which {self._home.place} has no word; such values are told as they are, add them to its states"
            self._say.once(f"{WITHOUT_WORD} {pair[0]}", f"{shown(pair[0])} reports {shown(pair[1])}, {rule}.")
        return told

    def _meaning(self, sensor: str, value: str | None, *, state: bool | None = None) -> Told | None:
        pair = sensor, value or ""
        no_event = None if value is None and sensor else self._rules.no_event(pair)
        changes = self._rules.changes_only if state is None else state
        return meaning(self._home.described.sensors.get(sensor), pair, no_event, changes=changes)

    def _count_unknown(self, sensor: str) -> None:
        self.counts[UNKNOWN] += 1
        if sensor in self._unknown or len(self._unknown) == MOST_NAMED:
            return
        self._unknown.add(sensor)
        rule = "list it there, or let task=init add it from a recording that has it (left_out: true leaves it out)"
        more = " Further ones are only counted." if len(self._unknown) == MOST_NAMED else ""
        self._say.now(f"{self._home.place} does not list the sensor {shown(sensor)}, which is left out; {rule}.{more}")

    def _settled(self, reading: Reading, now: Instant) -> Instant:
        """When a reading was, by a clock that does not jump."""
        when = reading.when
        if self._was_set_back(when, now):
            return when
        if when[0] - now[0] > self._ahead:
            rule = "it gets this machine's time; set the clocks of both"
            self._count(LATER, f"{shown(reading.sensor)} reports {_seconds(when)}, but here it is {_seconds(now)}: {rule}.")
            when = now if when[1].tzinfo is not None else (now[0], now[1].replace(tzinfo=None))
        if self.last is not None and when[0] < self.last[0]:
            rule = "events count in the order in which they come, so it gets that one's time"
            self._count(
                EARLIER,
                f"{shown(reading.sensor)} reports {_seconds(when)}, but the event before it {_seconds(self.last)}: {rule}.",
            )
            when = self.last
        return when

    def _was_set_back(self, when: Instant, now: Instant) -> bool:
        """Whether the event before is of a time that this machine's clock has still to reach, and a reading is not: then the
        machine was told the right time meanwhile. Of a board that has just started and does not know it yet, both are."""
        if self.last is None or not (when[0] - now[0] <= self._ahead < self.last[0] - now[0]):
            return False
        self.counts[SET_BACK] += 1
        shows = f"it shows {_seconds(now)}, and the event before had {_seconds(self.last)}"
        self._say.now(f"This machine's clock was set back: {shows}. A new session begins.")
        return True

    def _floods(self, sensor: str, order: datetime) -> bool:
        minute = order.replace(second=0, microsecond=0)
        before, count = self._minutes.get(sensor, (minute, 0))
        self._minutes[sensor] = minute, count + 1 if before == minute else 1
        if self._minutes[sensor][1] <= self._most:
            return False
        most = counted(self._most, "event")
        rule = f"the others of that minute are left out and counted (watch.most_per_minute={self._most})"
        self._say.once(f"{FLOOD} {sensor}", f"{sensor} has more than {most} in a minute; {rule}.")
        return True

    def _count(self, reason: str, sentence: str) -> None:
        """Count, and say what is the first of its kind."""
        self.counts[reason] += 1
        self._say.once(reason, sentence)


def _seconds(when: Instant) -> str:
    return when[1].isoformat(" ", "seconds")
