"""Finds the lists of an answer, and the one that a cut generation was writing."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from har_llm.data.answer_form import AnswerKeys
from har_llm.scoring.json_objects import JsonObject, Located, find_objects

JSON_SPACE = " \t\r\n"
_OPENS = re.compile(r"\[[ \t\r\n]*(?=\{)")
_CLOSES = re.compile(r"[ \t\r\n]*\]")
_FENCE = re.compile(r"(?:```[a-z]*)?")
_BETWEEN = re.compile(r"(?:[\s,\]}`]+|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
_OBJECT = re.compile(r"\{[^{}]*")


class AnswerList(NamedTuple):
    """A list of objects with activities, or something that begins like one."""

    start: int
    end: int
    objects: Sequence[JsonObject] | None
    """None if it is no valid JSON."""

    def names_any(self, ids: Collection[int], keys: AnswerKeys) -> bool:
        """Whether it may be about one of these events; what is not valid may be about any."""
        return self.objects is None or any(
            type(shown := value.get(keys.id)) is not int or shown in ids for value in self.objects
        )

    def names_all(self, ids: Collection[int], keys: AnswerKeys) -> bool:
        """Whether it gives each of these events an activity, be it a wrong one."""
        shown = [value.get(keys.id) for value in self.objects or () if keys.activity in value]
        return {*ids} <= {one for one in shown if type(one) is int}  # not isinstance, because True is an int but no id


def answer_lists(text: str, objects: Sequence[Located], keys: AnswerKeys) -> list[AnswerList]:
    """Every list of `objects`, and everything that begins like one and is broken. Without activities it is no answer."""
    valid = {start: (end, values) for start, end, values in _valid_lists(text, objects)}
    starts = list(_outside(_OPENS.finditer(text), objects))
    found = []
    for start, following in pairwise([*starts, len(text)]):
        if start in valid:
            end, values = valid[start]
            if any(keys.activity in value for value in values):
                found.append(AnswerList(start, end, values))
        elif keys.activity in text[start:following]:
            found.append(AnswerList(start, following, None))
    return found


def is_end(text: str) -> bool:
    """Whether it is nothing but a fence's end, or a part of one."""
    return text.strip() in ("", "`", "``", "```")


def unfinished(answer: str, keys: AnswerKeys) -> str:
    """The list that a cut generation was writing, or had just written, up to the end; empty if it was writing anything else.

    What was cut elsewhere may have been reasoning, whose lists are drafts. Objects without a list count as one if the answer
    begins with them.
    """
    objects = find_objects(answer).objects
    lists = answer_lists(answer, objects, keys)
    if not lists:
        begins = answer.find("{")
        own = begins >= 0 and _FENCE.fullmatch(answer[:begins].strip()) and _only_objects(answer, begins, objects)
        return answer if own else ""
    last = lists[-1]
    if last.objects is None:
        return answer[last.start :] if _only_objects(answer, last.start + 1, objects) else ""
    return answer[last.start :] if is_end(answer[last.end :]) else ""


def _valid_lists(text: str, objects: Sequence[Located]) -> Iterator[tuple[int, int, list[JsonObject]]]:
    """Runs of objects that brackets and commas make a valid JSON list: where each begins and ends, and its objects."""
    run: list[JsonObject] = []
    start = previous_end = 0
    for located in objects:
        gap = text[previous_end : located.start].rstrip(JSON_SPACE)
        begins = gap.endswith("[")
        if begins:
            run, start = [], previous_end + len(gap) - 1
        elif gap.lstrip(JSON_SPACE) != ",":
            run = []
        previous_end = located.end
        if not (begins or run):
            continue
        run.append(located.value)
        if closed := _CLOSES.match(text, located.end):
            yield start, closed.end(), run
            run = []


def _outside(matches: Iterator[re.Match[str]], objects: Sequence[Located]) -> Iterator[int]:
    """Where the matches begin that are in no object. Both are in order."""
    rest = iter(objects)
    following = next(rest, None)
    for match in matches:
        while following is not None and following.end <= match.start():
            following = next(rest, None)
        if following is None or match.start() < following.start:
            yield match.start()


def _only_objects(text: str, place: int, objects: Sequence[Located]) -> bool:
    """Whether only objects follow from a place to the end, valid, broken or cut."""
    ends = {one.start: one.end for one in objects}
    while True:
        between = _BETWEEN.match(text, place)
        assert between is not None  # it may be empty
        place = between.end()
        if place == len(text) or text[place] != "{":
            return place == len(text)
        broken = _OBJECT.match(text, place)
        assert broken is not None
        place = ends.get(place, broken.end())
