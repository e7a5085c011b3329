"""Parses a generation into one prediction for each event of its window.

There are two parsing modes. The strict one accepts only what the prompt asks for: a valid JSON list of objects, each with an
integer "id" and an "activity". The lenient one also salvages what a human reader would understand. In both, an event
without an activity is missed, with a cause; no activity is guessed, and nothing is taken from the model's reasoning, from a
text that was cut outside its list, or from an echo of the prompt's example. Where the prompt asks for a line an event, these
lines are the list.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, NamedTuple, TypeVar

from har_llm.data.answer_form import AnswerForm
from har_llm.data.records import Event
from har_llm.models.reasoning import PUBLISHED, Marks
from har_llm.scoring.answer_format import BEYOND
from har_llm.scoring.answer_lines import as_answer, line_lists, unfinished_lines
from har_llm.scoring.answer_lists import AnswerList, answer_lists, counting, is_end, unfinished
from har_llm.scoring.answer_parts import ENDED, split_answer
from har_llm.scoring.json_objects import Found, JsonObject, find_objects, repair
from har_llm.scoring.labels import Labels, integer
from har_llm.scoring.mentions import mentions
from har_llm.scoring.prediction import Prediction

VERSION = 10
"""To be raised when the same generation would be parsed differently; part of a run's digest."""

ID_KEYS = ("id", "event_id")
ACTIVITY_KEYS = ("activity", "activity_id", "label")
"""What the lenient parsing takes too, besides the keys that the prompt asks for."""

REPAIRED_IN_ALL, REPAIRED_PER_EVENT = 8_000, 200
"""Most characters of broken objects for json-repair, so that a hostile text takes a second at most."""

_EMPTY_LIST = re.compile(r"(?:```[a-z]*)?\s*\[\s*\]\s*(?:```)?")  # a valid list, though it omits every event
_ID = re.compile(r"(?:(?:event|id)\s*)?#?([0-9]{1,18})(?:\.0+)?", re.IGNORECASE)
_RESIDENT = re.compile(r"(?:[^\W\d]{1,20}\s*)?#?([0-9]{1,18})")  # "2", "person 2", "P2"

T = TypeVar("T")


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
    ran_on: bool = False
    """Whether it goes on with events that the window does not have, in a list that never ends."""


@dataclass(frozen=True)
class Asked:
    """What a prompt asks for."""

    ids: Sequence[int]
    """Of the window's events, as the prompt shows them."""
    labels: Labels
    """Of the home's activities."""
    form: AnswerForm = field(default_factory=AnswerForm)
    examples: Sequence[Sequence[JsonObject]] = ()
    """The answers that the prompt itself shows (`shown_answers`)."""
    events: Sequence[Event] = ()
    """Of the window, to find what the reasoning says of them."""


def parse(text: str, finish_reason: str, asked: Asked, *, thinking: bool, marks: Marks = PUBLISHED) -> Answer:
    """Parse a generation. `finish_reason`: one of FINISH_REASONS. `thinking`, `marks`: as the model reasons."""
    reasoning, answer = split_answer(text, finish_reason, asked.form, thinking=thinking, marks=marks)
    if not answer and not thinking and finish_reason in ENDED and (said := _before_reasoning(text, asked, marks)):
        reasoning, answer = text[len(said) :].strip(), said.strip()
    if not answer:
        missed = (_missed("no_answer", finish_reason),) * len(asked.ids)
        return Answer(reasoning, answer, missed, missed)
    parsed = answer if finish_reason in ENDED else _unfinished(answer, asked.form)
    found, lists = _found_in(parsed, finish_reason, asked)
    lists, echoes = _without_echoes(lists, asked, only=parsed == answer and _is_only(lists, found))
    chosen = counting(lists, asked.ids, asked.form.keys)
    ran_on = _runs_on(chosen, found, asked, parsed, finish_reason)
    cut = "ran_on" if ran_on else finish_reason
    without_objects = "omitted" if _EMPTY_LIST.fullmatch(answer) else "malformed"
    strict, strict_absent = _parse_strictly(chosen, asked, without_objects)
    lenient = _parse_leniently(_outside(found, echoes), asked)
    lenient |= {shown: one for shown, one in strict.items() if one.activity is not None}
    lenient_absent = "omitted" if lenient else without_objects
    before = f"{reasoning}\n{_leading_to(chosen, answer, echoes)}"
    return Answer(
        reasoning,
        answer,
        _told_apart([strict.get(shown, _missed(strict_absent, cut)) for shown in asked.ids], before, asked),
        _told_apart([lenient.get(shown, _missed(lenient_absent, cut)) for shown in asked.ids], before, asked),
        ran_on,
    )


def shown_answers(text: str, form: AnswerForm) -> list[Sequence[JsonObject]]:
    """The valid answers that a text shows: the examples of a prompt."""
    if form.format == "lines":
        return [[line.value for line in lines] for lines in line_lists(text, form.keys)]
    lists = answer_lists(text, find_objects(text).objects, form.keys)
    return [one.objects for one in lists if one.objects is not None]


def _unfinished(answer: str, form: AnswerForm) -> str:
    return unfinished_lines(answer, form.keys) if form.format == "lines" else unfinished(answer, form.keys)


def _found_in(text: str, finish_reason: str, asked: Asked) -> tuple[Found, list[AnswerList]]:
    """The objects and the lists of an answer. Where it has none of the lines that are asked for, objects of JSON count, but
    in the lenient mode only."""
    keys = asked.form.keys
    if asked.form.format == "json":
        found = find_objects(text)
        return found, answer_lists(text, found.objects, keys)
    lists = line_lists(text, keys, asked.labels)
    if not lists:
        return find_objects(text), []
    answers = [as_answer(lines) for lines in lists]
    # A server may say "stop" of a generation that it stopped because it ran on.
    stopped = lists[-1][-1].value[keys.id] == max(asked.ids, default=-1) + BEYOND - 1
    if (finish_reason != "stop" or stopped) and is_end(text[answers[-1].end :]):
        answers[-1] = answers[-1]._replace(objects=None)
    return Found([line for lines in lists for line in lines], []), answers


def _leading_to(chosen: AnswerList | None, answer: str, echoes: Sequence[AnswerList]) -> str:
    """What an answer says before its list, which may be reasoning too; without the prompt's example."""
    if chosen is None:
        return ""
    return answer[max((one.end for one in echoes if one.end <= chosen.start), default=0) : chosen.start]


def _told_apart(predictions: Sequence[Prediction], reasoning: str, asked: Asked) -> tuple[Prediction, ...]:
    """With omitted events told apart by whether the reasoning mentions them; where it mentions none, this cannot be told."""
    omitted = Prediction(None, "omitted")
    if omitted not in predictions:
        return tuple(predictions)
    found = mentions(reasoning, asked.ids, [(event.time, event.text) for event in asked.events])
    if not found:
        return tuple(predictions)
    mentioned = {one.event for one in found}
    return tuple(
        Prediction(None, "unreported" if place in mentioned else "forgotten") if one == omitted else one
        for place, one in enumerate(predictions)
    )


def _runs_on(chosen: AnswerList | None, found: Found, asked: Asked, text: str, finish_reason: str) -> bool:
    """Whether a list without an end, or objects without a list, give activities to events after those of the window.

    A server may say "stop" of a generation that it stopped for this.
    """
    if chosen is not None and chosen.objects is not None:
        return False
    if finish_reason == "ran_on":
        return True
    if not found.objects:
        return False
    if finish_reason == "stop" and (chosen is None or "]" in text[found.objects[-1].end :]):
        return False
    start, last = 0 if chosen is None else chosen.start, max(asked.ids, default=-1)
    values = (located.value for located in found.objects if located.start >= start)
    named = (value.get(asked.form.keys.id) for value in values if asked.form.keys.activity in value)
    return any(type(shown) is int and shown > last for shown in named)


def _missed(cause: str, finish_reason: str) -> Prediction:
    """The prediction of an event that the answer does not have. If the generation was cut or ran on, that is the cause."""
    cuts = {"length": "truncated", "ran_on": "ran_on", "repetition": "repetition"}
    return Prediction(None, cuts.get(finish_reason, cause))


def _without_echoes(lists: list[AnswerList], asked: Asked, *, only: bool) -> tuple[list[AnswerList], list[AnswerList]]:
    """The lists without those that repeat an example of the prompt or the home's catalogue, and the latter.

    An example that is the only list and gives every event of the window an activity of the home, as those that few_shot
    shows may do, cannot be told from an answer, and is one.
    """
    known = only and _only_known(lists[0], asked)
    examples = {} if known else {repr(list(objects)) for objects in asked.examples}  # not by ==, to which 1 is True
    echoes = [one for one in lists if _is_legend(one, asked) or repr(one.objects) in examples]
    return [one for one in lists if one not in echoes], echoes


def _is_only(lists: Sequence[AnswerList], found: Found) -> bool:
    return len(lists) == 1 and not _outside(found, lists).objects


def _only_known(one: AnswerList, asked: Asked) -> bool:
    """Whether it gives every event of the window an activity, and none but those of the home."""
    said = [asked.labels.lenient(value.get(asked.form.keys.activity)) for value in one.objects or ()]
    return one.names_all(asked.ids, asked.form.keys) and all(label.activity is not None for label in said)


def _is_legend(one: AnswerList, asked: Asked) -> bool:
    """Whether it names every activity of the home once, in the home's order."""
    return asked.labels.are_all([value.get(asked.form.keys.activity) for value in one.objects or ()])


def _before_reasoning(text: str, asked: Asked, marks: Marks) -> str:
    """What a model that does not reason by itself has answered before a mark of reasoning; empty unless it answers every
    event, because else it may be reasoning too."""
    said = marks.opens.split(text, maxsplit=1)[0]
    _, lists = _found_in(said, "stop", asked)
    return said if asked.ids and any(one.names_all(asked.ids, asked.form.keys) for one in lists) else ""


def _outside(found: Found, echoes: Sequence[AnswerList]) -> Found:
    """What was found outside the echoes."""
    echoed = {id(value) for echo in echoes for value in echo.objects or ()}
    return found._replace(objects=[one for one in found.objects if id(one.value) not in echoed])


def _parse_strictly(chosen: AnswerList | None, asked: Asked, without_objects: str) -> tuple[dict[int, Prediction], str]:
    """The predictions by event id, and the cause of missing an event that the list does not have."""
    if chosen is None or chosen.objects is None:
        return {}, without_objects
    predictions: dict[int, Prediction] = {}
    absent = "omitted"
    for value in chosen.objects:
        shown = value.get(asked.form.keys.id)
        if type(shown) is not int:  # not isinstance, because True is an int but no id
            absent = "malformed"  # it may have been meant for any event
            continue
        prediction = asked.labels.strict(value.get(asked.form.keys.activity))
        if value.irregular:
            prediction = Prediction(None, "malformed")
        prediction = replace(prediction, resident=_resident(value.get(asked.form.keys.resident or "")))
        first = predictions.setdefault(shown, prediction)
        if (first.activity, first.missed) != (prediction.activity, prediction.missed):
            predictions[shown] = Prediction(None, "malformed")
    return predictions, absent


def _parse_leniently(found: Found, asked: Asked) -> dict[int, Prediction]:
    """The predictions by event id. The last one for an event counts, because models correct themselves.

    json-repair counts only for events that valid JSON does not mention. A mapping such as {"0": 3} counts only if no object
    names an event of the window; otherwise it may be a legend of the activities.
    """
    reader = _Reader(asked)
    stated, mended = reader.read(located.value for located in found.objects), _Stated({}, {})
    if found.broken and set(asked.ids) - stated.by_object.keys():
        budget = REPAIRED_IN_ALL + REPAIRED_PER_EVENT * len(asked.ids)
        mended = reader.read(repair(found.broken, budget))
    predictions, repaired = stated.by_object, mended.by_object
    if not any(shown in predictions or shown in repaired for shown in asked.ids):
        predictions, repaired = stated.by_mapping | predictions, mended.by_mapping | repaired
    return repaired | predictions


class _Stated(NamedTuple):
    by_object: dict[int, Prediction]  # {"id": 0, "activity": 3}
    by_mapping: dict[int, Prediction]  # {"0": 3}


class _Reader:
    """Reads what values of JSON say of events."""

    def __init__(self, asked: Asked):
        self._id_keys = (asked.form.keys.id.lower(), *ID_KEYS)
        self._activity_keys = (asked.form.keys.activity.lower(), *ACTIVITY_KEYS)
        self._labels = asked.labels
        self._resident_key = (asked.form.keys.resident or "").lower()

    def read(self, values: Iterator[Any]) -> _Stated:
        stated = _Stated({}, {})
        for outermost in values:
            waiting = [outermost]
            while waiting:  # not recursive, because an answer may be nested without limit
                value = waiting.pop()
                if isinstance(value, list):
                    waiting.extend(reversed(value))
                elif isinstance(value, dict):
                    waiting.extend(reversed(self._state(value, stated)))
        return stated

    def _state(self, value: dict[Any, Any], stated: _Stated) -> list[Any]:
        """Add the predictions of one object to `stated`; returns the values to be looked through next."""
        keys = {key.strip().lower(): key for key in value if isinstance(key, str)}
        activity_key = next((keys[key] for key in self._activity_keys if key in keys), None)
        shown = _first(_event_id(value[keys[key]]) for key in self._id_keys if key in keys)
        if activity_key is not None and shown is not None:
            prediction = self._labels.lenient(value[activity_key])
            stated.by_object[shown] = replace(prediction, resident=_resident(value.get(keys.get(self._resident_key, ""))))
            return []
        inner = []
        for key, item in value.items():
            mapped = _event_id(key)
            if mapped is not None and not isinstance(item, list):
                stated.by_mapping[mapped] = self._labels.lenient(item)
            else:
                inner.append(item)
        return inner


def _resident(said: Any) -> int | None:
    """Who caused an event: 2, "2" or "person 2"; None where nothing like this is said."""
    match = _RESIDENT.fullmatch(said.strip()) if isinstance(said, str) else None
    return int(match.group(1)) if match else integer(said)


def _first(found: Iterator[int | None]) -> int | None:
    return next((one for one in found if one is not None), None)


def _event_id(value: Any) -> int | None:
    if isinstance(value, str):
        match = _ID.fullmatch(value.strip())
        return int(match.group(1)) if match else None
    return integer(value)
