"""Which events of its window a model's reasoning speaks of. This is found by their ids, times and texts: by rule only."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence

from har_llm.data.records import Event

_NUMBER = r"([0-9]{1,9})\b"
_FILL = r'(?:[\s#"]|events?\b|ids?\b){0,9}'
_NAMED = re.compile(rf'\b(?:events?|ids?)\b[\s"#:=]{{0,9}}(?:(?:with\s)?ids?\b[\s"#:=]{{0,9}})?{_NUMBER}', re.IGNORECASE)
_AND = re.compile(rf"{_FILL}(?:,|and|&|or|,\s?and|,\s?or){_FILL}{_NUMBER}", re.IGNORECASE)
_THROUGH = re.compile(rf"{_FILL}(?:to|through|until|-|–|\.\.){_FILL}{_NUMBER}", re.IGNORECASE)


def mentioned(reasoning: str, ids: Sequence[int], events: Sequence[Event]) -> set[int]:
    """The ids of the events that a text names: "event 3", "ids 3, 4 and 5", "events 3-5", a time, or an event's own words.

    `ids`: as the prompt shows them, in the order of `events`. A time or words that several events share name none of them.
    """
    found = _by_id(reasoning, ids)
    plain = " ".join(reasoning.casefold().split())
    times = Counter(event.time for event in events)
    texts = [event.text.casefold() for event in events]
    for shown, event, text in zip(ids, events, texts, strict=bool(events)):
        unique = sum(text in other for other in texts) == 1
        if (times[event.time] == 1 and event.time in plain) or (unique and text in plain):
            found.add(shown)
    return found


def _by_id(reasoning: str, ids: Collection[int]) -> set[int]:
    found: set[int] = set()
    for first in _NAMED.finditer(reasoning):
        last, place = int(first[1]), first.end()
        found.add(last)
        while (another := _AND.match(reasoning, place)) or (through := _THROUGH.match(reasoning, place)):
            if another:
                last, place = int(another[1]), another.end()
                found.add(last)
            elif through:
                found |= {one for one in ids if last < one <= int(through[1])}
                last, place = int(through[1]), through.end()
    return found & {*ids}
