"""The form of an answer that decoding.structured asks for: as a JSON schema, and as a regular expression."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from har_llm.data.prompts import AnswerKeys

BEYOND = 10
"""An answer is stopped at the tenth event after its window, whatever the window's length."""


def answer_schema(ids: Sequence[int], activities: Collection[int], keys: AnswerKeys) -> dict[str, Any]:
    """The JSON schema of an answer that gives each of these events, in order, one of these activities."""
    objects = [
        {
            "type": "object",
            "properties": {keys.id: {"const": shown}, keys.activity: {"enum": list(activities)}},
            "required": [keys.id, keys.activity],
            "additionalProperties": False,
        }
        for shown in ids
    ]
    return {"type": "array", "prefixItems": objects, "items": False, "minItems": len(objects), "maxItems": len(objects)}


def runs_on(ids: Sequence[int], keys: AnswerKeys) -> tuple[str, ...]:
    """What an answer contains that goes on far beyond its window.

    Not only with the first event after it, because an answer with some too many may still end by itself.
    """
    beyond = max(ids) + BEYOND
    return tuple(f'"{keys.id}":{space}{beyond}' for space in (" ", ""))


def answer_pattern(ids: Sequence[int], activities: Collection[int], keys: AnswerKeys) -> str:
    """A regular expression for such an answer, with the spaces of the prompt's example.

    Engines that constrain by a schema allow either no spaces at all, which models do not write and which makes their answers
    worse, or any number of them, which weak models never stop writing.
    """
    activity = "|".join(str(number) for number in activities)
    objects = [rf'\{{"{keys.id}": {shown}, "{keys.activity}": ({activity})\}}' for shown in ids]
    return r"\n{0,2}\[\n?" + r",[ \n]".join(objects) + r"\n?\]"
