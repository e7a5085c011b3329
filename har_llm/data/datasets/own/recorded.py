"""What a file of one's own home has recorded, before words are given to it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from operator import itemgetter
from pathlib import Path

from har_llm.data.datasets.own.times import Instant

Reading = tuple[datetime, datetime, tuple[str, str], tuple[str, str]]
"""When it was in order and by the clock, (sensor, value), and (activity, resident) as the file says them."""


@dataclass
class Recorded:
    """The readings of a file. What many of them say is held once."""

    readings: list[Reading] = field(default_factory=list)
    pairs: dict[tuple[str, str], int] = field(default_factory=dict)
    """Each (sensor, value) and the line where it is first."""
    tags: dict[tuple[str, str], int] = field(default_factory=dict)
    """Each (activity, resident) and the line where it is first."""
    spans: list[tuple[datetime, datetime, str, int]] = field(default_factory=list)
    """Activities in a file of their own: from, to (both in order), activity, line."""
    spans_path: Path | None = None
    attributes: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    """What the file says of a sensor: device_class, friendly_name."""
    nothing: Mapping[str, str] = field(default_factory=lambda: {"": "row without a value"})
    """Values that say nothing, and why their readings are left out."""
    dropped: Counter[str] = field(default_factory=Counter)
    """Rows that are left out, by reason."""
    changes_only: bool = False
    """Whether a reading may repeat a sensor's state, which then is no event."""
    _pair: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    _tag: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)

    @property
    def no_event(self) -> Mapping[tuple[str, str], str]:
        """What is no event whatever the home may be, and why."""
        found = {pair: self.nothing[pair[1]] for pair in self.pairs if pair[1] in self.nothing}
        return found | {pair: "row without a sensor" for pair in self.pairs if not pair[0]}

    def add(self, when: Instant, said: tuple[str, str], tag: tuple[str, str], line: int) -> None:
        """A reading. `said`: sensor and value, `tag`: activity and resident, with or without blanks around them."""
        pair = self._pair.get(said) or self._new(said, line, self._pair, self.pairs)
        held = self._tag.get(tag) or self._new(tag, line, self._tag, self.tags)
        self.readings.append((*when, pair, held))

    def _new(
        self,
        said: tuple[str, str],
        line: int,
        known: dict[tuple[str, str], tuple[str, str]],
        lines: dict[tuple[str, str], int],
    ) -> tuple[str, str]:
        stripped = (said[0].strip(), said[1].strip())
        lines.setdefault(stripped, line)
        known[said] = stripped
        return stripped

    def put_in_order(self) -> int:
        """Order the readings by time, those of the same time as they are in the file. How many were earlier than one before
        them."""
        latest, early = datetime.min, 0
        for order, *_ in self.readings:
            if order < latest:
                early += 1
            else:
                latest = order
        if early:
            self.readings.sort(key=itemgetter(0))
        return early

    def values(self) -> dict[str, list[str]]:
        """The different values of each sensor, both in the order in which the file has them."""
        found: dict[str, list[str]] = {}
        left_out = self.no_event
        for sensor, value in (pair for pair in self.pairs if pair not in left_out):
            found.setdefault(sensor, []).append(value)
        return found

    def labels(self) -> list[str]:
        """The different activities, in the order in which the files have them."""
        named = [activity for activity, _ in self.tags if activity]
        return list(dict.fromkeys([*named, *(activity for _, _, activity, _ in self.spans)]))
