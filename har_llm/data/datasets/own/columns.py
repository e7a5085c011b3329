"""Finds out which columns of a table are what: named by settings, or guessed where the header is plain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from har_llm.common.text import composed
from har_llm.data.datasets.files import FileReader

NAMES: Mapping[str, tuple[str, ...]] = {
    "time": ("time", "timestamp", "datetime", "date_time", "date time", "date/time", "last_changed", "ts"),
    "date": ("date", "day"),
    "start": ("start", "begin", "start time", "start_time", "begin time", "begin_time", "ts_start"),
    "end": ("end", "stop", "finish", "end time", "end_time", "stop time", "stop_time", "ts_end"),
    "sensor": ("sensor", "entity", "entity_id", "device", "name", "sensor_id", "device_id", "sensor id"),
    "value": ("value", "state", "status", "message", "sensor_status"),
    "activity": ("activity", "label", "act"),
    "resident": ("resident", "subject", "person", "subject_id"),
}
"""What a plain header calls a column, whatever its case."""
RENAME = "give each column a name of its own, in any case"


@dataclass(kw_only=True)
class Columns:
    """The columns of a table by their names in its header; null = found in a plain header."""

    time: str | None = None
    """When; or with `date` the time of day."""
    date: str | None = None
    """Where date and time stand in two columns; not read where the time has a date itself."""
    start: str | None = None
    """With `end`, in place of `time`: each row is an interval, and so two events, with the values ON and OFF."""
    end: str | None = None
    sensor: str | None = None
    value: str | None = None
    activity: str | None = None
    resident: str | None = None


class Finder:
    """Finds columns in a header. Faults go to a FileReader."""

    def __init__(self, reader: FileReader, path: Path, header: Sequence[str], given: Columns, setting: str):
        """`setting`: where `given` is set, as dataset.columns."""
        self._reader, self._path, self._header, self._setting = reader, path, header, setting
        self._given: dict[str, str | None] = vars(given)
        self._folded = [name.casefold() for name in header]
        self.found_all = True
        """Whether it is clear what each column is that was asked for."""
        self._taken = {_plain(name) for name in self._given.values() if name is not None}

    def needed(self, *roles: str, perhaps: str | None = None) -> list[int]:
        """The places of these columns, all of them or, and then there is a fault, none. `perhaps`: a column that a table may
        lack; there is a fault too if it seems to be there under a name that is not known."""
        found = [self.optional(role) for role in roles]
        missing = [role for role in roles if not self.has(role)]
        unknown = self._unknown()
        if perhaps is not None and not self.has(perhaps) and len(unknown) > len(missing):
            missing.append(perhaps)
        if missing:
            what = f"none of its columns is known to be the {' or the '.join(missing)}"
            if perhaps in missing:
                what += f" (not known: {', '.join(unknown)}; take columns that are none of these out of the file)"
            self._fault(what, self._to_set(missing, unknown))
        return [] if None in found else [place for place in found if place is not None]

    def optional(self, role: str) -> int | None:
        """The place of a column, None if there is none. A fault if it is not clear which."""
        name = self._given[role]
        if name is not None:
            if self._folded.count(folded := _plain(name)) == 1:
                return self._folded.index(folded)
            if folded in self._folded:
                self._fault(f"{self._setting}.{role} is {name!r}, which it has more than once", RENAME)
            else:
                self._fault(f"{self._setting}.{role} is {name!r}, which it has not", self._to_set([role]))
            return None
        candidates = self._candidates(role)
        if len(candidates) > 1:
            names = " and ".join(self._header[place] for place in candidates)
            alike = len({self._folded[place] for place in candidates}) == 1
            self._fault(f"{names} may each be the {role}", RENAME if alike else self._to_set([role]))
        return candidates[0] if len(candidates) == 1 else None

    def has(self, role: str) -> bool:
        """Whether the column is named, or a plain header has it."""
        return self._given[role] is not None or bool(self._candidates(role))

    def _candidates(self, role: str) -> list[int]:
        names = set(NAMES[role]) - self._taken
        return [place for place, name in enumerate(self._folded) if name in names]

    def _unknown(self) -> list[str]:
        """The columns that no setting names and that have no plain name."""
        known = self._taken.union(*NAMES.values(), [""])
        return [name for name, folded in zip(self._header, self._folded, strict=True) if folded not in known]

    def _to_set(self, roles: Sequence[str], unknown: Sequence[str] = ()) -> str:
        """What to do about columns that are not found."""
        name = unknown[0] if len(roles) == len(unknown) == 1 else "NAME"
        return f"set {' '.join(f'{self._setting}.{role}={name}' for role in roles)}, by its name in the header"

    def _fault(self, what: str, rule: str) -> None:
        self.found_all = False
        self._reader.fault(self._path, 1, "columns", f"the header is {', '.join(self._header)!r}; {what}: {rule}")


def _plain(name: str) -> str:
    """A name as those of a header are compared."""
    return composed(name.strip()).casefold()
