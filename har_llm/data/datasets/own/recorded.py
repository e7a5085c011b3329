"""What a file of one's own home has recorded, before words are given to it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import accumulate, islice
from operator import itemgetter, le, lt
from pathlib import Path

from har_llm.data.datasets.files import FileReader

Said = tuple[str, str]
"""(sensor, value), or (activity, resident), as a file says them."""
NO_TAG = ("", "")
SENSOR = itemgetter(0)
MISSING = frozenset(("", "-", "n/a", "#n/a", "na", "<na>", "nan", "null", "none", "unavailable", "unknown"))
"""How files write, in any case, that a sensor has no value."""


@dataclass
class Recorded:
    """The readings of a file. What many of them say is held once."""

    left_out: Collection[str] = ()
    """Sensors of which nothing is held, as many homes have far more numbers than events."""
    orders: list[datetime] = field(default_factory=list)
    """When each was, by which they are put in order."""
    clocks: list[datetime] = field(default_factory=list)
    """When each was by the home's clock."""
    said: list[Said] = field(default_factory=list)
    """Sensor and value of each."""
    tagged: list[Said] = field(default_factory=list)
    """Activity and resident of each."""
    pairs: dict[Said, int] = field(default_factory=dict)
    """Each (sensor, value) and the line where it is first."""
    tags: dict[Said, int] = field(default_factory=dict)
    """Each (activity, resident) and the line where it is first."""
    spans: list[tuple[datetime, datetime, str, int]] = field(default_factory=list)
    """Activities in a file of their own: from, to (both in order), activity, line."""
    spans_path: Path | None = None
    attributes: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    """What the file says of a sensor: device_class, friendly_name."""
    without_value: str | None = "row without a value"
    """Why readings are left out whose value is missing; None where there are no values at all."""
    dropped: Counter[str] = field(default_factory=Counter)
    """Rows that are left out, by reason, but for those of sensors that are left out."""
    of_left_out: Counter[str] = field(default_factory=Counter)
    """Rows of each sensor that is left out."""
    changes_only: bool = False
    """Whether a reading may repeat a sensor's state, which then is no event."""
    _known: dict[str, dict[Said, Said]] = field(default_factory=lambda: {"said": {}, "tagged": {}})
    """What has been said, without blanks around it."""

    def no_event(self, pair: Said) -> str | None:
        """Why a (sensor, value) is no event, unless the home has a word for such a value; None where it may be one."""
        if not pair[0]:
            return "row without a sensor"
        return self.without_value if pair[1].casefold() in MISSING else None

    def check(self, path: Path, reader: FileReader) -> None:
        """Add a fault for each sensor, value or activity that cannot stand in a line. `path`: the file."""
        said = [("sensor", sensor, path, line) for (sensor, _), line in self.pairs.items()]
        said += [("value", value, path, line) for (_, value), line in self.pairs.items()]
        said += [("activity", label, path, line) for (label, _), line in self.tags.items()]
        said += [("activity", label, self.spans_path or path, line) for _, _, label, line in self.spans]
        for what, text, place, line in said:
            reader.check_name(place, line, what, text)

    def add(
        self,
        orders: Sequence[datetime],
        clocks: Sequence[datetime],
        said: Sequence[Said],
        lines: Sequence[int],
        tagged: Sequence[Said] | None = None,
    ) -> None:
        """Readings, with or without blanks around what they say; `tagged`: null = they have no activity and no resident."""
        left_out = self.left_out
        rows = Counter(map(SENSOR, said)) if left_out else Counter[str]()
        if unused := {sensor: count for sensor, count in rows.items() if sensor in left_out}:
            self.of_left_out.update(unused)
            places = [place for place, (sensor, _) in enumerate(said) if sensor not in left_out]
            orders, clocks = ([column[place] for place in places] for column in (orders, clocks))
            said, lines = [said[place] for place in places], [lines[place] for place in places]
            tagged = None if tagged is None else [tagged[place] for place in places]
        self.orders += orders
        self.clocks += clocks
        self.said += self._held("said", said, lines, self.pairs)
        self.tagged += self._held("tagged", [NO_TAG] * len(said) if tagged is None else tagged, lines, self.tags)

    def _held(self, kind: str, said: Sequence[Said], lines: Sequence[int], first: dict[Said, int]) -> Iterator[Said]:
        known = self._known[kind]
        if new := set(said) - known.keys():
            for one, line in zip(said, lines, strict=True):
                if one in new:
                    new.discard(one)
                    known[one] = stripped = (one[0].strip(), one[1].strip())
                    first.setdefault(stripped, line)
        return map(known.__getitem__, said)

    def put_in_order(self) -> int:
        """Order the readings by time, those of the same time as they are in the file. How many were earlier than one before
        them."""
        if all(map(le, self.orders, islice(self.orders, 1, None))):
            return 0
        early = earlier(self.orders)
        places = sorted(range(len(self.orders)), key=self.orders.__getitem__)
        for name in ("orders", "clocks", "said", "tagged"):
            column = getattr(self, name)
            setattr(self, name, [column[place] for place in places])
        return early

    def values(self) -> dict[str, list[str]]:
        """The different values of each sensor, both in the order in which the file has them."""
        found: dict[str, list[str]] = {}
        for sensor, value in (pair for pair in self.pairs if self.no_event(pair) is None):
            found.setdefault(sensor, []).append(value)
        return found

    def labels(self) -> list[str]:
        """The different activities, in the order in which the files have them."""
        named = [activity for activity, _ in self.tags if activity]
        return list(dict.fromkeys([*named, *(activity for _, _, activity, _ in self.spans)]))


def earlier(orders: Sequence[datetime]) -> int:
    """How many are earlier than one before them."""
    return sum(map(lt, orders, accumulate(orders, max)))
