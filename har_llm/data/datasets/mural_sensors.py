"""The sensors of MuRAL: their long names behind the short ones of data.csv, and the rooms that their locations name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from har_llm.data.datasets.base import rooms_of


class Sensor(NamedTuple):
    """A sensor as sensors.json describes it."""

    name: str
    kind: str
    location: str


class SensorNames:
    """The names of sensors.json behind the short ones of data.csv."""

    def __init__(self, long: Sequence[str], short_words: Mapping[str, str]):
        self._words = {name: name.split() for name in long}
        self._long: dict[str, list[str]] = {}
        for name in self._words:
            short = f" {name.removesuffix(' sensor')} "
            for word, shorter in short_words.items():
                short = short.replace(f" {word} ", f" {shorter} ")
            self._long.setdefault(short.strip(), []).append(name)
        self._having: dict[str, list[str]] = {}
        for name, words in self._words.items():
            for word in set(words):
                self._having.setdefault(word, []).append(name)

    def of(self, name: str) -> Sequence[str]:
        """The long names that a name may stand for by the rule: itself, or all those that are shortened to it."""
        return (name,) if name in self._words else self._long.get(name, ())

    def like(self, name: str) -> Sequence[str]:
        """The long names that have all words of a name, in its order. Which one it stands for is not known."""
        words = name.split()
        rarest: list[str] = min((self._having.get(word, []) for word in words), key=len)
        return [long for long in rarest if _in_order(words, iter(self._words[long]))]


def rooms_of_sensors(sensors: Sequence[Sensor], locations: Mapping[str, str]) -> dict[str, list[str]]:
    """Each room and what its sensors are on: their names without the room in front and the kind of sensor behind."""
    return rooms_of(_placed(sensors, locations))


def _placed(sensors: Sequence[Sensor], locations: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The room of each sensor, and what it is on; empty where that is the room itself."""
    places = {sensor.location for sensor in sensors}
    lengths = sorted({len(place) for place in places})
    for sensor in sensors:
        room = locations.get(sensor.location) or _room(sensor.location, places, lengths)
        words = sensor.name.removeprefix(f"{room} ").split() if sensor.name != room else []
        while words and words[-1] in {"sensor", *sensor.kind.split()}:
            words.pop()
        thing = " ".join(words)
        yield room, "" if thing == room else thing


def _room(location: str, places: set[str], lengths: Sequence[int]) -> str:
    """A door's location is "<room> door", and a place inside a room is "<room> <place>". `lengths` of places, sorted."""
    room = location.removesuffix(" door")
    return next((room[:end] for end in lengths if room[end : end + 1] == " " and room[:end] in places), room)


def _in_order(words: Iterable[str], others: Iterator[str]) -> bool:
    return all(word in others for word in words)
