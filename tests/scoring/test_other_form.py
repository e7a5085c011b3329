"""An answer in the form that its prompt asks for is told from one in another form."""

from __future__ import annotations

from dataclasses import replace

import pytest

from har_llm.data.answer_form import AnswerForm
from har_llm.data.gold_answer import gold_answer
from har_llm.data.records import Event, Window
from har_llm.scoring.other_form import other_form
from tests.data.test_gold_answer import ACTIVITIES, FORMS
from tests.helpers import clock

UNNUMBERED = [replace(form, numbered=False) for form in FORMS if form.activities == "names"]


@pytest.mark.parametrize("form", [*FORMS, *UNNUMBERED])
@pytest.mark.parametrize("gold", [(3, 1, 2, 5), (5, 1), (2,)])
def test_a_gold_answer_has_the_form_that_is_asked_for(form: AnswerForm, gold: tuple[int, ...]) -> None:
    """Also where two activities share a name, so that their numbers stand for them."""
    events = tuple(Event(place, clock("08:00:00"), "stove ON", (one,), ()) for place, one in enumerate(gold))
    answer = gold_answer(Window("s", 0, events), range(len(gold)), ACTIVITIES, form)
    assert other_form(answer, form, ACTIVITIES) is None
