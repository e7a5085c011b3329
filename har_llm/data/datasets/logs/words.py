"""What a row of a log says in words: "<room> <sensor> <event>", or why it is no event."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from har_llm.common.errors import ConfigError
from har_llm.data.datasets.numeric import Readings, Threshold, number, threshold_of


@dataclass(kw_only=True)
class LoggedSensor:
    """A sensor of a log, where its name in the file does not say everything."""

    room: str
    name: str
    states: Any = None
    """What its values mean, as in {"ON": OPENED}; null = as for others of its kind. With a threshold: [word below it, word
    from there]."""
    threshold: Any = None
    """For a sensor that reports numbers: readings that cross it are events. null = its readings are left out."""

    @property
    def by_value(self) -> Mapping[str, str]:
        """What its values mean that are no numbers."""
        return {} if self.threshold is not None else self.states or {}


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
        self._thresholds = check_sensors(sensors)
        self.begin()

    def begin(self) -> None:
        """A recording begins: how things stand is not known of a numeric sensor."""
        self._readings = {key: Readings(threshold) for key, threshold in self._thresholds.items()}

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
        states = (described.by_value if described else None) or self._kinds.get(kind or "", {})
        if value in states and (described or kind is not None):
            self.found[sensor] = place
            return Said(text=_joined(place, states[value]))
        return Said(left_out=NUMBERS if reading is not None else UNKNOWN)


def check_sensors(sensors: Mapping[str, LoggedSensor]) -> dict[str, Threshold]:
    """The thresholds of those that have one. Raises ConfigError for a sensor that is not described as it must be."""
    thresholds: dict[str, Threshold] = {}
    for key, sensor in sensors.items():
        setting = f"dataset.sensors.{key}"
        if not sensor.room.strip() or not sensor.name.strip():
            raise ConfigError(f"{setting} has room {sensor.room!r} and name {sensor.name!r}; both must be words.")
        if sensor.threshold is not None:
            thresholds[key] = threshold_of(sensor.threshold, sensor.states, setting)
        elif sensor.states is not None and not _is_mapping_of_texts(sensor.states):
            rule = "it must be a mapping of texts, as in {'ON': OPENED}, or with a threshold a list of two words"
            raise ConfigError(f"{setting}.states is {sensor.states!r}; {rule}.")
    return thresholds


def _is_mapping_of_texts(found: object) -> bool:
    return isinstance(found, dict) and all(isinstance(text, str) for text in (*found, *found.values()))


def _joined(place: Place, state: str) -> str:
    return " ".join(word for word in (place.room, place.name, state) if word)
