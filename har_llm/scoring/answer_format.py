"""The form of an answer that decoding.structured asks for: as a JSON schema, and as a regular expression."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from har_llm.data.prompts import AnswerKeys
from har_llm.scoring.labels import Labels

BEYOND = 10
"""An answer is stopped at the tenth event after its window, whatever the window's length."""
_SPECIAL = re.compile(r"[\\.^$*+?{}\[\]|()]")


def answer_schema(ids: Sequence[int], activities: Mapping[int, str], keys: AnswerKeys) -> dict[str, Any]:
    """The JSON schema of an answer that gives each of these events, in order, an activity by number or name.

    It keeps to what OpenAI and llama.cpp take: the root is an object, with a property for each object of the list.
    """
    names = Labels(activities).names()
    kinds: list[dict[str, Any]] = [{"type": "integer", "enum": list(activities)}]
    if names:
        kinds.append({"type": "string", "enum": names})
    answers = {
        str(shown): {
            "type": "object",
            "properties": {keys.id: {"type": "integer", "enum": [shown]}, keys.activity: {"$ref": "#/$defs/activity"}},
            "required": [keys.id, keys.activity],
            "additionalProperties": False,
        }
        for shown in ids
    }
    return {
        "$defs": {"activity": {"anyOf": kinds}},
        "type": "object",
        "properties": answers,
        "required": list(answers),
        "additionalProperties": False,
    }


def runs_on(ids: Sequence[int], keys: AnswerKeys) -> tuple[str, ...]:
    """What an answer contains that goes on far beyond its window.

    Not only with the first event after it, because an answer with some too many may still end by itself.
    """
    beyond = max(ids) + BEYOND
    return tuple(f'"{keys.id}":{space}{beyond}' for space in (" ", ""))


def answer_pattern(ids: Sequence[int], activities: Mapping[int, str], keys: AnswerKeys) -> str:
    """A regular expression for such an answer as a list, with the spaces of the prompt's example.

    Engines that constrain by a schema allow either no spaces at all, which models do not write and which makes their answers
    worse, or any number of them, which weak models never stop writing.
    """
    named = (_SPECIAL.sub(r"\\\g<0>", json.dumps(name, ensure_ascii=False)) for name in Labels(activities).names())
    activity = "|".join([*map(str, activities), *named])
    objects = [rf'\{{"{keys.id}": {shown}, "{keys.activity}": ({activity})\}}' for shown in ids]
    return r"\n{0,2}\[\n?" + r",[ \n]".join(objects) + r"\n?\]"
