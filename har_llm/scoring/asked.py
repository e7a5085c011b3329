"""What a prompt asks for, which is what its answer is held to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from har_llm.data.answer_form import AnswerForm
from har_llm.data.records import Event
from har_llm.scoring.json_objects import JsonObject
from har_llm.scoring.labels import Labels


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
