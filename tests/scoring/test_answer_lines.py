"""Answers with a line an event, strictly and leniently parsed. Catalogue: 1 cooking, 2 eating, 19 preparing dinner."""

from __future__ import annotations

import json
import re
import time
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from har_llm.data.answer_form import AnswerForm
from har_llm.scoring.answer_content import shown_answers
from har_llm.scoring.answer_format import answer_pattern, runs_on
from har_llm.scoring.asked import Asked
from har_llm.scoring.labels import Labels
from har_llm.scoring.parsing import Answer, parse

CATALOGUE = {1: "cooking", 2: "eating", 19: "preparing dinner"}
LINES = AnswerForm("lines")
MARKED = AnswerForm("lines", mark="Answer:")
EXAMPLE = "Answer as in\n0. <activity>\n1. <activity>"


def answer(text: str, count: int = 2, finish: str = "stop", thinking: bool = False, form: AnswerForm = LINES) -> Answer:
    asked = Asked(range(count), Labels(CATALOGUE), form, shown_answers(EXAMPLE, form))
    return parse(text, finish, asked, thinking=thinking)


def both(*args: Any, **more: Any) -> tuple[list[Any], list[Any]]:
    """The activity, or else the cause, of each event: strictly and leniently."""
    read = answer(*args, **more)
    strict, lenient = ([one.activity or one.missed for one in modes] for modes in (read.strict, read.lenient))
    return strict, lenient


STRICT = {
    "plain": "0. cooking\n1. preparing dinner",
    "numbers": "0. 1\n1. 19",
    "as listed": "0. 1. cooking\n1. 19. preparing dinner",
    "enumeration style": "0. COOKING\n1. PREPARING_DINNER",
    "blank lines and spaces": "  0. cooking \n\n1. preparing dinner\n",
    "fenced": "```\n0. cooking\n1. preparing dinner\n```",
    "prose around": "Here it is:\n0. cooking\n1. preparing dinner\nI hope this helps.",
    "numbered prose before": "1. The fridge was opened.\n2. So it is a meal.\n\n0. cooking\n1. preparing dinner",
    "numbered prose after": "0. cooking\n1. preparing dinner\n\n1. I chose what the room says.\n2. So it is.",
    "a draft before": "0. eating\n1. eating\nNo:\n0. cooking\n1. preparing dinner",
    "a list of fewer events after": "0. cooking\n1. preparing dinner\nIn short:\n0. eating",
    "ids of other windows": "0. cooking\n1. preparing dinner\n2. eating",
    "any order": "1. preparing dinner\n0. cooking",
}


@pytest.mark.parametrize("text", STRICT.values(), ids=STRICT)
def test_lines_as_asked_for_are_parsed_the_same_in_both_modes(text: str) -> None:
    assert both(text) == ([1, 19], [1, 19])


SALVAGED = {
    "another sign": "0: cooking\n1) preparing dinner",
    "a bullet and emphasis": "- **0.** cooking\n- **1. preparing dinner**",
    "named": "Event 0: cooking\n* id 1 - Preparing dinner,",
    "an arrow": "0 -> cooking\n#1 → preparing dinner",
}


@pytest.mark.parametrize("text", SALVAGED.values(), ids=SALVAGED)
def test_what_a_reader_would_understand_counts_in_the_lenient_mode(text: str) -> None:
    assert both(text) == (["malformed"] * 2, [1, 19])


def test_json_where_lines_were_asked_for_counts_in_the_lenient_mode() -> None:
    assert both('[{"id": 0, "activity": "cooking"}, {"id": 1, "activity": 19}]') == (["malformed"] * 2, [1, 19])


def test_missed_events_have_their_causes() -> None:
    assert both("0. cooking") == ([1, "omitted"], [1, "omitted"])
    assert both("0. relaxing\n1. cooking") == (["unknown_label", 1],) * 2
    assert both("0. relaxing\n1. sitting") == (["unknown_label"] * 2,) * 2
    assert both("I cannot tell.") == (["malformed"] * 2,) * 2
    assert both("") == (["no_answer"] * 2,) * 2
    assert both("0. 08:00:00 kitchen fridge OPENED\n1. 08:00:01 kitchen fridge CLOSED") == (["malformed"] * 2,) * 2
    assert both("0. <activity>\n1. <activity>\nas in the example") == (["malformed"] * 2,) * 2, "an echo of the example"
    event_mentioned = answer("<think>Event 1 is unclear.</think>0. cooking", thinking=True)
    assert [one.missed for one in event_mentioned.strict] == [None, "unreported"]


@pytest.mark.parametrize(("finish", "cause"), [("length", "truncated"), ("repetition", "repetition")])
def test_a_cut_answer_keeps_its_whole_lines(finish: str, cause: str) -> None:
    assert both("0. cooking\n1. eating", finish=finish) == ([cause] * 2, [1, cause]), "it may have been eating dinner"
    assert both("0. cooking\n1. eating\n2", count=3, finish=finish) == ([cause] * 3, [1, 2, cause])
    assert both("So:\n0. cooking\n1. eating\nEvent", count=3, finish=finish) == ([cause] * 3, [1, 2, cause])
    assert both("0. cooking\n1. eating\nBut then the fri", finish=finish) == ([cause] * 2,) * 2, "a draft of a reasoning"
    assert both("0. cook", finish=finish) == ([cause] * 2,) * 2


def test_an_answer_that_runs_on_past_its_window_is_a_cause_of_its_own() -> None:
    on = "\n".join(f"{shown}. cooking" for shown in range(11))
    assert runs_on(range(2), LINES) == ("\n11. ",)
    for text, finish in ((on, "ran_on"), (on, "stop"), (f"{on}\n11. co", "length")):
        read = answer(text, finish=finish)
        assert both(text, finish=finish) == (["ran_on"] * 2, [1, 1]) and read.ran_on
    assert both("0. cooking\n1. eating\n2. eating\n3. eating") == ([1, 2],) * 2, "it ends by itself"


def test_reasoning_in_the_text_ends_at_the_mark_that_the_prompt_asks_for() -> None:
    text = "Event 0 is at the stove.\n0. eating\n1. eating\n**Answer:**\n0. cooking\n1. preparing dinner"
    read = answer(text, form=MARKED)
    assert read.reasoning == "Event 0 is at the stove.\n0. eating\n1. eating"
    assert read.answer == "0. cooking\n1. preparing dinner"
    assert both(text, form=MARKED) == ([1, 19],) * 2
    assert both("answer: 0. cooking\n1. eating", form=MARKED) == ([1, 2],) * 2
    assert both("0. cooking\n1. eating", form=MARKED) == ([1, 2],) * 2, "it answers at once"
    assert answer("The answer: it cooks.\n0. eating\n1. eating", form=MARKED).reasoning == "", "not in the midst of a line"


@pytest.mark.parametrize("end", ["Answer:", "**Answer:**", "Answer: that is all.", "Answer complete.", "Answer"])
def test_a_mark_behind_the_answer_does_not_take_it_away(end: str) -> None:
    text = f"So.\nAnswer:\n0. cooking\n1. eating\n\n{end}"
    assert both(text, form=MARKED) == ([1, 2],) * 2
    assert answer(text, form=MARKED).reasoning == "So."


def test_a_mark_without_a_list_behind_it_holds_no_answer() -> None:
    assert both("Answer complete.\n0. cooking\n1. eating", form=MARKED) == ([1, 2],) * 2, "it answers at once"
    assert both("Answer: none.\nAnswer: no.", form=MARKED) == (["malformed"] * 2,) * 2


@pytest.mark.parametrize("text", ["0. 1\n1. 2", '[{"id": 0, "activity": 1}, {"id": 1, "activity": 2}]'])
def test_a_number_names_an_activity_only_where_the_prompt_shows_numbers(text: str) -> None:
    """A model that is asked for names may write the ids again."""
    form = LINES if text.startswith("0.") else AnswerForm()
    for numbered, found in ((True, [1, 2]), (False, ["unknown_label"] * 2)):
        asked = Asked(range(2), Labels(CATALOGUE, numbered=numbered), replace(form, numbered=numbered))
        read = parse(text, "stop", asked, thinking=False)
        assert [one.activity or one.missed for one in read.strict] == found
        assert [one.activity or one.missed for one in read.lenient] == found


def test_nothing_is_taken_from_reasoning_that_was_cut_before_the_mark() -> None:
    read = answer("Drafts:\n0. cooking\n1. eating\n2", form=MARKED, finish="length")
    assert read.answer is None and read.reasoning.startswith("Drafts:")
    assert [one.missed for one in (*read.strict, *read.lenient)] == ["truncated"] * 4
    assert both("So.\nAnswer:\n0. cooking\n1. ea", form=MARKED, finish="length") == (["truncated"] * 2, [1, "truncated"])


def test_answers_of_a_real_small_model() -> None:
    """Of Qwen2.5-Coder-0.5B: with a definition of the list; begun again until it is cut; the mark before each event."""
    defined = Asked(range(2), Labels(CATALOGUE, {2: "eating: also just drinking"}), LINES)
    read = parse("0. cooking\n1. eating: also just drinking", "stop", defined, thinking=False)
    assert [one.activity for one in read.strict] == [1, 2]
    assert both("0. cooking\n1. eating\n\n" * 9 + "0. cook", finish="length") == (["truncated"] * 2, [1, 2])
    assert both("Answer: pantry door OPENED\nAnswer: pantry door CLOSED", form=MARKED) == (["malformed"] * 2,) * 2


NAMES = {1: "a (b) [c] {d}", 3: 'say "x"', 7: "préparer | manger.*", 8: "12", 9: "twice", 10: "twice"}


@given(st.data(), st.lists(st.integers(0, 120), min_size=1, max_size=5, unique=True))
@settings(max_examples=60, deadline=None)
def test_whatever_has_the_pattern_is_parsed_strictly(data: st.DataObject, ids: list[int]) -> None:
    text = data.draw(st.from_regex(answer_pattern(ids, NAMES, LINES), fullmatch=True))
    read = parse(text, "stop", Asked(ids, Labels(NAMES), LINES), thinking=False)
    assert all(one.activity in NAMES for one in read.strict) and read.strict == read.lenient
    assert not re.fullmatch(answer_pattern(ids, NAMES, LINES), text + "\n" + text)


@pytest.mark.slow
@pytest.mark.parametrize("piece", ["0. x\nfoo\n", "0. x\n", "1", "- ", "* 0 ", "\n", "0. ", "Event 0"])
def test_hostile_text_is_parsed_in_seconds(piece: str) -> None:
    text = piece * (300_000 // len(piece))
    started = time.process_time()
    assert both(f"{text}\n\n0. cooking\n1. eating")[0] == [1, 2]
    both(text, finish="length")
    assert time.process_time() - started < 5


IN_ORDER = ("none of these", "cooking", "eating", "sleeping", "other")
LEGENDS = {
    "lines": "\n".join(f"{number}. {name}" for number, name in enumerate(IN_ORDER)),
    "json": json.dumps([{"id": number, "activity": name} for number, name in enumerate(IN_ORDER)]),
}
SAID = {"lines": "0. eating\n1. eating", "json": '[{"id": 0, "activity": 2}, {"id": 1, "activity": 2}]'}


@pytest.mark.parametrize("written", LEGENDS)
def test_a_legend_is_not_taken_for_an_answer_that_leaves_an_event_out(written: str) -> None:
    asked = Asked(range(3), Labels(dict(enumerate(IN_ORDER))), AnswerForm(written))
    legend, said = LEGENDS[written], SAID[written]
    for text in (f"Activities:\n{legend}\n\nAnswer:\n{said}", f"{said}\n\nActivities:\n{legend}"):
        read = parse(text, "stop", asked, thinking=False)
        for mode in (read.strict, read.lenient):
            assert [one.activity for one in mode] == [2, 2, None], text
    alone = parse(f"{legend}\n\nI cannot tell.", "stop", asked, thinking=False)
    assert {one.missed for one in (*alone.strict, *alone.lenient)} == {"malformed"}


def test_few_activities_in_their_order_may_be_those_of_a_short_window() -> None:
    asked = Asked(range(3), Labels({1: "sleeping", 2: "eating", 3: "away"}), LINES)
    for text in (
        "0. sleeping\n1. eating\n2. away",
        "At first:\n0. away\n1. away\n2. away\nNo:\n0. sleeping\n1. eating\n2. away",
    ):
        read = parse(text, "stop", asked, thinking=False)
        assert [one.activity for one in read.strict] == [one.activity for one in read.lenient] == [1, 2, 3]
