"""Finds the JSON objects in an answer: the valid ones, and the broken ones as json-repair mends them.

Knows nothing of events and activities. The time is linear in the length of the answer, also of a hostile one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

DECODED_AT_ONCE = 16_000
"""Most characters decoded for one object. Without a limit, a text full of broken objects would take quadratic time."""
REPAIRED_AT_ONCE = 500
"""Most characters of a fragment for json-repair, whose time can grow with the square of the length."""

# From an opening brace to the next brace: a whole object unless it is nested, broken or cut off.
_FRAGMENT = re.compile(r"\{(?=\s*[^\s{}])[^{}]*\}?")


class JsonObject(dict[str, Any]):
    """A decoded object."""

    irregular = False
    """Whether the strict mode refuses it: a repeated key, whose meaning JSON does not define, or a line of another form."""


def _object(pairs: list[tuple[str, Any]]) -> JsonObject:
    made = JsonObject(pairs)
    made.irregular = len(made) < len(pairs)
    return made


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_refuse_constant)


class Located(NamedTuple):
    start: int
    end: int
    value: JsonObject


class Found(NamedTuple):
    objects: list[Located]  # valid JSON, outermost only
    broken: list[str]  # fragments that begin like an object but are not valid; without a last one that is cut off


def find_objects(text: str) -> Found:
    """Every object of the answer, in time linear in its length.

    The answer is decoded object by object, not as a whole: prose such as `list[int]` is then ignored, one object per line
    works, and a broken object loses nothing but itself.
    """
    found = Found([], [])
    decoded_until = 0  # the end of the last decoded object
    nested_from = 0  # a larger object has failed up to here, so only flat ones are tried: else the time would be quadratic
    for match in _FRAGMENT.finditer(text):
        (start, end), fragment = match.span(), match.group()
        if start < decoded_until or ":" not in fragment:
            continue
        if fragment[1:].lstrip().startswith('"'):
            try:
                nested = start >= nested_from
                value, length = _DECODER.raw_decode(text[start : max(end, start + DECODED_AT_ONCE)] if nested else fragment)
            except json.JSONDecodeError as error:
                nested_from = max(nested_from, start + error.pos)
            except (ValueError, RecursionError):  # NaN, a number of thousands of digits, brackets nested a thousand deep
                nested_from = max(nested_from, start + DECODED_AT_ONCE)
            else:
                found.objects.append(Located(start, start + length, value))
                decoded_until = start + length
                continue
        found.broken.extend(_mendable(fragment, is_last=end == len(text)))
    return found


def _mendable(fragment: str, *, is_last: bool) -> Iterator[str]:
    """The fragment, if json-repair may have it: not if the text ends within it, where `"activity": 1` may begin a 1x."""
    if not fragment.endswith("}"):
        fragment, list_ends, _ = fragment.partition("]")
        if is_last and not list_ends:
            return
    if len(fragment) <= REPAIRED_AT_ONCE:
        yield fragment


def repair(broken: Sequence[str], budget: int) -> Iterator[Any]:
    """The last fragments repaired, in order, as many as `budget` characters allow."""
    from json_repair import loads  # only here: most answers need no repair

    first = len(broken)
    while first and (budget := budget - len(broken[first - 1])) >= 0:
        first -= 1
    for fragment in broken[first:]:
        try:
            yield loads(fragment, skip_json_loads=True)
        except (ValueError, RecursionError):  # nested too deeply for json-repair
            continue
