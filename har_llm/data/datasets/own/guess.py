"""Guesses a home from what its sensors are called and from the values that they have."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from har_llm.common.errors import ConfigError
from har_llm.data.datasets.base import HomeConfig
from har_llm.data.datasets.files import LONGEST_NAME
from har_llm.data.datasets.own.home_file import OwnDescription, OwnSensor, number_of
from har_llm.data.datasets.own.left_out import MANY, MOST_VALUES, NUMBERS, UNUSUAL
from har_llm.data.datasets.own.recorded import Recorded
from har_llm.data.datasets.own.told import plain_name

SELDOM = "seldom tells what people do; to use it: room, name, states: {value: word}"


@dataclass(kw_only=True)
class Vocabulary:
    """The words of a drafted home: everything that a model may be told of a home that nobody has described yet."""

    activities: dict[int, str] = field(default_factory=dict)
    """Of a home without labels."""
    null_class: list[str] = field(default_factory=list)
    """How data call doing nothing in particular."""
    rooms: list[str] = field(default_factory=list)
    """Words of which one in a sensor's id names its room."""
    elsewhere: str = "home"
    """The room of a sensor whose id names none."""
    kinds: dict[str, list[str]] = field(default_factory=dict)
    """A word in a sensor's id, or its device class -> the words for its ON and its OFF; [] = no sensor of what people do."""
    otherwise: list[str] = field(default_factory=lambda: ["ON", "OFF"])
    """Those of any other sensor."""
    on: list[str] = field(default_factory=list)
    """Values that mean ON, in small letters."""
    off: list[str] = field(default_factory=list)
    """Their counterparts, in the same order."""
    values: dict[str, str] = field(default_factory=dict)
    """Other values, in small letters, and their words."""
    domains: dict[str, list[str]] = field(default_factory=dict)
    """What stands before the dot of an id -> the words for its ON and its OFF; sensors of any other domain are left out.
    Empty: ids have no domains."""

    def check(self) -> None:
        if len(self.on) != len(self.off):
            raise ConfigError(
                f"dataset.vocabulary.on has {len(self.on)} values and dataset.vocabulary.off {len(self.off)}; they are "
                f"counterparts, so write as many."
            )
        for setting, pairs in (("kinds", self.kinds), ("domains", self.domains), ("otherwise", {"": self.otherwise})):
            for key, pair in pairs.items():
                if len(pair) != 2 and (pair or not key):
                    name = ".".join(filter(None, (setting, key)))
                    raise ConfigError(f"dataset.vocabulary.{name} is {pair}; it must be [word for ON, word for OFF].")


class Guess(NamedTuple):
    """A sensor as it may be."""

    sensor: OwnSensor
    remark: str
    """What its user should look at; empty where the id and the values say all."""


def guess_home(recorded: Recorded, vocabulary: Vocabulary) -> tuple[OwnDescription, Mapping[str, Guess]]:
    """A home for what was recorded, and the guess of each of its sensors."""
    values = recorded.values()
    guesses = guess_sensors(values, recorded.attributes, vocabulary)
    labels = recorded.labels()
    home = HomeConfig(activities=dict(vocabulary.activities))
    if labels:
        home.activities = activities_of(labels)
    folded = {name.casefold() for name in vocabulary.null_class}
    home.null_class = [number for number, name in home.activities.items() if name.casefold() in folded]
    return OwnDescription(home=home, sensors={key: guess.sensor for key, guess in guesses.items()}), guesses


def activities_of(labels: Sequence[str]) -> dict[int, str]:
    """Activities by number: the labels' own numbers where all are numbers, else in their order from 1."""
    if all(re.fullmatch(r"[0-9]{1,9}", label, re.ASCII) for label in labels):
        return {int(label): f"activity {int(label)}" for label in sorted(labels, key=int)}
    names = dict.fromkeys(plain_name(label) for label in labels)
    by_folded = {name.casefold(): name for name in reversed(names)}
    return dict(enumerate((name for name in names if by_folded[name.casefold()] == name), start=1))


def guess_sensors(
    values: Mapping[str, Sequence[str]], attributes: Mapping[str, Mapping[str, object]], vocabulary: Vocabulary
) -> dict[str, Guess]:
    """By id. Ids that begin with the same unknown word are taken to be of one room."""
    guesser = _Guesser(vocabulary)
    words = {sensor: _words(_said_name(sensor, attributes.get(sensor, {}), vocabulary)) for sensor in values}
    first = Counter(found[0] for found in words.values() if len(found) > 1)
    shared = {word for word, count in first.items() if count > 1}
    return {
        sensor: guesser.guess(sensor, words[sensor], held, attributes.get(sensor, {}), shared)
        for sensor, held in values.items()
    }


def _said_name(sensor: str, attributes: Mapping[str, object], vocabulary: Vocabulary) -> str:
    friendly = attributes.get("friendly_name")
    if isinstance(friendly, str) and friendly.strip() and friendly.isprintable() and len(friendly) <= LONGEST_NAME:
        return friendly
    return sensor.partition(".")[2] or sensor if vocabulary.domains else sensor


def _words(name: str) -> list[str]:
    """The words of an id: kitchen_fridge-door, kitchenFridgeDoor and "Kitchen fridge door" alike."""
    apart = re.sub(r"(?<=[a-zà-ÿ])(?=[A-ZÀ-Þ])", " ", name)
    words = [word for word in re.split(r"[\W_]+", apart) if word]
    return words if len(words) == 1 else [word.casefold() if not _code(word) else word for word in words]


def _code(word: str) -> bool:
    """Whether it is no word but a number of something, such as M017."""
    return any(letter.isdigit() for letter in word) and any(letter.isupper() for letter in word)


class _Guesser:
    def __init__(self, vocabulary: Vocabulary):
        self._vocabulary = vocabulary
        rooms = sorted(vocabulary.rooms, key=lambda room: -len(room.split()))
        self._rooms = {tuple(room.casefold().split()): room for room in rooms}
        self._rooms |= {(room.casefold().replace(" ", ""),): room for room in rooms}
        self._on, self._off = dict(zip(vocabulary.on, vocabulary.off, strict=True)), set(vocabulary.off)

    def guess(
        self,
        sensor: str,
        words: Sequence[str],
        values: Sequence[str],
        attributes: Mapping[str, object],
        shared: set[str],
    ) -> Guess:
        domain = sensor.partition(".")[0] if self._vocabulary.domains else ""
        if domain and domain not in self._vocabulary.domains:
            return Guess(OwnSensor(left_out=True, why=UNUSUAL), SELDOM)
        pair, known = self._pair(domain, words, attributes)
        if not pair:
            return Guess(OwnSensor(left_out=True, why=UNUSUAL), SELDOM)
        if (no_states := self._no_states(values)) is not None:
            return no_states
        room, name, certain = self._place(sensor, words, shared)
        states = {value: self._state(value, pair) for value in [*values, *self._counterparts(values)]}
        remarks = [] if certain else ["room"]
        if not known and any(self._is_on_or_off(value) for value in values):
            remarks.append("words")
        made = OwnSensor(room=room, name=name or self._kind(domain, attributes), states=states)
        return Guess(made, " and ".join(remarks))

    def _no_states(self, values: Sequence[str]) -> Guess | None:
        """A sensor that is left out as its values are no states; None where they may be."""
        numbers = [number for value in values if (number := number_of(value)) is not None]
        if 0 < len(numbers) == sum(map(bool, values)) and not all(self._is_on_or_off(value) for value in values):
            low, high = f"{min(numbers):g}", f"{max(numbers):g}"
            rule = "to use it: room, name, threshold: X, states: [word below X, word from X on]"
            return Guess(OwnSensor(left_out=True, why=NUMBERS), f"numbers, {low} to {high}; {rule}")
        if len(values) > MOST_VALUES:
            rule = "to use it: room, name, states: {value: word}"
            return Guess(OwnSensor(left_out=True, why=MANY), f"{len(values)} different values; {rule}")
        return None

    def _counterparts(self, values: Sequence[str]) -> list[str]:
        """What the data have not shown yet: the ON to an OFF, the OFF to an ON."""
        folded = {value.casefold() for value in values}
        pairs = [pair for pair in self._on.items() if folded & set(pair)]
        return [value for pair in pairs for value in pair if value not in folded]

    def _is_on_or_off(self, value: str) -> bool:
        return value.casefold() in self._on or value.casefold() in self._off

    def _state(self, value: str, pair: Sequence[str]) -> str:
        folded = value.casefold()
        if folded in self._on:
            return pair[0]
        return pair[1] if folded in self._off else self._vocabulary.values.get(folded, " ".join(value.split()))

    def _pair(self, domain: str, words: Sequence[str], attributes: Mapping[str, object]) -> tuple[Sequence[str], bool]:
        """The words for ON and OFF, and whether something tells that they are right."""
        kinds = self._vocabulary.kinds
        told = attributes.get("device_class")
        for word in (told, *reversed([one.casefold() for one in words])):
            if isinstance(word, str) and word in kinds:
                return kinds[word], True
        if self._vocabulary.domains.get(domain):
            return self._vocabulary.domains[domain], True
        return self._vocabulary.otherwise, False

    def _kind(self, domain: str, attributes: Mapping[str, object]) -> str:
        """The name of what says nothing but its room."""
        told = attributes.get("device_class")
        if isinstance(told, str) and told in self._vocabulary.kinds:
            return plain_name(told)
        return plain_name(domain) if self._vocabulary.domains.get(domain) else "sensor"

    def _place(self, sensor: str, words: Sequence[str], shared: set[str]) -> tuple[str, str, bool]:
        """Room, name (empty where the id has no further word) and whether the room is a known one."""
        folded = [word.casefold() for word in words]
        for parts, room in self._rooms.items():
            for start in range(len(folded) - len(parts) + 1):
                end = start + len(parts)
                if tuple(folded[start:end]) == parts:
                    number = [word for word in words[end : end + 1] if word.isdigit() and len(words) > end + 1]
                    rest = [*words[:start], *words[end + len(number) :]]
                    return " ".join([room, *number]), " ".join(rest), True
        if len(words) > 1 and words[0] in shared:
            return words[0], " ".join(words[1:]), False
        return self._vocabulary.elsewhere, " ".join(words) or sensor, False
