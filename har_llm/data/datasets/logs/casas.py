"""CASAS (Washington State University): homes with motion, door and other sensors, in four forms (see casas_rows).

Between fields there are spaces, tabs or a comma.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from har_llm.common.checks import require
from har_llm.data.datasets.files import shown
from har_llm.data.datasets.logs.casas_rows import FORMS, recognised
from har_llm.data.datasets.logs.log import Row
from har_llm.data.datasets.logs.reader import SHORTEST_TIME, LogReader, row_of
from har_llm.data.datasets.logs.release import LogRelease
from har_llm.data.datasets.logs.words import Place, Words

BETWEEN = re.compile(r"[\s,]+")
ID = re.compile(r"([A-Z]{1,3})[0-9]+(-[A-Z])?")
"""M017, T001, AD1-A: the letters say what kind of sensor it is."""
NAME = re.compile(r"[A-Z][A-Za-z0-9]+")
"""BedroomABed: the place of the sensor, perhaps a letter that numbers it, and what is there."""
WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
LETTER = re.compile(r"[A-Z](?![a-z])")
NAMED = "named"
"""The kind of sensors that have the name of a place for an id."""
HOME = "home"
"""The room of a sensor of which no room is known."""


@dataclass(kw_only=True)
class Casas(LogRelease):
    """A home of CASAS."""

    form: str = "auto"
    """zenodo, annotated, classic or multi_resident; auto = recognised by the first row with a label."""
    download: str = ""
    """Where to get the home, as in "Download it from ..."."""

    def check(self) -> None:
        super().check()
        require("dataset.form", self.form, ("auto", *FORMS))

    @property
    def source(self) -> str:
        return self.download

    def reader(self, words: Words) -> LogReader:
        return CasasReader(words, self.form, self.places, self.kinds)

    def activity_name(self, label: str) -> str:
        """Labels in numbers are those of home.activities."""
        if label.isdecimal():
            return self.home.activities.get(int(label), f"activity {label}")
        return label.replace("_", " ")


class CasasReader(LogReader):
    """Reads logs of CASAS."""

    def __init__(self, words: Words, form: str, places: Mapping[str, str], kinds: Mapping[str, Mapping[str, str]]):
        super().__init__(words)
        self._form = None if form == "auto" else form
        self._places = dict(sorted(places.items(), key=lambda item: -len(item[0])))
        self._kinds = kinds
        self._values = {value for states in kinds.values() for value in states}

    def split(self, row: str) -> tuple[str, list[str]]:
        self.between = next((one for one in ",\t" if one in row[SHORTEST_TIME:]), " ")
        date, *fields = BETWEEN.split(row.rstrip(","))
        return " ".join((date, *fields[:1])), fields[1:]

    def row(self, path: Path, line: int, fields: Sequence[str]) -> Row | None:
        if self._form is None and len(fields) > 2:
            self._form = recognised(fields, self._values)
        form = FORMS[self._form or "classic"]
        found = form.parse(fields)
        if found is None:
            of = f"in the form {self._form} " if self._form else ""
            rule = f"{of}there must be {form.rule}; dataset.form={self._form or 'auto'}"
            self.fault(path, line, "wrong fields", f"{shown(' '.join(fields))} follows the time; {rule}")
            return None
        kind, place = self._kind(found.sensor), self._place(found.sensor, found.where)
        said = self.said(path, line, found.sensor, found.value, kind, place)
        return row_of(said, found.labels, found.residents, found.begins, found.ends)

    def _kind(self, sensor: str) -> str | None:
        if sensor in self._kinds:
            return sensor
        letters = ID.fullmatch(sensor)
        if letters is not None:
            return letters[1] if letters[1] in self._kinds else None
        return NAMED if NAME.fullmatch(sensor) else None

    def _place(self, sensor: str, where: str) -> Place:
        """BedroomABed is the bed of bedroom A, M017 is just M017."""
        if ID.fullmatch(sensor):
            return Place(self._room(where)[0] if where else HOME, sensor)
        return Place(*self._room(sensor))

    def _room(self, name: str) -> tuple[str, str]:
        """The room that a name begins with, and the words that follow."""
        word = next((word for word in self._places if name.startswith(word)), None)
        if word is None:
            return HOME, _in_words(name)
        rest = name.removeprefix(word)
        letter = LETTER.match(rest)
        room = f"{self._places[word]} {letter[0]}" if letter else self._places[word]
        return room, _in_words(rest[1:] if letter else rest)


def _in_words(name: str) -> str:
    """LoungeChair -> lounge chair."""
    return " ".join(word if word.isupper() else word.lower() for word in WORD.findall(name))
