"""Orange4Home (Cumin, Lefebvre, Ramparany, Crowley, 2017): an apartment of one resident, four weeks, all kinds of sensors.

    Time,ItemName,Value
    2017-01-30 08:36:10,label,START:Entrance|Entering
    2017-01-30 08:36:12,entrance_door,OPEN

A sensor's name begins with its place. A row of the item `label` says that an activity begins or ends.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from har_llm.data.datasets.files import shown
from har_llm.data.datasets.logs.log import Row
from har_llm.data.datasets.logs.reader import LogReader, row_of
from har_llm.data.datasets.logs.release import LogRelease
from har_llm.data.datasets.logs.words import Place, Said, Words

COLUMNS = ("Time", "ItemName", "Value")
LABEL = "label"
MARK = re.compile(r"(START|STOP):(.*[^\s].*)")
OTHER = "other"
"""The kind of sensors whose names have the word of no other kind."""


@dataclass(kw_only=True)
class Orange4Home(LogRelease):
    """The Orange4Home release."""

    path: str = "orange4home/o4h_all_events.csv"

    @property
    def source(self) -> str:
        return (
            "Ask for Orange4Home at https://amiqual4home.inria.fr/en/orange4home/ (address not checked; cite Cumin and "
            "others, UCAmI 2017)"
        )

    def reader(self, words: Words) -> LogReader:
        return Orange4HomeReader(words, self.places, self.kinds)

    def activity_name(self, label: str) -> str:
        """ "Living_room|Watching_TV" -> "Living room: Watching TV"."""
        return label.replace("_", " ").replace("|", ": ")


class Orange4HomeReader(LogReader):
    """Reads o4h_all_events.csv."""

    HEADER = ",".join(COLUMNS)
    between = ","

    def __init__(self, words: Words, places: Mapping[str, str], kinds: Collection[str]):
        super().__init__(words)
        self._places = places
        self._kinds = kinds

    def split(self, row: str) -> tuple[str, list[str]]:
        time, *fields = (field.strip() for field in row.split(",", maxsplit=2))
        return time, fields

    def row(self, path: Path, line: int, fields: Sequence[str]) -> Row | None:
        if len(fields) != 2:
            rule = f"a row must have {len(COLUMNS)}: {self.HEADER}"
            self.fault(path, line, "wrong number of fields", f"{shown(','.join(fields))} follows the time; {rule}")
            return None
        item, value = fields
        if item == LABEL:
            return self._label(path, line, value)
        place, _, name = item.partition("_")
        words = name.replace("_", " ")
        said = self.said(path, line, item, value, self._kind(name), Place(self._places.get(place, place), words))
        return row_of(said)

    def _label(self, path: Path, line: int, value: str) -> Row | None:
        mark = MARK.fullmatch(value)
        if mark is None:
            rule = "it must be START:Place|Activity or STOP:Place|Activity"
            self.fault(path, line, "unreadable label", f"the label is {shown(value)}; {rule}")
            return None
        label = (mark[2],)
        return row_of(Said(), begins=label) if mark[1] == "START" else row_of(Said(), ends=label)

    def _kind(self, name: str) -> str:
        """The first word of a sensor's name that is a kind: of "presence_table" and "cupboard5", presence and cupboard."""
        words = (word.rstrip("0123456789") for word in name.split("_"))
        return next((word for word in words if word in self._kinds), OTHER)
