"""Tells an answer in the form that its prompt asks for from one in another form."""

from __future__ import annotations

import reprlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from har_llm.data.answer_form import AnswerForm
from har_llm.scoring.answer_lines import line_lists
from har_llm.scoring.json_objects import find_objects
from har_llm.scoring.labels import Labels, bare_number


class OtherForm(NamedTuple):
    fault: str
    """What another form an answer has, in words: one of a few for a form that is asked for."""
    found: str = ""
    """What the answer has in its place, shortened."""


def other_form(answer: str, form: AnswerForm, activities: Mapping[int, str]) -> OtherForm | None:
    """What another form an answer has; None if it has the form that is asked for, or no form at all.

    `activities`: those that the prompt asks for.
    """
    lines = [line.value for lines in line_lists(answer, form.keys) for line in lines]
    objects = [one.value for one in find_objects(answer).objects]
    if form.format == "lines":
        if objects and not lines:
            return OtherForm("in JSON, not in lines")
        return _numbered(lines, form, activities)
    if lines and not objects:
        return OtherForm("in lines, not in JSON")
    keys = (form.keys.id, form.keys.activity)
    asked = [value for value in objects if all(key in value for key in keys)]
    if objects and not asked:
        return OtherForm(f"with other keys than {' and '.join(keys)}", reprlib.repr([*objects[0]]))
    return _numbered(asked, form, activities)


def _numbered(given: Sequence[Mapping[str, Any]], form: AnswerForm, activities: Mapping[int, str]) -> OtherForm | None:
    """Numbers are no answer to a prompt that shows activities without them, but of those that share their name."""
    if not given or form.numbered:
        return None
    labels, values = Labels(activities, numbered=False), [value[form.keys.activity] for value in given]
    if all(bare_number(value) is not None and labels.lenient(value).activity is None for value in values):
        return OtherForm("with activities by number, which the prompt does not show")
    return None
