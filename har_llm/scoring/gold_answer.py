"""Activities of a window as the answer that its prompt asks for."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from har_llm.data.answer_form import AnswerForm
from har_llm.data.records import Prompt
from har_llm.scoring.labels import Labels


def gold_answer(prompt: Prompt, activities: Mapping[int, str], form: AnswerForm) -> str:
    """Of several gold activities of an event, the first."""
    return written_answer(prompt.ids, [event.activities[0] for event in prompt.window.events], activities, form)


def written_answer(ids: Sequence[int], numbers: Sequence[int], activities: Mapping[int, str], form: AnswerForm) -> str:
    """The activities with these numbers: a JSON list with the spaces of the prompt's example, or lines.

    A line names the activity, or its number if several have that name.
    """
    said = list(zip(ids, numbers, strict=True))
    if form.format == "json":
        return json.dumps([{form.keys.id: shown, form.keys.activity: number} for shown, number in said])
    names = Labels(activities).names()
    return "\n".join(f"{shown}. {activities[one] if activities[one] in names else one}" for shown, one in said)
