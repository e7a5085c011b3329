"""Answers as a prompt asks for them: with the gold activities of a window, or with other words in their place."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from har_llm.data.answer_form import AnswerForm
from har_llm.data.records import Window


def gold_answer(window: Window, ids: Sequence[int], activities: Mapping[int, str], form: AnswerForm) -> str:
    """The first gold activity of each event, which must have one: its name, or its number if the form asks for numbers or
    several have that name."""
    gold = [event.activities[0] for event in window.events]
    if form.activities == "numbers":
        return written_answer(ids, gold, form)
    names = [*activities.values()]
    unique = {number: name for number, name in activities.items() if names.count(name) == 1 and not name.isdigit()}
    return written_answer(ids, [unique.get(number, number) for number in gold], form)


def written_answer(ids: Sequence[int], activities: Sequence[str | int], form: AnswerForm) -> str:
    """A line for each event, or a JSON list with the spaces that Python's json writes."""
    pairs = zip(ids, activities, strict=True)
    if form.format == "lines":
        return "\n".join(f"{shown}. {activity}" for shown, activity in pairs)
    return json.dumps([{form.keys.id: shown, form.keys.activity: one} for shown, one in pairs], ensure_ascii=False)
