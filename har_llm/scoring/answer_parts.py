"""Divides a generation into reasoning and answer, by the model's own marks or by the line that the prompt asks for."""

from __future__ import annotations

import re

from har_llm.data.answer_form import AnswerForm
from har_llm.models.reasoning import PUBLISHED, Marks, split_reasoning
from har_llm.scoring.answer_lines import line_lists

ENDED = ("stop", "ran_on")
"""Finish reasons of texts that are whole: a text that was stopped because it ran on has all that is said of its window."""


def split_answer(
    text: str, finish_reason: str, form: AnswerForm, *, thinking: bool, marks: Marks = PUBLISHED
) -> tuple[str, str | None]:
    """The reasoning and the answer of a generation; the answer is None if the reasoning was never closed.

    A model that ends without the mark that the prompt asks for has given its answer at once.
    """
    reasoning, answer = split_reasoning(text, thinking=thinking, marks=marks)
    if answer is None or form.mark is None:
        return reasoning, answer
    parts = marked_parts(answer, form.mark)
    if len(parts) == 1 and finish_reason not in ENDED:
        return _joined(reasoning, answer), None
    place = next((place for place in range(len(parts) - 1, 0, -1) if _holds_list(parts[place], form)), len(parts) - 1)
    return _joined(reasoning, *parts[:place]), _joined(*parts[place:])


def _joined(*parts: str) -> str:
    return "\n".join(filter(None, parts))


def _holds_list(part: str, form: AnswerForm) -> bool:
    return bool(line_lists(part, form.keys)) if form.format == "lines" else "{" in part


def marked_parts(text: str, mark: str) -> list[str]:
    """What stands around the lines that begin with the mark, with or without marks of emphasis. Without its colon it must be
    all of its line, because "Answer complete." is none."""
    name = re.escape(mark.rstrip(":"))
    line = rf"^[ \t>*_#`]*{name}[*_]*(?::[*_`]*(?:[ \t]+|$)|[*_`]*[ \t]*$)"
    return [part.strip() for part in re.split(line, text, flags=re.IGNORECASE | re.MULTILINE)]
