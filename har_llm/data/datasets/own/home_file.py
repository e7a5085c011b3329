"""The file in which a home is described: NAME.home.yaml, which task=init drafts and its user edits."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from har_llm.common.errors import ConfigError, reason_of
from har_llm.common.plain_yaml import Placed, YamlFault, read_texts
from har_llm.common.text import suggestion
from har_llm.data.datasets.base import HomeConfig, activity_number
from har_llm.data.datasets.files import FileReader, shown
from har_llm.data.datasets.numeric import WRITTEN, Threshold, number, threshold_of
from har_llm.data.datasets.own.left_out import SAID

T = TypeVar("T")
AMBIGUOUS = re.compile(r"[+-]?[0-9]{1,3},[0-9]{3}", re.ASCII)
"""A number whose comma may stand before decimals or between thousands."""


@dataclass(kw_only=True)
class OwnSensor:
    """What is told of a sensor: "<room> <name> <word of its value>"."""

    room: str = ""
    name: str = ""
    states: dict[str, str] = field(default_factory=dict)
    """The word of each value; a value that is not there is told as it is."""
    threshold: Threshold | None = None
    """Of a sensor of numbers."""
    left_out: bool = False
    why: str = SAID
    """Why it is left out: a key of left_out.WHY."""


@dataclass(kw_only=True)
class OwnDescription:
    """What a file says of a home."""

    home: HomeConfig = field(default_factory=HomeConfig)
    sensors: dict[str, OwnSensor] = field(default_factory=dict)
    """By the id that the data have."""
    labels: dict[str, int] = field(default_factory=dict)
    """Activities by what the data call them, where that is neither their name nor their number."""


def read_home(path: Path, reader: FileReader) -> OwnDescription | None:
    """What the file says; None, and faults, where it cannot be used."""
    before = reader.faults.total
    try:
        made = _HomeReader(path, reader).description(read_texts(path))
    except OSError as error:
        reader.fault(path, None, "unreadable", f"the file cannot be read ({reason_of(error)}); check what it is")
        return None
    except YamlFault as fault:
        reader.fault(path, fault.line, "no home", f"{fault}; correct it, or move the file away and run task=init")
        return None
    return made if reader.faults.total == before else None


class _HomeReader:
    """Turns the texts of a file into a description, with a fault, at its line and field, for each that is wrong."""

    def __init__(self, path: Path, reader: FileReader):
        self._path, self._reader = path, reader

    def description(self, content: Placed) -> OwnDescription:
        fields = self._fields("the file", content, ("sensors", "labels", *(f.name for f in dataclasses.fields(HomeConfig))))
        empty = Placed("", content.line)

        def of(name: str, read: Callable[[str, Placed], T]) -> T:
            return read(name, fields.get(name, empty))

        activities = of("activities", self._by_number)
        home = HomeConfig(
            description=of("description", self._text),
            rooms=of("rooms", lambda name, found: self._each(name, found, self._lines)),
            activities=activities,
            definitions=of("definitions", self._by_number),
            null_class=[int(one) if is_whole(one) else one for one in of("null_class", self._lines)],
            rules=of("rules", self._lines),
            null_class_rules=of("null_class_rules", self._lines),
        )
        sensors = of("sensors", lambda name, found: self._each(name, found, self._sensor))
        labels = of("labels", lambda name, found: self._each(name, found, self._label(activities)))
        return OwnDescription(home=home, sensors=sensors, labels={key: n for key, n in labels.items() if n is not None})

    def _fault(self, line: int, message: str) -> None:
        self._reader.fault(self._path, line, "home", message)

    def _fields(self, name: str, found: Placed, allowed: tuple[str, ...]) -> dict[str, Placed]:
        if found.value == "":
            return {}
        if not isinstance(found.value, dict):
            self._fault(found.line, f"{name} must be a mapping, as in {allowed[0]}: ...; it is {_shown(found)}")
            return {}
        for key, value in found.value.items():
            if key not in allowed:
                rule = f"it has {', '.join(allowed)}"
                self._fault(value.line, f"{key} is no field of {name}; {rule}.{suggestion(key, allowed)}")
        return found.value

    def _text(self, name: str, found: Placed) -> str:
        if isinstance(found.value, str):
            return found.value.strip()
        self._fault(found.line, f"{name} must be a text; it is {_shown(found)}")
        return ""

    def _line(self, name: str, found: Placed) -> str:
        text = self._text(name, found)
        if not text.isprintable():
            self._fault(found.line, f"{name} is {shown(text)}; it must be one line of printable text")
        return text

    def _lines(self, name: str, found: Placed) -> list[str]:
        if found.value == "":
            return []
        if not isinstance(found.value, list):
            self._fault(found.line, f"{name} must be a list, as in [a, b]; it is {_shown(found)}")
            return []
        return [self._line(name, one) for one in found.value]

    def _each(self, name: str, found: Placed, read: Callable[[str, Placed], T]) -> dict[str, T]:
        if found.value == "":
            return {}
        if not isinstance(found.value, dict):
            self._fault(found.line, f"{name} must be a mapping, as in key: value; it is {_shown(found)}")
            return {}
        return {key: read(f"{name}.{key}", value) for key, value in found.value.items()}

    def _by_number(self, name: str, found: Placed) -> dict[int, str]:
        numbered: dict[int, str] = {}
        for key, (text, line) in self._each(name, found, lambda at, one: (self._line(at, one), one.line)).items():
            if not is_whole(key):
                self._fault(line, f"{name} has {shown(key)}; each key must be a whole number, as in 1: cooking")
            elif int(key) in numbered:
                self._fault(line, f"{name} has {int(key)} twice, also as {shown(key)}; leave one out")
            elif not text:
                self._fault(line, f"{name}.{key} is empty; write its words, or leave it out")
            else:
                numbered[int(key)] = text
        return numbered

    def _label(self, activities: Mapping[int, str]) -> Callable[[str, Placed], int | None]:
        def read(name: str, found: Placed) -> int | None:
            text = self._text(name, found)
            number = activity_number(int(text) if is_whole(text) else text, activities)
            if number is None:
                self._fault(found.line, f"{name} is {shown(text)}, which activities does not list; add it there")
            return number

        return read

    def _sensor(self, name: str, found: Placed) -> OwnSensor:
        fields = self._fields(name, found, ("room", "name", "states", "threshold", "left_out"))
        left_out = self._text(f"{name}.left_out", fields["left_out"]).casefold() if "left_out" in fields else "false"
        if left_out not in ("true", "false"):
            self._fault(found.line, f"{name}.left_out is {shown(left_out)}; it must be true or false")
        sensor = OwnSensor(left_out=left_out == "true")
        if sensor.left_out:
            return sensor
        for one in ("room", "name"):
            if one in fields:
                setattr(sensor, one, self._line(f"{name}.{one}", fields[one]))
        if not sensor.room and not sensor.name:
            self._fault(found.line, f"{name} has neither room nor name; say what it is, or left_out: true")
        states = fields.get("states", Placed("", found.line))
        if "threshold" not in fields:
            sensor.states = self._each(f"{name}.states", states, self._line)
            return sensor
        sensor.threshold = self._threshold(name, fields["threshold"], states)
        return sensor

    def _threshold(self, name: str, level: Placed, states: Placed) -> Threshold | None:
        if isinstance(level.value, str) and AMBIGUOUS.fullmatch(level.value.strip()):
            self._fault(level.line, f"{name}.threshold is {_shown(level)}; it must be a number, as in 1234 or 1.234")
            return None
        if not isinstance(level.value, str):
            self._fault(level.line, f"{name}.threshold is {_shown(level)}; {WRITTEN}")
            return None
        try:
            return threshold_of(level.value.strip().replace(",", "."), self._lines(f"{name}.states", states), name)
        except ConfigError as error:
            self._fault(states.line, str(error).removesuffix("."))
            return None


def is_whole(text: str) -> bool:
    """Whether it is written as a number of an activity."""
    return re.fullmatch(r"[0-9]{1,9}", text, re.ASCII) is not None


def number_of(text: str) -> float | None:
    """The number that a text is; a comma stands before its decimals. None where it is none."""
    return number(text.replace(",", "."))


def _shown(found: Placed) -> str:
    if isinstance(found.value, str):
        return shown(found.value)
    return "a list" if isinstance(found.value, list) else "a mapping"
