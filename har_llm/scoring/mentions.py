"""Where a model's reasoning speaks of the events of its window: by their ids, times and words, so by rule only.

The report's page follows the same rules (passages.js). Every search takes linear time, whatever the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

MOST = 5000
"""Most mentions of a kind that are looked for in one text."""
# "Event 21", "events 3, 4 and 7", "event with id 21", "id: 21", "#21"; but not "activity #3", "activity id 3".
_NAME = (
    r"""(?:\bevents?(?:[ \t]+with)?(?:[ \t]+the)?(?:[ \t]+id)?s?|(?<!activity )(?<!activities )(?:\bids?|#))"""
    r"""["']?(?:[ \t]|[:=#]){0,4}["']?"""
)
_BETWEEN = r"(?:[ \t,&–-]|\band\b|\bor\b|\bto\b|\bthrough\b){1,9}"
_NUMBERED = re.compile(
    rf"{_NAME}([0-9]{{1,9}}(?:{_BETWEEN}#?[0-9]{{1,9}}){{0,20}})(?![0-9]|:[0-9])", re.IGNORECASE | re.ASCII
)
_SPANS = re.compile(r"([0-9]+)(?:\s*(?:-|–|to|through)\s*([0-9]+))?", re.IGNORECASE)


class Mention(NamedTuple):
    """`event`: the place of an event in its window. `start`, `end`: characters of the text."""

    event: int
    start: int
    end: int


def mentions(text: str, ids: Sequence[int], events: Sequence[tuple[str, str]]) -> list[Mention]:
    """Every mention of an event, in order. A time or words that fit several events of the window are no mention.

    `ids`: as the prompt shows them, in the order of `events`, which are the time and the text of each.
    """
    lower = text.lower() if len(text.lower()) == len(text) else text
    found = list(_numbered(text, ids))
    for told in ([time for time, _ in events], [words.lower() for _, words in events]):
        for place, words in enumerate(told):
            if sum(words in other for other in told) == 1:
                found += (Mention(place, start, start + len(words)) for start in _occurrences(lower, words))
    return sorted(found, key=lambda one: (one.start, one.event))


def _numbered(text: str, ids: Sequence[int]) -> Iterator[Mention]:
    for _, named in zip(range(MOST), _NUMBERED.finditer(text), strict=False):
        for span in _SPANS.finditer(named[1]):
            first, last = int(span[1]), int(span[2] or span[1])
            yield from (Mention(at, named.start(), named.end()) for at, one in enumerate(ids) if first <= one <= last)


def _occurrences(text: str, words: str) -> Iterator[int]:
    start = text.find(words) if words else -1
    for _ in range(MOST):
        if start < 0:
            return
        yield start
        start = text.find(words, start + len(words))
