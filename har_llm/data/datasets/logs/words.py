"""What a row of a log says in words: "<room> <sensor> <event>", or why it is no event."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from har_llm.common.errors import ConfigError
from har_llm.data.datasets.numeric import Readings, Threshold, number


@dataclass(kw_only=True)
class LoggedSensor:
    """A sensor of a log, where its name in the file does not say everything."""

    room: str
    name: str
    states: dict[str, str] = field(default_factory=dict)
    """What its values mean; empty = as for others of its kind."""
    threshold: Threshold | None = None
    """For a sensor that reports numbers: what makes events of them. null = its readings are left out."""


class Place(NamedTuple):
    """Where a sensor is, and what it is called there."""

    room: str
    name: str


class Said(NamedTuple):
    """What a sensor and its value say: an event, or a reading that may become one, or a reason why there is none."""

    text: str | None = None
    readings: Readings | None = None
    reading: float = 0
    left_out: str = ""


NUMBERS, NO_CROSSING, UNKNOWN, ANNOTATION = (
    "numeric reading of a sensor without dataset.sensors.ID.threshold",
    "numeric reading that does not cross the sensor's threshold",
    "value or sensor that is not known",
    "sensor in dataset.left_out",
)


class Words:
    """The words of a home's sensors, and which sensors were found."""

    def __init__(
        self, sensors: Mapping[str, LoggedSensor], kinds: Mapping[str, Mapping[str, str]], left_out: Collection[str]
    ):
        self.found: dict[str, Place] = {}
        """By sensor."""
        self._sensors = sensors
        self._kinds = kinds
        self._left_out = left_out
        self.begin()

    def begin(self) -> None:
        """A recording begins: how things stand is not known of a numeric sensor."""
        thresholds = ((key, sensor.threshold) for key, sensor in self._sensors.items())
        self._readings = {key: Readings(threshold) for key, threshold in thresholds if threshold is not None}

    def said(self, sensor: str, value: str, kind: str | None, place: Place) -> Said:
        """`kind`: a key of the kinds, None for a sensor of none; `place`: what the sensor's name says, where the settings
        do not describe it."""
        described = self._sensors.get(sensor)
        if sensor in self._left_out:
            return Said(left_out=ANNOTATION)
        if described is not None:
            place = Place(described.room, described.name)
        reading = number(value)
        if reading is not None and sensor in self._readings:
            self.found[sensor] = place
            return Said(text=_joined(place, ""), readings=self._readings[sensor], reading=reading)
        states = (described.states if described else None) or self._kinds.get(kind or "", {})
        if value in states and (described or kind is not None):
            self.found[sensor] = place
            return Said(text=_joined(place, states[value]))
        return Said(left_out=NUMBERS if reading is not None else UNKNOWN)


def check_sensors(sensors: Mapping[str, LoggedSensor]) -> None:
    """Raise ConfigError for a sensor without words."""
    for key, sensor in sensors.items():
        setting = f"dataset.sensors.{key}"
        if not sensor.room.strip() or not sensor.name.strip():
            raise ConfigError(f"{setting} has room {sensor.room!r} and name {sensor.name!r}; both must be words.")
        if sensor.threshold is not None:
            sensor.threshold.check(f"{setting}.threshold")


def _joined(place: Place, state: str) -> str:
    return " ".join(word for word in (place.room, place.name, state) if word)
