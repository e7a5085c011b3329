"""The order of a log's rows: that of the file where a clock was set back, that of time where a row is out of place."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import compress
from operator import eq, le
from pathlib import Path
from typing import NamedTuple

from har_llm.data.datasets.files import FileReader, shown
from har_llm.data.datasets.logs.log import Row

SET_BACK = timedelta(hours=1)
"""How far a clock is set back when summer time ends."""


class Rows(NamedTuple):
    """Rows that were read, in the order of the file."""

    numbers: Sequence[int]
    """Of their lines."""
    moments: Sequence[datetime]
    said: Sequence[Row]


class Order:
    """Compares the rows of a file with those above them. What is out of order is told as repairs of a FileReader."""

    def __init__(self, reader: FileReader, path: Path):
        self.kept = True
        """Whether no row must be moved."""
        self._reader, self._path = reader, path
        self._moment = self._latest = datetime.min
        self._said: Row | None = None

    def set_back(self, rows: Rows) -> dict[int, datetime]:
        """The next rows of the file: the places of those where a clock was set back, with the latest time above them."""
        set_back = dict[int, datetime]()
        numbers, moments, said = rows
        try:
            self._tell_repeated(rows)
            if moments[0] < self._latest or not all(map(le, moments, moments[1:])):
                for place, (number, moment) in enumerate(zip(numbers, moments, strict=True)):
                    if moment < self._moment:
                        self._tell_earlier(number, moment)
                    if moment < self._latest and self._latest - moment <= SET_BACK:
                        set_back[place] = self._latest
                    self.kept &= moment >= self._latest or place in set_back
                    self._moment, self._latest = moment, max(moment, self._latest)
            self._moment, self._said, self._latest = moments[-1], said[-1], max(moments[-1], self._latest)
        except TypeError:  # a time with a zone cannot be compared with one without
            for number, moment in zip(numbers, moments, strict=True):
                if moment.tzinfo is not None:
                    rule = "times must be local ones, without a zone"
                    message = f"the time is {shown(str(moment))}; {rule}"
                    self._reader.fault(self._path, number, "unreadable time", message)
        return set_back

    def _tell_repeated(self, rows: Rows) -> None:
        numbers, moments, said = rows
        above = [self._said, *said[:-1]]
        for place in compress(range(len(said)), map(eq, moments, [self._moment, *moments[:-1]])):
            if said[place] == above[place]:
                kind, message = "row twice", "is the same as the row above; kept, so it counts twice"
                self._reader.repair(self._path, numbers[place], kind, message)

    def _tell_earlier(self, line: int, moment: datetime) -> None:
        """Of a row that is earlier than the one above it."""
        if self._latest - moment > SET_BACK:
            message = f"{moment} is earlier than {self._latest} above it; put in order of time"
            self._reader.repair(self._path, line, "row out of order", message)
        else:
            rule = "the order of the file is kept, as where a clock is set back"
            message = f"{moment} is earlier than {self._moment} above it; {rule}"
            self._reader.repair(self._path, line, "row up to an hour earlier", message)
