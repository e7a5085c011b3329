"""Tells an answer in the form that its prompt asks for from one in another form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from har_llm.data.answer_form import AnswerForm
from har_llm.scoring.answer_lines import line_lists
from har_llm.scoring.json_objects import find_objects


def other_form(answer: str, form: AnswerForm) -> str | None:
    """What another form an answer has, in words; None if it has the form that is asked for, or no form at all."""
    lines = [line.value for lines in line_lists(answer, form.keys) for line in lines]
    objects = [one.value for one in find_objects(answer).objects]
    if form.format == "lines":
        if objects and not lines:
            return "in JSON, not in lines"
        return _numbered(lines, form)
    if lines and not objects:
        return "in lines, not in JSON"
    keys = (form.keys.id, form.keys.activity)
    asked = [value for value in objects if all(key in value for key in keys)]
    if objects and not asked:
        return f"with the keys {' and '.join(objects[0])}, not {' and '.join(keys)}"
    return _numbered(asked, form)


def _numbered(given: Sequence[Mapping[str, Any]], form: AnswerForm) -> str | None:
    """Numbers are no answer to a prompt that shows activities without them."""
    if given and not form.numbered and all(type(value[form.keys.activity]) is int for value in given):
        return "with activities by number, which the prompt does not show"
    return None
