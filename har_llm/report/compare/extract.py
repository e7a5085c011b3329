"""Takes out of a model's reasoning what it says of one event."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import chain

from har_llm.scoring.mentions import Mention, mentions

LEFT_OUT = "[...]"
LONGEST, LONGEST_PASSAGE = 700, 350
"""Most characters of an extract, and of one of its passages."""
_SENTENCE_END = re.compile(r"\n+|[.!?;][\"')\]]?[ \t]+")


def extract(reasoning: str, ids: Sequence[int], events: Sequence[tuple[str, str]], place: int) -> str:
    """The passages that mention the event at `place` of its window, as the paper's table 3 quotes them: with "[...]".

    A passage begins with a sentence and ends before an empty line or a sentence about another event. Empty if nothing
    mentions the event. `ids`, `events`: as `mentions` takes them.
    """
    found = mentions(reasoning, ids, events)
    spans = list(_merged(_passage(reasoning, one, found) for one in found if one.event == place))
    parts: list[str] = []
    length = 0
    for (start, end), before in zip(spans, [0, *(end for _, end in spans)], strict=False):
        if parts and length + end - start > LONGEST:
            break
        end = _shortened(reasoning, start, end, LONGEST)
        parts += [LEFT_OUT] if reasoning[before:start].strip() else []
        parts.append(reasoning[start:end].strip())
        length += end - start
        rest = reasoning[end:]
    return " ".join(chain(parts, [LEFT_OUT] if parts and rest.strip() else []))


def _passage(text: str, mention: Mention, found: Sequence[Mention]) -> tuple[int, int]:
    start = _sentence_start(text, mention.start)
    ends = [len(text), text.find("\n\n", mention.end), *_next(text, mention, found)]
    end = _shortened(text, start, min(end for end in ends if end >= 0), LONGEST_PASSAGE)
    return start, max(mention.end, end)


def _shortened(text: str, start: int, end: int, most: int) -> int:
    """Where a passage ends that is cut to so many characters: with a word."""
    if end - start <= most:
        return end
    space = text.rfind(" ", start + 1, start + most)
    return start + most if space < 0 else space


def _next(text: str, mention: Mention, found: Sequence[Mention]) -> Iterator[int]:
    """Where the next sentence about another event begins."""
    later = (one.start for one in found if one.event != mention.event and one.start >= mention.end)
    yield from (_sentence_start(text, start) for start in [next(later, None)] if start is not None)


def _sentence_start(text: str, at: int) -> int:
    before = text[max(0, at - LONGEST_PASSAGE) : at]
    return at - len(before) + max((found.end() for found in _SENTENCE_END.finditer(before)), default=0)


def _merged(spans: Iterator[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    last: tuple[int, int] | None = None
    for start, end in sorted(spans):
        if last is not None and start <= last[1]:
            last = last[0], max(last[1], end)
            continue
        if last is not None:
            yield last
        last = start, end
    if last is not None:
        yield last
