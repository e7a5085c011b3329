"""Makes readings of MQTT messages. Whoever may publish to the broker may send anything."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

from har_llm.data.datasets.files import LONGEST_NAME, shown
from har_llm.data.datasets.own.times import UNIX_FROM, Instant, Times, UnreadableTime
from har_llm.data.live.mqtt import WatchedMqtt
from har_llm.data.live.reading import Reading

LONGEST_PAYLOAD = 65_536
"""Bytes of a device's message; those of Zigbee2MQTT have some hundreds."""
MOST_PROPERTIES = 100
MOST_HELD = 10_000
"""States that wait for their time."""
HOLD_S = 2.0
"""Seconds that a state waits for the time that is published behind it."""
NO_DEVICE = ("bridge", "availability", "set", "get")
"""First or last parts of Zigbee2MQTT's topics that are not about a device's state."""
LAST_SEEN = "last_seen"
ACTION = "action"
"""The property that says what happens, as of a button; the others say how the device is, and all are in each message."""


class Malformed(Exception):
    """A message cannot be understood; str() says why."""


class NoState(Exception):
    """A message of mqtt_statestream is about something else than a state; str() says what."""


class Held(NamedTuple):
    """A state whose time has not come yet."""

    value: str
    arrived: float
    message: Any
    """Of the library, to be acknowledged with the state's reading."""


class Readings(NamedTuple):
    readings: list[Reading]
    messages: list[Any]
    """Those that are dealt with when these readings are on disk."""


class Messages:
    """Understands the topics of one home."""

    def __init__(self, settings: WatchedMqtt, times: Times):
        self._settings, self._times = settings, times
        self._held: dict[str, Held] = {}

    @property
    def topics(self) -> list[str]:
        """What is to be subscribed to."""
        found = []
        if (base := self._settings.statestream) is not None:
            found += [f"{base}/+/+/state"] + [f"{base}/+/+/last_changed"] * self._settings.publish_timestamps
        if (base := self._settings.zigbee2mqtt) is not None:
            found.append(f"{base}/#")
        return found

    def read(self, topic: str, payload: bytes, message: Any, *, retained: bool) -> Readings:
        """What a message says, and what is complete now. `retained`: whether the broker has kept it, so that it says how
        things are and not what happens. Raises Malformed, NoState; the message is then dealt with."""
        sensor, part = self._entity(topic)
        if part == "last_changed":
            return self._timed(sensor, payload, message)
        if part == "state":
            return self._state(sensor, payload, message)
        if sensor:
            raise NoState(f"{shown(sensor)} has its attribute {shown(part)} published")
        return Readings([one for one in self._of_device(topic, payload) if one.state or not retained], [message])

    def overdue(self) -> Readings:
        """The states whose time has not come within HOLD_S; theirs is when they arrived."""
        late = time.monotonic() - HOLD_S
        names = [sensor for sensor, held in self._held.items() if held.arrived <= late]
        held = [self._held.pop(name) for name in names]
        return Readings(
            [Reading(self.now(), name, one.value, state=True) for name, one in zip(names, held, strict=True)],
            [one.message for one in held],
        )

    def forget(self) -> None:
        """Forget what is held: it was not acknowledged, so the broker sends it again."""
        self._held.clear()

    def now(self) -> Instant:
        """When a message arrives."""
        arrived = max(float(UNIX_FROM), time.time())  # some boards begin in 1970 until they are told
        return self._times.of_this_machine(arrived)

    def _entity(self, topic: str) -> tuple[str, str]:
        """The id of an entity of mqtt_statestream, and what the topic is about; ("", "") for another topic."""
        base = self._settings.statestream
        if base is None or not topic.startswith(f"{base}/"):
            return "", ""
        parts = topic[len(base) + 1 :].split("/")
        return (f"{parts[0]}.{parts[1]}", parts[2]) if len(parts) == 3 else ("", "")

    def _state(self, sensor: str, payload: bytes, message: Any) -> Readings:
        value = _text(payload)
        if not self._settings.publish_timestamps:
            return Readings([Reading(self.now(), sensor, value, state=True)], [message])
        before = self._held.pop(sensor, None)
        if len(self._held) >= MOST_HELD:
            raise Malformed(f"more than {MOST_HELD:,} states wait for their time")
        self._held[sensor] = Held(value, time.monotonic(), message)
        if before is None:
            return Readings([], [])
        return Readings([Reading(self.now(), sensor, before.value, state=True)], [before.message])

    def _timed(self, sensor: str, payload: bytes, message: Any) -> Readings:
        held = self._held.pop(sensor, None)
        if held is None:  # of a state that did not wait for it, or that the broker has kept
            return Readings([], [message])
        try:
            when = self._times.read(_text(payload))
        except (Malformed, UnreadableTime, OverflowError):
            when = self.now()
        return Readings([Reading(when, sensor, held.value, state=True)], [held.message, message])

    def _of_device(self, topic: str, payload: bytes) -> Iterator[Reading]:
        """Each property of a device of Zigbee2MQTT."""
        base = self._settings.zigbee2mqtt
        if base is None or not topic.startswith(f"{base}/"):
            return
        name = topic[len(base) + 1 :]
        if name.split("/")[0] in NO_DEVICE or name.split("/")[-1] in NO_DEVICE or not payload:
            return
        if len(payload) > LONGEST_PAYLOAD:
            raise Malformed(f"a message of {shown(name)} has {len(payload):,} bytes")
        try:
            said = json.loads(payload)
        except (ValueError, RecursionError):
            raise Malformed(f"a message of {shown(name)} is no JSON: {shown(repr(payload[:60]))}") from None
        if not isinstance(said, dict) or len(said) > MOST_PROPERTIES:
            raise Malformed(f"a message of {shown(name)} is no object of at most {MOST_PROPERTIES} properties")
        when = self._seen(said.pop(LAST_SEEN, None))
        for key, value in said.items():
            if isinstance(value, str | int | float):
                text = value if isinstance(value, str) else json.dumps(value)
                yield Reading(when, f"{name}_{key}", text, state=key != ACTION)

    def _seen(self, said: object) -> Instant:
        """When a device was seen last, as it says in one of Zigbee2MQTT's forms; else now."""
        try:
            if isinstance(said, str):
                return self._times.read(said)
            if isinstance(said, int | float) and not isinstance(said, bool):
                return self._times.of_unix(said)
        except (UnreadableTime, ValueError, OverflowError):
            pass
        return self.now()


def _text(payload: bytes) -> str:
    """Raises Malformed for what is no state."""
    if len(payload) > 4 * LONGEST_NAME:
        raise Malformed(f"a state has {len(payload):,} bytes")
    try:
        return payload.decode()
    except UnicodeDecodeError:
        raise Malformed(f"a state is no text in UTF-8: {payload[:60]!r}") from None
