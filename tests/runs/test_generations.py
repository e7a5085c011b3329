"""The generations of a window, parsed in both modes."""

from __future__ import annotations

from har_llm.runs.generations import WindowGenerations
from har_llm.runs.store import Record
from har_llm.scoring.parsing import Answer
from har_llm.scoring.prediction import Prediction
from tests.scoring.predictions import missed, named


def test_a_window_votes_event_by_event_and_parsing_by_parsing() -> None:
    records = [Record(f"key{number}", "", "stop", 1, 1, 0.0, {}) for number in range(3)]
    strict = [named(1, 2), [*missed("malformed"), *named(3)], named(1, 3)]
    lenient = [named(1, 2), named(2, 2), named(2, 3)]
    answers = [Answer("", "", tuple(one), tuple(two)) for one, two in zip(strict, lenient, strict=True)]
    window = WindowGenerations(records, answers)
    assert window.predictions("strict") == tuple(named(1, 3))
    assert window.predictions("lenient") == tuple(named(2, 2))


def test_a_single_generation_is_taken_as_it_is() -> None:
    answer = Answer("", "", (Prediction(1, None), Prediction(None, "omitted")), (Prediction(1, None),) * 2)
    window = WindowGenerations([Record("key", "", "stop", 1, 1, 0.0, {})], [answer])
    assert window.predictions("strict") == answer.strict
    assert window.predictions("lenient") == answer.lenient
