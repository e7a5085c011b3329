"""Says which sensors of a home are left out, why, and what would make events of what they report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Protocol

from har_llm.common.text import one_line, visible

MOST_VALUES = 12
"""A sensor with more different texts reports no states."""
MOST_NAMED = 3
SAID, NUMBERS, MANY, UNUSUAL = "said", "numbers", "many values", "unusual"
DRAFTED = "{file} (task=init drafts it)"
WHY = {
    SAID: ("has left_out: true in {file}", "have left_out: true in {file}"),
    NUMBERS: (
        f"reports numbers and has no threshold; give it one in {DRAFTED}",
        f"report numbers and have no threshold; give each one in {DRAFTED}",
    ),
    MANY: (
        f"has more than {MOST_VALUES} different values; give it words for them in {DRAFTED}",
        f"have more than {MOST_VALUES} different values each; give them words for these in {DRAFTED}",
    ),
    UNUSUAL: (
        f"seldom tells what people do; describe it in {DRAFTED} if it does",
        f"seldom tell what people do; describe in {DRAFTED} those that do",
    ),
}
"""What is told of one sensor, and of several. SAID: by the file of the home; the others are guesses without such a file."""


class LeftOut(Protocol):
    """A sensor that is left out."""

    @property
    def why(self) -> str:
        """A key of WHY."""


def left_out_in_words(rows: Counter[str], sensors: Mapping[str, LeftOut], file: str) -> dict[str, int]:
    """How many rows are left out, by what is told of their sensors. `rows`: of each of these sensors; `file`: the name of
    the one that describes, or would describe, the home."""
    alike: dict[str, list[str]] = {}
    for sensor, _ in rows.most_common():
        alike.setdefault(sensors[sensor].why, []).append(sensor)
    return {_sentence(names, why, file): sum(rows[name] for name in names) for why, names in alike.items()}


def _sentence(sensors: list[str], why: str, file: str) -> str:
    return f"{_named(sensors)} {WHY[why][len(sensors) > 1].replace('{file}', file)}"


def _named(sensors: list[str]) -> str:
    """The first few, then a count."""
    named = [visible(one_line(sensor)) for sensor in sensors[:MOST_NAMED]]
    more = f"{len(sensors) - MOST_NAMED:,} more" if len(sensors) > MOST_NAMED else ""
    *first, last = [*named, more] if more else named
    return f"{', '.join(first)} and {last}" if first else last
