"""Finds the lines of an answer that has a line an event: "0. cooking"."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from har_llm.data.answer_form import AnswerKeys
from har_llm.scoring.answer_lists import AnswerList, is_end
from har_llm.scoring.json_objects import JsonObject, Located
from har_llm.scoring.labels import Labels

LONGEST_LINE = 500
"""Most characters of a line that may be an answer; more is prose."""
_MARKS = r"[ \t>*_`•-]{0,9}"
# What is asked for, and what is understood besides: "- **Event 0:** cooking", "0) cooking", "#0 - cooking". With a time
# behind its id it is an event of the prompt.
_STRICT = re.compile(r"([0-9]{1,18})\. (?![0-9]{2}:)(\S.*)")
_LENIENT = re.compile(
    rf"{_MARKS}(?:(?:event|id)[ \t]{{0,3}})?#?([0-9]{{1,18}})[*_`]{{0,3}}[ \t]{{0,3}}(?:\.(?=[ \t*_`])|[:)=–-]|->|→)"
    rf"{_MARKS}(?![0-9]{{2}}:)(\S.*?)[*_`, \t]{{0,9}}",
    re.IGNORECASE,
)
_BEGINS = re.compile(rf"{_MARKS}(?:#?[0-9].*|event[ \t]#?[0-9].*|e|ev|eve|even|event[ \t]?|i|id[ \t]?)?", re.IGNORECASE)
"""How a line that is cut may begin."""


def line_lists(text: str, keys: AnswerKeys, labels: Labels | None = None) -> list[list[Located]]:
    """The lists of a text: lines that begin with ids, each as an object with the keys of a JSON answer.

    Only blanks stand between the lines of a list. An id that it has already begins another one, and so does a lower one
    after an empty line. With `labels`, lists without an activity of the home are left out if others have one, because they
    may be numbered prose.
    """
    found: list[list[Located]] = []
    seen: set[int] = set()
    for line in _lines(text, keys):
        shown, between = line.value[keys.id], text[found[-1][-1].end : line.start] if found else ""
        restarts = between.count("\n") > 1 and shown < max(seen, default=0)
        if not found or between.strip() or shown in seen or restarts:
            found.append([])
            seen = set()
        found[-1].append(line)
        seen.add(shown)
    if labels is None:
        return found
    return [one for one in found if any(labels.lenient(line.value[keys.activity]).activity for line in one)] or found


def _lines(text: str, keys: AnswerKeys) -> Iterator[Located]:
    start = 0
    for line in text.splitlines(keepends=True):
        content = line.strip()
        if len(content) <= LONGEST_LINE and (value := _object(content, keys)) is not None:
            begin = start + line.index(content)
            yield Located(begin, begin + len(content), value)
        start += len(line)


def _object(line: str, keys: AnswerKeys) -> JsonObject | None:
    exact = _STRICT.fullmatch(line)
    match = exact or _LENIENT.fullmatch(line)
    if match is None:
        return None
    shown, activity = match.groups()
    is_number = re.fullmatch("[0-9]{1,18}", activity) is not None
    made = JsonObject({keys.id: int(shown), keys.activity: int(activity) if is_number else activity})
    made.irregular = exact is None
    return made


def as_answer(lines: Sequence[Located]) -> AnswerList:
    return AnswerList(lines[0].start, lines[-1].end, [one.value for one in lines])


def unfinished_lines(answer: str, keys: AnswerKeys) -> str:
    """The list that a cut generation was writing, without its last line, which may not be whole; empty if it was writing
    anything else, which may have been reasoning."""
    whole, _, last = answer.rpartition("\n")
    lists = line_lists(whole, keys)
    if not lists or not is_end(whole[lists[-1][-1].end :]) or not (_BEGINS.fullmatch(last) or is_end(last)):
        return ""
    return whole[lists[-1][0].start :]
