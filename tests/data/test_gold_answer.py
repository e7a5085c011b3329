"""A gold answer is what a perfect model would answer."""

from __future__ import annotations

import json
import re

import pytest

from har_llm.data.answer_form import AnswerForm, AnswerKeys
from har_llm.data.gold_answer import gold_answer
from har_llm.data.records import Event, Window
from har_llm.scoring.answer_format import answer_pattern, answer_schema
from har_llm.scoring.asked import Asked
from har_llm.scoring.labels import Labels
from har_llm.scoring.parsing import parse
from tests.helpers import clock

ACTIVITIES = {1: "sleeping", 2: "cooking", 3: "eating (a meal)", 4: "Sleeping", 5: "sleeping"}
FORMS = (
    AnswerForm(),
    AnswerForm(keys=AnswerKeys(id="event", activity="predicted")),
    AnswerForm("lines"),
    AnswerForm(activities="numbers"),
)


@pytest.mark.parametrize("form", FORMS)
def test_a_gold_answer_has_the_form_that_is_asked_for_and_is_parsed_as_gold(form: AnswerForm) -> None:
    gold = [(3,), (1, 2), (2,), (5,)]
    events = tuple(Event(place, clock("08:00:00"), "stove ON", one, ()) for place, one in enumerate(gold))
    ids = (4, 5, 6, 7)
    answer = gold_answer(Window("s", 0, events), ids, ACTIVITIES, form)
    assert re.fullmatch(answer_pattern(ids, ACTIVITIES, form), answer)
    parsed = parse(answer, "stop", Asked(ids, Labels(ACTIVITIES), form), thinking=False)
    assert [one.activity for one in parsed.strict] == [3, 1, 2, 5]


def test_residents_are_numbered_as_they_come_and_left_out_where_they_are_not_known() -> None:
    subjects = [("B",), ("A", "B"), (), ("B", "A")]
    events = tuple(Event(place, clock("08:00:00"), "stove ON", (2,), one) for place, one in enumerate(subjects))
    form = AnswerForm(keys=AnswerKeys(resident="who"))
    answer = gold_answer(Window("s", 0, events), (0, 1, 2, 3), ACTIVITIES, form)
    assert [one.get("who") for one in json.loads(answer)] == [1, 2, None, 1]
    parsed = parse(answer, "stop", Asked((0, 1, 2, 3), Labels(ACTIVITIES), form), thinking=False)
    assert [one.resident for one in parsed.strict] == [one.resident for one in parsed.lenient] == [1, 2, None, 1]
    whole = gold_answer(Window("s", 0, events[:2]), (0, 1), ACTIVITIES, form)
    assert re.fullmatch(answer_pattern((0, 1), ACTIVITIES, form), whole)
    assert answer_schema((0, 1), ACTIVITIES, form)["properties"]["0"]["required"] == ["id", "activity", "who"]


def test_what_is_not_asked_for_is_in_no_key() -> None:
    """So that adapters that were trained before residents could be asked for keep theirs."""
    assert AnswerForm().identity()["keys"] == {"id": "id", "activity": "activity"}
    assert AnswerForm(keys=AnswerKeys(resident="who")).identity()["keys"]["resident"] == "who"
