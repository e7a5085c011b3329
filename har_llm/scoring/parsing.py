"""Parses a generation into one prediction for each event of its window.

There are two parsing modes. The strict one accepts only what the prompt asks for: a valid JSON list of objects with an
integer "id" and an integer "activity". The lenient one also salvages what a human reader would understand. In both, an event
without an activity is missed, with a cause; no activity is guessed, and nothing is taken from the model's reasoning.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

from har_llm.scoring.json_objects import Found, JsonObject, Located, find_objects, repair

VERSION = 1
"""To be raised when the same generation would be parsed differently; part of a run's digest."""

CAUSES = ("omitted", "unknown_label", "malformed", "no_answer", "truncated", "repetition")

THINK, END_THINK, FENCE = "<think>", "</think>", "```"
JSON_SPACE = " \t\r\n"
ID_KEYS = ("id", "event_id")
ACTIVITY_KEYS = ("activity", "activity_id", "label")

REPAIRED_IN_ALL, REPAIRED_PER_EVENT = 8_000, 200
"""Most characters of broken objects for json-repair, so that a hostile text takes a second at most."""

_LIST_ENDS = re.compile(r"[ \t\r\n]*\]")
_EMPTY_LIST = re.compile(r"(?:```[a-z]*)?\s*\[\s*\]\s*(?:```)?")  # a valid list, though it omits every event
_ID = re.compile(r"(?:(?:event|id)\s*)?#?([0-9]{1,18})(?:\.0+)?", re.IGNORECASE)
_NUMBER = re.compile(r"#?([0-9]{1,18})(?:\.0*)?")
_NUMBER_THEN_NAME = re.compile(r"[#(]?([0-9]{1,18})\)? ?[.:)–-]? ?(.+)", re.DOTALL)
_NAME_THEN_NUMBER = re.compile(r"(.+?) ?[(\[]#?([0-9]{1,18})[)\]]", re.DOTALL)

T = TypeVar("T")


@dataclass(frozen=True)
class Prediction:
    """An activity of the catalogue, or one of CAUSES. Exactly one of the two is set for an event that a window shows."""

    activity: int | None = None
    missed: str | None = None


class BothParsings(Generic[T]):
    """What has a value for each parsing mode."""

    strict: T
    lenient: T

    def parsed(self, parsing: str) -> T:
        """The value for one of PARSINGS."""
        value: T = getattr(self, parsing)
        return value


@dataclass(frozen=True)
class Answer(BothParsings[tuple[Prediction, ...]]):
    """A parsed generation. Both parsing modes have one prediction for each event of the window, in its order."""

    reasoning: str
    answer: str | None
    """What follows the reasoning; None when the reasoning was never closed."""
    strict: tuple[Prediction, ...]
    lenient: tuple[Prediction, ...]


def parse(text: str, finish_reason: str, ids: Sequence[int], activities: Mapping[int, str], *, thinking: bool) -> Answer:
    """Parse a generation. `finish_reason`: "stop", "length" or "repetition". `ids`: of the events, as the prompt shows
    them."""
    reasoning, answer = split_reasoning(text, thinking=thinking)
    if not answer:
        missed = (_missed("no_answer", finish_reason),) * len(ids)
        return Answer(reasoning, answer, missed, missed)
    found = find_objects(answer)
    without_objects = "omitted" if _EMPTY_LIST.fullmatch(answer) else "malformed"
    strict, strict_absent = _parse_strictly(_answer_list(answer, found.objects), activities, without_objects)
    lenient = _parse_leniently(found, ids, _Labels(activities))
    lenient_absent = "omitted" if lenient else without_objects
    return Answer(
        reasoning,
        answer,
        tuple(strict.get(shown, _missed(strict_absent, finish_reason)) for shown in ids),
        tuple(lenient.get(shown, _missed(lenient_absent, finish_reason)) for shown in ids),
    )


def split_reasoning(text: str, *, thinking: bool) -> tuple[str, str | None]:
    """The reasoning and the answer; the answer is None if the reasoning was never closed."""
    before, closed, after = text.rpartition(END_THINK)
    answer = None if THINK in after or (thinking and not closed) else after.strip()
    reasoning = text if answer is None else before
    return reasoning.strip().removeprefix(THINK).strip(), answer


def _missed(cause: str, finish_reason: str) -> Prediction:
    """The prediction of an event that the answer does not have. If the generation was cut, that is the cause."""
    return Prediction(None, {"length": "truncated", "repetition": "repetition"}.get(finish_reason, cause))


def _parse_strictly(
    answer_list: Sequence[JsonObject], activities: Collection[int], without_objects: str
) -> tuple[dict[int, Prediction], str]:
    """The predictions by event id, and the cause of missing an event that the list does not have."""
    predictions: dict[int, Prediction] = {}
    absent = "omitted" if answer_list else without_objects
    for value in answer_list:
        shown = value.get("id")
        if type(shown) is not int:  # not isinstance, because True is an int but no id
            absent = "malformed"  # it may have been meant for any event
            continue
        prediction = _strict_prediction(value, activities)
        if predictions.setdefault(shown, prediction) != prediction:
            predictions[shown] = Prediction(None, "malformed")
    return predictions, absent


def _strict_prediction(value: JsonObject, activities: Collection[int]) -> Prediction:
    activity = value.get("activity")
    if value.repeats_a_key or type(activity) is not int:
        return Prediction(None, "malformed")
    return Prediction(activity, None) if activity in activities else Prediction(None, "unknown_label")


def _answer_list(answer: str, objects: Sequence[Located]) -> Sequence[JsonObject]:
    """The list in the last fence, or else the last list of objects anywhere; empty when there is none.

    Only a list with an "activity" in one of its objects counts, so `[1]` or a copy of the events is ignored. If the last
    fence holds a failed attempt at an answer, no earlier draft replaces it.
    """
    lists = [run for run in _lists(answer, objects) if any("activity" in located.value for located in run)]
    start, end = _last_fence(answer)
    fenced = [run for run in lists if start <= run[0].start < end]
    if fenced:
        lists = fenced
    elif "activity" in answer[start:end]:
        lists = [run for run in lists if run[0].start >= end]
    return [located.value for located in lists[-1]] if lists else []


def _lists(answer: str, objects: Sequence[Located]) -> Iterator[list[Located]]:
    """Runs of objects that brackets and commas make a valid JSON list."""
    run: list[Located] = []
    previous_end = 0
    for located in objects:
        gap = answer[previous_end : located.start].strip(JSON_SPACE)
        previous_end = located.end
        if gap.endswith("["):
            run = []
        elif not run or gap != ",":
            run = []
            continue
        run.append(located)
        if _LIST_ENDS.match(answer, located.end):
            yield run
            run = []


def _last_fence(answer: str) -> tuple[int, int]:
    """Where the text in the last ``` block begins and ends; a block that is not closed goes to the end of the answer."""
    parts = answer.split(FENCE)
    if len(parts) == 1:
        return 0, 0
    closed = len(parts) % 2 == 1
    end = len(answer) - (len(parts[-1]) + len(FENCE) if closed else 0)
    return end - len(parts[-2 if closed else -1]), end


def _parse_leniently(found: Found, ids: Sequence[int], labels: _Labels) -> dict[int, Prediction]:
    """The predictions by event id. The last one for an event counts, because models correct themselves.

    json-repair counts only for events that valid JSON does not mention. A mapping such as {"0": 3} counts only if no object
    names an event of the window; otherwise it may be a legend of the activities.
    """
    stated, mended = _statements((located.value for located in found.objects), labels), _Stated({}, {})
    if found.broken and set(ids) - stated.by_object.keys():
        budget = REPAIRED_IN_ALL + REPAIRED_PER_EVENT * len(ids)
        mended = _statements(repair(found.broken, budget), labels)
    predictions, repaired = stated.by_object, mended.by_object
    if not any(shown in predictions or shown in repaired for shown in ids):
        predictions, repaired = stated.by_mapping | predictions, mended.by_mapping | repaired
    return repaired | predictions


class _Stated(NamedTuple):
    by_object: dict[int, Prediction]  # {"id": 0, "activity": 3}
    by_mapping: dict[int, Prediction]  # {"0": 3}


def _statements(values: Iterator[Any], labels: _Labels) -> _Stated:
    stated = _Stated({}, {})
    for outermost in values:
        waiting = [outermost]
        while waiting:  # not recursive, because an answer may be nested without limit
            value = waiting.pop()
            if isinstance(value, list):
                waiting.extend(reversed(value))
            elif isinstance(value, dict):
                waiting.extend(reversed(_state(value, labels, stated)))
    return stated


def _state(value: dict[Any, Any], labels: _Labels, stated: _Stated) -> list[Any]:
    """Add the predictions of one object to `stated`; returns the values to be looked through next."""
    keys = {key.strip().lower(): key for key in value if isinstance(key, str)}
    activity_key = next((keys[key] for key in ACTIVITY_KEYS if key in keys), None)
    shown = next((_event_id(value[keys[key]]) for key in ID_KEYS if key in keys), None)
    if activity_key is not None and shown is not None:
        stated.by_object[shown] = labels.prediction(value[activity_key])
        return []
    inner = []
    for key, item in value.items():
        mapped = _event_id(key)
        if mapped is not None and not isinstance(item, list):
            stated.by_mapping[mapped] = labels.prediction(item)
        else:
            inner.append(item)
    return inner


def _event_id(value: Any) -> int | None:
    if isinstance(value, str):
        match = _ID.fullmatch(value.strip())
        return int(match.group(1)) if match else None
    return _integer(value)


def _integer(value: Any) -> int | None:
    if isinstance(value, float) and math.isfinite(value) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


class _Labels:
    """Finds the activity of the catalogue that a value of an answer names, in any of the usual ways."""

    def __init__(self, activities: Mapping[int, str]):
        self._activities = activities
        self._by_name: dict[str, int] = {}
        for number, name in activities.items():
            self._by_name.setdefault(_plain(name), number)

    def prediction(self, value: Any) -> Prediction:
        if isinstance(value, dict):  # {"activity": {"id": 19, "name": "preparing dinner"}}
            parts = [value[key] for key in ("activity", "id", "number", "name") if key in value]
            named = {self.prediction(part) for part in parts if not isinstance(part, dict)}
            return named.pop() if len(named) == 1 else Prediction(None, "unknown_label" if named else "malformed")
        number = self._named(value) if isinstance(value, str) else _integer(value)
        if number in self._activities:
            return Prediction(number, None)
        is_label = isinstance(value, str | int | float) and not isinstance(value, bool)
        return Prediction(None, "unknown_label" if is_label else "malformed")

    def _named(self, text: str) -> int | None:
        """The activity meant by "19", "preparing dinner", "19. preparing dinner" or "preparing dinner (19)"."""
        plain = _plain(text)
        if bare := _NUMBER.fullmatch(plain):
            return int(bare.group(1))
        if plain in self._by_name:
            return self._by_name[plain]
        if match := _NUMBER_THEN_NAME.fullmatch(plain):
            number, name = match.groups()
        elif match := _NAME_THEN_NUMBER.fullmatch(plain):
            name, number = match.groups()
        else:
            return None
        return int(number) if self._by_name.get(name) == int(number) else None


def _plain(name: str) -> str:
    return " ".join(name.split()).casefold()
