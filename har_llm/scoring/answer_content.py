"""Finds what an answer says, and which of its lists counts.

1. Of a text that was cut, only the list counts that it was writing, or had just written; the rest may be reasoning.
2. A list that repeats the home's catalogue of activities is an echo and no answer. So is one that repeats an example of the
   prompt, unless it is the only list and gives every event an activity of the home.
3. Of the others, the last that names every event counts; else the last that may name one; else the last.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from har_llm.data.answer_form import AnswerForm
from har_llm.scoring.answer_format import BEYOND
from har_llm.scoring.answer_lines import as_answer, line_lists, unfinished_lines
from har_llm.scoring.answer_lists import AnswerList, answer_lists, is_end, unfinished
from har_llm.scoring.answer_parts import ENDED
from har_llm.scoring.asked import Asked
from har_llm.scoring.json_objects import Found, JsonObject, find_objects


@dataclass(frozen=True)
class Content:
    """What an answer says."""

    chosen: AnswerList | None
    """The list that counts; None if there is none."""
    found: Found
    """The objects, in lists or not, outside the echoes."""
    before: str
    """What stands before that list, behind the last echo; it may be reasoning too."""
    ran_on: bool
    """Whether it goes on with events that the window does not have, in a list that never ends."""


def read_content(answer: str, finish_reason: str, asked: Asked) -> Content:
    """What an answer says, and which of its lists counts."""
    text = answer if finish_reason in ENDED else _unfinished(answer, asked.form)
    found, lists = _found_in(text, finish_reason, asked)
    only = text == answer and len(lists) == 1 and not _outside(found, lists).objects
    echoes = _echoes(lists, asked, only=only)
    chosen = _counting([one for one in lists if one not in echoes], asked)
    ran_on = _runs_on(chosen, found, asked, text, finish_reason)
    return Content(chosen, _outside(found, echoes), _leading_to(chosen, text, echoes), ran_on)


def shown_answers(text: str, form: AnswerForm) -> list[Sequence[JsonObject]]:
    """The valid answers that a text shows: the examples of a prompt."""
    if form.format == "lines":
        return [[line.value for line in lines] for lines in line_lists(text, form.keys)]
    lists = answer_lists(text, find_objects(text).objects, form.keys)
    return [one.objects for one in lists if one.objects is not None]


def answers_all(text: str, asked: Asked) -> bool:
    """Whether a whole text has a list that gives every event of the window an activity."""
    _, lists = _found_in(text, "stop", asked)
    return any(one.names_all(asked.ids, asked.form.keys) for one in lists)


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


def _echoes(lists: Sequence[AnswerList], asked: Asked, *, only: bool) -> list[AnswerList]:
    """The lists that repeat an example of the prompt or the home's catalogue. `only`: whether the answer has one list alone.

    An example that is the only list and gives every event of the window an activity of the home, as those that few_shot
    shows may do, cannot be told from an answer, and is one.
    """
    known = only and _only_known(lists[0], asked)
    examples = {} if known else {repr(list(objects)) for objects in asked.examples}  # not by ==, to which 1 is True
    return [one for one in lists if _is_catalogue(one, asked) or repr(one.objects) in examples]


def _only_known(one: AnswerList, asked: Asked) -> bool:
    """Whether it gives every event of the window an activity, and none but those of the home."""
    said = [asked.labels.lenient(value.get(asked.form.keys.activity)) for value in one.objects or ()]
    return one.names_all(asked.ids, asked.form.keys) and all(label.activity is not None for label in said)


def _is_catalogue(one: AnswerList, asked: Asked) -> bool:
    """Whether it names every activity of the home once, in the home's order."""
    return asked.labels.are_all([value.get(asked.form.keys.activity) for value in one.objects or ()])


def _counting(lists: Sequence[AnswerList], asked: Asked) -> AnswerList | None:
    """The last list that names every event of the window, or else the last that may name one of them, or else the last.

    So a complete list is never overruled by what follows it, and a broken last attempt is not replaced by a partial draft.
    """
    ids, keys = asked.ids, asked.form.keys
    complete = [one for one in lists if one.names_all(ids, keys)]
    about = complete or [one for one in lists if one.names_any(ids, keys)] or lists
    return about[-1] if about else None


def _outside(found: Found, lists: Sequence[AnswerList]) -> Found:
    """What was found outside these lists."""
    listed = {id(value) for one in lists for value in one.objects or ()}
    return found._replace(objects=[one for one in found.objects if id(one.value) not in listed])


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


def _leading_to(chosen: AnswerList | None, text: str, echoes: Sequence[AnswerList]) -> str:
    if chosen is None:
        return ""
    return text[max((one.end for one in echoes if one.end <= chosen.start), default=0) : chosen.start]
