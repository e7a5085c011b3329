"""Parses a generation into one prediction for each event of its window.

There are two parsing modes. The strict one accepts only what the prompt asks for: a valid JSON list of objects, each with an
integer "id" and an "activity". The lenient one also salvages what a human reader would understand. In both, an event
without an activity is missed, with a cause; no activity is guessed, and nothing is taken from the model's reasoning, from a
text that was cut outside its list, or from an echo of the prompt's example. Where the prompt asks for a line an event, these
lines are the list.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from har_llm.models.reasoning import PUBLISHED, Marks
from har_llm.scoring.answer_content import Content, answers_all, read_content
from har_llm.scoring.answer_parts import ENDED, split_answer
from har_llm.scoring.asked import Asked
from har_llm.scoring.lenient import parse_leniently
from har_llm.scoring.mentions import mentions
from har_llm.scoring.prediction import Prediction
from har_llm.scoring.strict import is_clear, parse_strictly

VERSION = 10
"""To be raised when the same generation would be parsed differently; part of a run's digest."""

_CUTS = {"length": "truncated", "ran_on": "ran_on", "repetition": "repetition"}
"""Why a generation that did not end by itself lacks an event, by its finish reason."""
_EMPTY_LIST = re.compile(r"(?:```[a-z]*)?\s*\[\s*\]\s*(?:```)?")  # a valid list, though it omits every event

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


def parse(text: str, finish_reason: str, asked: Asked, *, thinking: bool, marks: Marks = PUBLISHED) -> Answer:
    """Parse a generation. `finish_reason`: one of FINISH_REASONS. `thinking`, `marks`: as the model reasons."""
    reasoning, answer = _divided(text, finish_reason, asked, thinking=thinking, marks=marks)
    if not answer:
        missed = (Prediction(None, _CUTS.get(finish_reason, "no_answer")),) * len(asked.ids)
        return Answer(reasoning, answer, missed, missed)
    content = read_content(answer, finish_reason, asked)
    strict, lenient = parse_strictly(content.chosen, asked), parse_leniently(content.found, asked)
    lenient |= {shown: one for shown, one in strict.items() if one.activity is not None}
    nothing = "omitted" if _EMPTY_LIST.fullmatch(answer) else "malformed"
    cut = _CUTS.get("ran_on" if content.ran_on else finish_reason)
    before = f"{reasoning}\n{content.before}"
    return Answer(
        reasoning,
        answer,
        _of_all(strict, cut or _absent_strictly(content, asked, nothing), before, asked),
        _of_all(lenient, cut or ("omitted" if lenient else nothing), before, asked),
        content.ran_on,
    )


def _divided(text: str, finish_reason: str, asked: Asked, *, thinking: bool, marks: Marks) -> tuple[str, str | None]:
    """The reasoning and the answer. What a model that does not reason by itself says before a mark of reasoning is its
    answer, if it ends with nothing behind it; only if it answers every event, because else it may be reasoning too."""
    reasoning, answer = split_answer(text, finish_reason, asked.form, thinking=thinking, marks=marks)
    if answer or thinking or finish_reason not in ENDED:
        return reasoning, answer
    said = marks.opens.split(text, maxsplit=1)[0]
    if asked.ids and answers_all(said, asked):
        return text[len(said) :].strip(), said.strip()
    return reasoning, answer


def _absent_strictly(content: Content, asked: Asked, nothing: str) -> str:
    """Why the strict mode misses an event that the list does not have."""
    if content.chosen is None or content.chosen.objects is None:
        return nothing
    return "omitted" if is_clear(content.chosen.objects, asked.form.keys) else "malformed"


def _of_all(stated: Mapping[int, Prediction], absent: str, before: str, asked: Asked) -> tuple[Prediction, ...]:
    """The prediction of each event of the window; omitted ones are told apart by whether they are mentioned before."""
    predictions = [stated.get(shown, Prediction(None, absent)) for shown in asked.ids]
    return _told_apart(predictions, before, asked)


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
