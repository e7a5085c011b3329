"""The form of a structured answer: its pattern, its schema and the strict parsing say the same."""

from __future__ import annotations

import importlib.util
import json
import re
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from har_llm.data.answer_form import AnswerForm, AnswerKeys
from har_llm.engines.decoding import DecodingConfig
from har_llm.runs.prepare import prepare
from har_llm.scoring.answer_format import answer_pattern, answer_schema
from har_llm.scoring.asked import Asked
from har_llm.scoring.labels import Labels
from har_llm.scoring.parsing import parse
from tests.composing import experiment

PAPERS = AnswerKeys(id="event", activity="predicted_activity")
KEYS = st.sampled_from([AnswerKeys(), PAPERS])
IDS = st.lists(st.integers(0, 120), min_size=1, max_size=5, unique=True)
ACTIVITIES = st.lists(st.integers(0, 30), min_size=1, max_size=6, unique=True)
thorough = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
needs_jsonschema = pytest.mark.skipif(importlib.util.find_spec("jsonschema") is None, reason="jsonschema is not installed")


def named(activities: Sequence[int]) -> dict[int, str]:
    """Names with characters that mean something in JSON or in regular expressions; two that are no names of one activity."""
    odd = ["a (b) [c] {d}", 'say "x\\n"', "préparer | manger.*", "12", "twice", "twice"]
    return {number: odd[place] for place, number in enumerate(activities)}


def written(*rows: tuple[int, int]) -> str:
    return json.dumps([{"id": shown, "activity": activity} for shown, activity in rows])


def fits(text: str, ids: list[int], activities: list[int]) -> bool:
    return re.fullmatch(answer_pattern(ids, named(activities), AnswerForm()), text) is not None


def valid(text: str, ids: list[int], activities: list[int], keys: AnswerKeys | None = None) -> bool:
    import jsonschema

    schema = answer_schema(ids, named(activities), AnswerForm(keys=keys or AnswerKeys()))
    jsonschema.Draft202012Validator.check_schema(schema)
    answer = json.loads(text)
    whole = dict(zip(schema["required"], answer, strict=False)) if len(answer) == len(ids) else answer
    return bool(jsonschema.Draft202012Validator(schema).is_valid(whole))


@pytest.mark.slow
@needs_jsonschema
@given(data=st.data(), ids=IDS, activities=ACTIVITIES, keys=KEYS)
@thorough
def test_whatever_has_the_pattern_has_the_schema(
    data: st.DataObject, ids: list[int], activities: list[int], keys: AnswerKeys
) -> None:
    text = data.draw(st.from_regex(answer_pattern(ids, named(activities), AnswerForm(keys=keys)), fullmatch=True))
    assert valid(text, ids, activities, keys)


@pytest.mark.slow
@pytest.mark.parametrize("thinking", [True, False])
@given(data=st.data(), ids=IDS, activities=ACTIVITIES, keys=KEYS)
@thorough
def test_whatever_has_the_pattern_is_parsed_strictly_as_it_is_written(
    data: st.DataObject, ids: list[int], activities: list[int], thinking: bool, keys: AnswerKeys
) -> None:
    text = data.draw(st.from_regex(answer_pattern(ids, named(activities), AnswerForm(keys=keys)), fullmatch=True))
    reasoning = f'<think>\nIt is [{{"{keys.id}": 0, "{keys.activity}": 1}}].\n</think>' if thinking else ""
    labels = Labels(named(activities))
    read = parse(reasoning + text, "stop", Asked(ids, labels, AnswerForm(keys=keys)), thinking=thinking)
    assert read.strict == tuple(labels.strict(row[keys.activity]) for row in json.loads(text))
    assert all(prediction.activity in activities for prediction in read.strict)
    assert read.lenient == read.strict


@given(ids=IDS, activities=ACTIVITIES, random=st.randoms())
@thorough
def test_the_form_that_the_prompt_asks_for_has_the_pattern(ids: list[int], activities: list[int], random: Any) -> None:
    text = written(*((shown, random.choice(activities)) for shown in ids))
    a_line_each = "[\n" + text[1:-1].replace("}, ", "},\n") + "\n]"
    assert all(fits(form, ids, activities) for form in (text, f"\n{text}", f"\n\n{text}", a_line_each))


OTHER_ANSWERS = [
    written(),
    written((3, 1)),
    written((4, 1), (3, 1)),
    written((3, 1), (4, 1), (5, 1)),
    written((3, 1), (3, 1)),
    written((3, 1), (4, 2)),
    written((3, 1), (4, 121)),
    '[{"id": 3, "activity": 1}, {"id": 4}]',
    '[{"id": 3, "activity": 1}, {"id": 4, "activity": "1"}]',
    '[{"id": 3, "activity": 1}, {"id": 4, "activity": 1, "why": 0}]',
    '{"id": 3, "activity": 1}',
]


@pytest.mark.parametrize("text", OTHER_ANSWERS)
def test_an_answer_that_leaves_out_adds_or_invents_has_not_the_pattern(text: str) -> None:
    assert not fits(text, [3, 4], [1, 12])


@needs_jsonschema
@pytest.mark.parametrize("text", OTHER_ANSWERS)
def test_an_answer_that_leaves_out_adds_or_invents_has_not_the_schema(text: str) -> None:
    assert not valid(text, [3, 4], [1, 12])


@pytest.mark.parametrize("said", ["1", '"cooking"', '"1. cooking"', '"12. eating"'])
def test_an_activity_may_be_named_as_the_prompt_asks(said: str) -> None:
    pattern = answer_pattern([3], {1: "cooking", 12: "eating"}, AnswerForm())
    assert re.fullmatch(pattern, f'[{{"id": 3, "activity": {said}}}]')
    assert not re.fullmatch(pattern, '[{"id": 3, "activity": "12. cooking"}]')
    unnumbered = AnswerForm(numbered=False)
    by_name = answer_pattern([3], {1: "cooking", 12: "eating"}, unnumbered)
    assert (re.fullmatch(by_name, f'[{{"id": 3, "activity": {said}}}]') is not None) == (said == '"cooking"')
    schema = answer_schema([3], {1: "cooking", 12: "eating"}, unnumbered)
    assert schema["$defs"]["activity"] == {"anyOf": [{"type": "string", "enum": ["cooking", "eating"]}]}


@pytest.mark.parametrize("blanks", ["\n\n\n", " ", "\t", "\r\n"])
def test_the_pattern_leaves_no_room_for_endless_blanks(blanks: str) -> None:
    assert not fits(blanks + written((3, 1), (4, 1)), [3, 4], [1, 12])
    assert not fits(written((3, 1), (4, 1)).replace(", ", f", {blanks}"), [3, 4], [1, 12])
    assert not fits(written((3, 1), (4, 1)) + blanks, [3, 4], [1, 12])


def test_a_structured_run_asks_for_every_event_of_its_window() -> None:
    plain = prepare(experiment("model=tiny_student", "engine=vllm", "limit=2"))
    structured = prepare(experiment("model=tiny_student", "engine=vllm", "limit=2", "decoding=structured"))
    for prompt, request in zip(structured.prompts, structured.requests, strict=True):
        gold = written(
            *((shown, event.activities[0]) for shown, event in zip(prompt.ids, prompt.window.events, strict=True))
        )
        assert request.pattern and re.fullmatch(request.pattern, gold)
        assert request.schema and len(request.schema["required"]) == len(prompt.ids)
    assert all(request.schema is None and request.pattern is None for request in plain.requests)
    assert not {request.key for request in plain.requests} & {request.key for request in structured.requests}


def test_what_is_off_is_in_no_key() -> None:
    assert DecodingConfig().identity() == {}
    assert DecodingConfig(samples=5, structured=True, repetition_max_pattern_size=9).identity() == {}
    assert DecodingConfig(thinking_token_budget=7).identity() != DecodingConfig(thinking_token_budget=8).identity()
    assert (
        DecodingConfig(repetition_min_count=3).identity()
        != DecodingConfig(repetition_min_count=3, repetition_max_pattern_size=9).identity()
    )


def test_what_an_engine_has_to_follow_is_named() -> None:
    assert DecodingConfig(samples=5).needed() == []
    wanted = DecodingConfig(thinking_token_budget=1, repetition_min_count=2, structured=True)
    assert wanted.needed() == ["thinking_token_budget", "repetition_min_count", "structured"]
