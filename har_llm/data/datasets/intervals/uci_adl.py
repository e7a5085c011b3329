"""UCI ADL (Ordonez, de Toledo, Sanchis, 2013): two homes with binary sensors.

OrdonezA_Sensors.txt    Start time, End time, Location, Type, Place
OrdonezA_ADLs.txt       Start time, End time, Activity
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from har_llm.common.checks import require
from har_llm.data.datasets.intervals.reader import TableReader
from har_llm.data.datasets.intervals.release import IntervalRelease, Tables
from har_llm.data.records import Recordings

HOUSES = ("A", "B")
SPAN = ("Start time", "End time")


@dataclass(kw_only=True)
class UciAdl(IntervalRelease):
    """A home of the UCI ADL release."""

    folder: str = "uci_adl"
    house: str = "A"
    """A or B."""
    expected_of: dict[str, dict[str, int]] = field(default_factory=dict)
    """`expected` by house."""

    def check(self) -> None:
        super().check()
        require("dataset.house", self.house, HOUSES)

    @property
    def tables(self) -> Tables:
        files = (f"Ordonez{self.house}_{name}.txt" for name in ("Sensors", "ADLs"))
        sensors, activities = files
        return Tables(sensors, (*SPAN, "Location", "Type", "Place"), activities, (*SPAN, "Activity"))

    @property
    def source(self) -> str:
        return (
            'Download "Activities of Daily Living (ADLs) Recognition Using Binary Sensors" from the UCI repository '
            "(https://archive.ics.uci.edu/dataset/271; no commercial use)"
        )

    def reader(self) -> TableReader:
        return TableReader("YYYY-MM-DD HH:MM:SS")

    def read(self, data: Path) -> Recordings:
        known = {**self.expected_of.get(self.house, {}), **self.expected}
        return super(UciAdl, replace(self, expected=known)).read(data)
