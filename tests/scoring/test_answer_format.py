"""The grammar of an answer takes what its regular expression takes, whatever activities are called."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from har_llm.data.answer_form import AnswerForm, AnswerKeys
from har_llm.data.gold_answer import gold_answer
from har_llm.data.records import Event, Window
from har_llm.scoring.answer_format import answer_grammar, answer_pattern
from tests.helpers import clock

FORMS = (
    AnswerForm(),
    AnswerForm("lines"),
    AnswerForm(numbered=False, keys=AnswerKeys(id="e", activity="a", resident="who")),
)
TOKEN = re.compile(r'"(?:\\.|[^"\\])*"|\[(?:\\.|[^\]\\])*\]|[|?]|\w+')


def as_regex(grammar: str) -> str:
    """The language of a grammar of our kind: texts, classes of characters, alternatives, options, names of rules."""
    rules = dict(line.split(" ::= ", 1) for line in grammar.splitlines())

    def of(rule: str) -> str:
        parts = []
        for token in TOKEN.findall(rules[rule]):
            if token[0] == '"':
                parts.append(f"(?:{re.escape(json.loads(token))})")
            else:
                parts.append(token if token[0] in "[|?" else of(token))
        return f"(?:{''.join(parts)})"

    return of("root")


LETTERS = st.characters(blacklist_categories=("Cs", "Cc", "Zl", "Zp"))
NAMES = st.text(LETTERS, min_size=1, max_size=12).map(str.strip).filter(bool)


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=40)
@given(st.lists(NAMES, min_size=2, max_size=4, unique_by=str.casefold))
@example(['a "b" \\', "née 数"])
@example(["0", "0."])  # a name that is a number, however it is written, is answered by its number
def test_what_the_pattern_takes_the_grammar_takes(form: AnswerForm, names: list[str]) -> None:
    activities = dict(enumerate(names, start=3))
    events = tuple(Event(place, clock("08:00:00"), "door ON", (3 + place % 2,), ("A",)) for place in range(3))
    ids = (4, 5, 6)
    answer = gold_answer(Window("s", 0, events), ids, activities, form)
    grammar, pattern = as_regex(answer_grammar(ids, activities, form)), answer_pattern(ids, activities, form)
    for text in (answer, "\n" + answer, answer.replace("5", "9"), answer[:-1], answer + "x", answer.replace("\n", ", ")):
        assert bool(re.fullmatch(grammar, text)) == bool(re.fullmatch(pattern, text)), text
    assert re.fullmatch(grammar, answer)
