"""Answers as a prompt asks for them: with the gold activities of a window, or with other words in their place."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from har_llm.data.answer_form import AnswerForm, AnswerKeys, number_in
from har_llm.data.records import Window


def gold_answer(window: Window, ids: Sequence[int], activities: Mapping[int, str], form: AnswerForm) -> str:
    """The first gold activity of each event, which must have one: its name, or its number if the form asks for numbers,
    several have that name, or the name is a number."""
    gold = [event.activities[0] for event in window.events]
    residents = numbered_residents(window)
    if form.activities == "numbers":
        return written_answer(ids, gold, form, residents)
    names = [*activities.values()]
    unique = {number: name for number, name in activities.items() if names.count(name) == 1 and number_in(name) is None}
    return written_answer(ids, [unique.get(number, number) for number in gold], form, residents)


def numbered_residents(window: Window) -> list[int | None]:
    """The residents behind the events as a prompt asks for them: numbers from 1, in the order in which they first come.

    Of several behind one event, the first counts; None where the dataset does not say.
    """
    numbers: dict[str, int] = {}
    first = [next(iter(event.subjects), None) for event in window.events]
    return [None if one is None else numbers.setdefault(one, len(numbers) + 1) for one in first]


def written_answer(
    ids: Sequence[int], activities: Sequence[str | int], form: AnswerForm, residents: Sequence[str | int | None]
) -> str:
    """A line for each event, or a JSON list with the spaces that Python's json writes."""
    if form.format == "lines":
        return "\n".join(f"{shown}. {activity}" for shown, activity in zip(ids, activities, strict=True))
    rows = zip(ids, activities, residents, strict=True)
    return json.dumps([_object(form.keys, *row) for row in rows], ensure_ascii=False)


def _object(keys: AnswerKeys, shown: int, activity: str | int, resident: str | int | None) -> dict[str, str | int]:
    said: dict[str, str | int] = {keys.id: shown, keys.activity: activity}
    return said if keys.resident is None or resident is None else {**said, keys.resident: resident}
