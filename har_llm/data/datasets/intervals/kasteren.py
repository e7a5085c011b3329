"""Van Kasteren's house A (van Kasteren, Noulas, Englebienne, Kröse, 2008): an apartment with binary sensors.

sensorData.txt        Start time, End time, ID, Val
activitiesData.txt    Start time, End time, ID
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from har_llm.common.files import MOST_BYTES
from har_llm.common.numbers import counted
from har_llm.data.datasets.intervals.reader import TableReader
from har_llm.data.datasets.intervals.release import IntervalRelease, Tables

SPAN = ("Start time", "End time")
LENGTH = re.compile(r"Length: ([0-9]{1,9})\s*")
ACTIVE = "1"
"""The value of a sensor during an interval."""


@dataclass(kw_only=True)
class Kasteren(IntervalRelease):
    """Van Kasteren's house A."""

    folder: str = "kasteren"

    @property
    def tables(self) -> Tables:
        return Tables("sensorData.txt", (*SPAN, "ID", "Val"), "activitiesData.txt", (*SPAN, "ID"))

    @property
    def source(self) -> str:
        return "Download the data of house A from Tim van Kasteren's page (https://sites.google.com/site/tim0306/datasets)"

    def reader(self) -> TableReader:
        return KasterenReader("DD-Mon-YYYY HH:MM:SS")


class KasterenReader(TableReader):
    """Reads tables whose last line says how many rows they have."""

    def named(self, fields: Sequence[str]) -> str:
        return fields[0] if fields[1:] in ([], [ACTIVE]) else " ".join(fields)

    def lines(self, path: Path, most: int = MOST_BYTES) -> Sequence[str | None]:
        lines = list(super().lines(path, most))
        said = LENGTH.fullmatch(lines[-1] or "") if lines else None
        rows = sum(line is not None and bool(line.strip()) for line in lines[1:-1])
        if said is not None:
            lines[-1] = None
            if int(said[1]) != rows:
                message = (
                    f'says "Length: {said[1]}", and the file has {counted(rows, "row")}; compare your copy with the release'
                )
                self.repair(path, len(lines), "other number of rows", message)
        elif lines:
            rule = "the last line should say how many rows there are (Length: ...); the file may have been cut"
            self.repair(path, None, "number of rows not said", rule)
        return lines
