"""The gold activities of a window as the answer that its prompt asks for."""

from __future__ import annotations

import json
from collections.abc import Mapping

from har_llm.data.answer_form import AnswerForm
from har_llm.data.records import Prompt
from har_llm.scoring.labels import Labels


def gold_answer(prompt: Prompt, activities: Mapping[int, str], form: AnswerForm) -> str:
    """A JSON list with the spaces of the prompt's example, or lines; of several gold activities of an event, the first.

    A line names the activity, or its number if several have that name.
    """
    gold = [(shown, event.activities[0]) for shown, event in zip(prompt.ids, prompt.window.events, strict=True)]
    if form.format == "json":
        return json.dumps([{form.keys.id: shown, form.keys.activity: number} for shown, number in gold])
    names = Labels(activities).names()
    return "\n".join(f"{shown}. {activities[one] if activities[one] in names else one}" for shown, one in gold)
