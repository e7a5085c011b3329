"""The form of an answer that decoding.structured asks for: as a JSON schema, and as a regular expression."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from har_llm.data.answer_form import AnswerForm
from har_llm.scoring.labels import Labels

BEYOND = 10
"""An answer is stopped at the tenth event after its window, whatever the window's length."""
RESIDENTS = range(1, 10)
"""The numbers of those who may have caused the events of a window."""
_SPECIAL = re.compile(r"[\\.^$*+?{}\[\]|()]")


def answer_schema(ids: Sequence[int], activities: Mapping[int, str], form: AnswerForm) -> dict[str, Any]:
    """The JSON schema of a JSON answer that gives each of these events, in order, an activity by its name, or by its number
    where the prompt shows numbers.

    It keeps to what OpenAI and llama.cpp take: the root is an object, with a property for each object of the list.
    """
    labels, keys = Labels(activities, numbered=form.numbered), form.keys
    kinds = [("integer", labels.numbers), ("string", labels.names())]
    resident = {} if keys.resident is None else {keys.resident: {"type": "integer", "enum": [*RESIDENTS]}}
    answers = {
        str(shown): {
            "type": "object",
            "properties": {
                keys.id: {"type": "integer", "enum": [shown]},
                keys.activity: {"$ref": "#/$defs/activity"},
                **resident,
            },
            "required": [keys.id, keys.activity, *resident],
            "additionalProperties": False,
        }
        for shown in ids
    }
    return {
        "$defs": {"activity": {"anyOf": [{"type": kind, "enum": values} for kind, values in kinds if values]}},
        "type": "object",
        "properties": answers,
        "required": list(answers),
        "additionalProperties": False,
    }


def runs_on(ids: Sequence[int], form: AnswerForm) -> tuple[str, ...]:
    """What an answer contains that goes on far beyond its window.

    Not only with the first event after it, because an answer with some too many may still end by itself.
    """
    beyond = max(ids) + BEYOND
    if form.format == "lines":
        return (f"\n{beyond}. ",)
    return tuple(f'"{form.keys.id}":{space}{beyond}' for space in (" ", ""))


def answer_pattern(ids: Sequence[int], activities: Mapping[int, str], form: AnswerForm) -> str:
    """A regular expression for an answer that gives each of these events, in order, an activity by its name, or by its
    number where the prompt shows numbers: lines, or a JSON list with the spaces of the prompt's example.

    Engines that constrain by a schema allow either no spaces at all, which models do not write and which makes their answers
    worse, or any number of them, which weak models never stop writing.
    """
    labels = Labels(activities, numbered=form.numbered)
    numbers, names = map(str, labels.numbers), labels.names()
    if form.format == "lines":
        activity = "|".join([*numbers, *map(_literal, names)])
        return r"\n{0,2}" + r"\n".join(rf"{shown}\. ({activity})" for shown in ids)
    named = (_literal(json.dumps(name, ensure_ascii=False)) for name in names)
    activity = "|".join([*numbers, *named])
    resident = "" if form.keys.resident is None else rf', "{form.keys.resident}": [{RESIDENTS[0]}-{RESIDENTS[-1]}]'
    objects = [rf'\{{"{form.keys.id}": {shown}, "{form.keys.activity}": ({activity}){resident}\}}' for shown in ids]
    return r"\n{0,2}\[\n?" + r",[ \n]".join(objects) + r"\n?\]"


def answer_grammar(ids: Sequence[int], activities: Mapping[int, str], form: AnswerForm) -> str:
    """What `answer_pattern` describes, in llama.cpp's notation (GBNF)."""
    labels, keys = Labels(activities, numbered=form.numbered), form.keys
    names = labels.names() if form.format == "lines" else [_quoted(name) for name in labels.names()]
    rules = ["activity ::= " + " | ".join(map(_quoted, [*map(str, labels.numbers), *names])), r'newline ::= "\n"?']
    if form.format == "lines":
        lines = (_quoted(f"{shown}. ") + " activity" for shown in ids)
        return "\n".join([r"root ::= newline newline " + r' "\n" '.join(lines), *rules])
    resident = ""
    if keys.resident is not None:
        resident = _quoted(f', "{keys.resident}": ') + f" [{RESIDENTS[0]}-{RESIDENTS[-1]}] "
    before = (_quoted(f'{{"{keys.id}": {shown}, "{keys.activity}": ') for shown in ids)
    objects = (f'{one} activity {resident}"}}"' for one in before)
    listed = r' "," [ \n] '.join(objects)
    return "\n".join([rf'root ::= newline newline "[" newline {listed} newline "]"', *rules])


def _quoted(text: str) -> str:
    """As a string of JSON, which is how GBNF writes strings too."""
    return json.dumps(text, ensure_ascii=False)


def _literal(text: str) -> str:
    return _SPECIAL.sub(r"\\\g<0>", text)
