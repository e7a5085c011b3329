"""Which of a teacher's generations a student is trained on, and that whatever is left out is accounted for."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from har_llm.common.errors import ConfigError
from har_llm.data.records import Event, Prompt, Window
from har_llm.distill.examples import Candidate, Selection, select, why_unusable
from har_llm.distill.examples_config import ExampleSettings
from har_llm.distill.training_messages import LongExamples
from har_llm.models.reasoning import marks_of
from har_llm.scoring.asked import Asked
from har_llm.scoring.labels import Labels
from har_llm.scoring.parsing import parse
from tests.helpers import clock

LABELS = Labels({1: "sleeping", 2: "cooking", 3: "eating"})
GOLD = (1, 2, 3)


def prompt(index: int = 0) -> Prompt:
    events = tuple(
        Event(place, clock("08:00:00"), "kitchen stove turned ON", (gold,), ()) for place, gold in enumerate(GOLD)
    )
    return Prompt(Window("s", index, events), ({"role": "user", "content": "?"},), (0, 1, 2))


def text(*activities: int | None, reasoning: str = "So.") -> str:
    rows = [{"id": place, "activity": one} for place, one in enumerate(activities) if one is not None]
    return f"<think>\n{reasoning}\n</think>\n\n{json.dumps(rows)}"


def candidate(content: str, ids: tuple[int, ...] = (0, 1, 2), reason: str = "stop", key: str = "k") -> Candidate:
    return Candidate(key, content, reason, parse(content, reason, Asked(ids, LABELS), thinking=True).strict)


def window(*texts: str, reason: str = "stop") -> list[Candidate]:
    return [candidate(one, reason=reason, key=f"{place:064d}") for place, one in enumerate(texts)]


def chosen(*windows: list[Candidate], **settings: Any) -> Selection:
    samples = len(windows[0])
    made = ExampleSettings(**{"samples": samples, **settings})
    made.check()
    return select([prompt(place) for place in range(len(windows))], windows, made, thinking=True)


def test_by_default_every_generation_is_trained_on_word_for_word() -> None:
    """The paper's choice: wrong answers and badly formed ones too."""
    texts = [text(1, 2, 3), text(3, 3, 3), "<think>\nHm.\n</think>\n\nI do not know."]
    made = chosen(*(window(one) for one in texts))
    assert [example.text for example in made.examples] == texts
    assert (made.generations, made.left_out, made.uses_gold) == (3, {}, False)
    assert made.examples[0].as_row()["completion"] == [{"role": "assistant", "content": texts[0]}]


@pytest.mark.parametrize(
    ("content", "reason", "fault"),
    [
        (text(1, 2, 3), "length", "cut"),
        (text(1, 2, 3), "repetition", "cut"),
        ("<think>\nHm.", "stop", "with unclosed reasoning"),
        ("[]", "stop", "without reasoning"),
        ("<think>\na</think>b</think>[]", "stop", "with more than one reasoning part"),
        ("<think>\na<think>b</think>[]", "stop", "with more than one reasoning part"),
    ],
)
def test_an_unusable_generation_stops_the_training_or_is_left_out(content: str, reason: str, fault: str) -> None:
    broken = window(content, reason=reason)
    assert why_unusable(broken[0], thinking=True) == fault
    with pytest.raises(ConfigError, match=rf"1 of the teacher's generations cannot be used .*: window s#1 \({fault}\)\."):
        chosen(window(text(1, 2, 3)), broken)
    made = chosen(window(text(1, 2, 3)), broken, unusable="leave_out")
    assert len(made.examples) == 1 and made.left_out == {fault: 1}


@pytest.mark.parametrize("content", ["<think>\nHm.", "[]</think><think>Hm."])
def test_reasoning_that_never_ends_is_no_example_of_a_model_that_is_not_asked_to_reason_either(content: str) -> None:
    assert {why_unusable(window(content)[0], thinking=on) for on in (True, False)} == {"with unclosed reasoning"}


def test_the_advice_is_one_that_helps() -> None:
    silent, cut = window("[]"), window("[]", reason="length")
    with pytest.raises(
        ConfigError, match=r"If the teacher does not reason, set lora\.teacher\.thinking=false and model\.thinking=false\.$"
    ):
        chosen(silent, silent)
    with pytest.raises(ConfigError, match=r"leave_out to train without them\.$"):
        chosen(silent, window(text(1, 2, 3)))
    with pytest.raises(
        ConfigError, match=r"leave_out to train without them, or raise lora\.teacher\.sampling\.max_new_tokens\.$"
    ):
        chosen(silent, cut)


def test_a_student_that_does_not_reason_needs_no_reasoning() -> None:
    assert why_unusable(candidate("[]"), thinking=False) is None


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("So.\nAnswer:\n0. sleeping", None),
        ("0. sleeping", "without 'Answer:' before the answer"),
        ("So.\nAnswer:\n0. sleeping\nAnswer:\n0. eating", "with 'Answer:' more than once"),
    ],
)
def test_reasoning_in_the_text_ends_at_the_mark_once(content: str, fault: str | None) -> None:
    assert why_unusable(candidate(content), thinking=False, mark="Answer:") == fault


def test_filters_count_what_they_leave_out_and_say_when_they_look_at_gold() -> None:
    windows = [window(text(1, 2, 3)), window(text(1, 2, None)), window(text(1, 1, 1))]
    formed = chosen(*windows, well_formed=True)
    assert (len(formed.examples), formed.left_out, formed.uses_gold) == (2, {"not well-formed": 1}, False)
    right = chosen(*windows, min_correct=0.5)
    assert (len(right.examples), right.left_out, right.uses_gold) == (2, {"with too few events right": 1}, True)
    assert "2 of 3 generations of the teacher" in right.summary() and "chosen with gold activities" in right.summary()


def test_of_several_generations_the_best_or_the_one_nearest_to_their_vote_is_taken() -> None:
    several = window(text(3, 3, 3), text(1, 2, 2), text(1, 2, 3), text(3, 2, 2))
    assert chosen(several, pick="best").examples[0].text == text(1, 2, 3)
    assert chosen(several, pick="best").uses_gold
    consistent = chosen(several, pick="consistent")  # the vote is 3, 2, 3 or 2: ties go to the first named
    assert not consistent.uses_gold and len(consistent.examples) == 1
    assert consistent.left_out == {"not picked of several": 3}
    assert chosen(several, pick="first").examples[0].text == text(3, 3, 3)
    assert len(chosen(several, pick="all").examples) == 4


@pytest.mark.parametrize("nearest", range(3))
def test_the_generation_nearest_to_the_vote_is_taken_wherever_it_stands(nearest: int) -> None:
    texts = [text(2, 3, 1), text(3, 1, 2)]  # each differs from the others everywhere, but for...
    texts.insert(nearest, text(3, 3, 2))  # ... this one, which agrees with one or the other of them
    made = chosen(window(*texts), pick="consistent")
    assert [example.text for example in made.examples] == [text(3, 3, 2)]


@pytest.mark.parametrize(("right", "of"), [(1, 3), (2, 3), (3, 3), (7, 25), (14, 25), (28, 50)])
def test_exactly_the_share_that_is_asked_for_is_enough(right: int, of: int) -> None:
    """Also if the share has no exact floating-point number: 0.28 times 25 is slightly more than 7."""
    events = tuple(Event(place, clock("08:00:00"), "kitchen stove turned ON", (1,), ()) for place in range(of))
    asked = Prompt(Window("s", 0, events), ({"role": "user", "content": "?"},), tuple(range(of)))

    def taken(count: int) -> int:
        said = text(*[1] * count, *[2] * (of - count))
        settings = ExampleSettings(min_correct=round(right / of, 2) if of > 3 else right / of)
        return len(select([asked], [[candidate(said, asked.ids)]], settings, thinking=True).examples)

    assert taken(right) == 1
    with pytest.raises(ConfigError, match="None of the teacher's generations is left"):
        taken(right - 1)


def test_unlabelled_events_are_no_errors() -> None:
    labels = [(1,), (), (1,), ()]
    events = tuple(Event(place, clock("08:00:00"), "kitchen stove turned ON", gold, ()) for place, gold in enumerate(labels))
    asked = Prompt(Window("s", 0, events), ({"role": "user", "content": "?"},), tuple(range(4)))
    said = [[candidate(text(1, 2, 1, 2), asked.ids)]]
    assert len(select([asked], said, ExampleSettings(min_correct=1.0), thinking=True).examples) == 1


def test_a_window_without_labels_has_nothing_right() -> None:
    events = tuple(Event(place, clock("08:00:00"), "kitchen stove turned ON", (), ()) for place in range(2))
    asked = Prompt(Window("s", 0, events), ({"role": "user", "content": "?"},), (0, 1))
    with pytest.raises(ConfigError, match=r"None of the teacher's generations is left for training"):
        select([asked], [[candidate(text(1, 2), asked.ids)]], ExampleSettings(min_correct=0.5), thinking=True)


def test_examples_that_only_the_tokenizer_finds_too_long_stop_or_are_left_out() -> None:
    made = chosen(*(window(text(1, 2, 3), text(3, 2, 1)) for _ in range(3)), pick="all", min_correct=0.3)
    too_long = LongExamples(((0, 51), (5, 60)), longest=50, can_read_more=True)
    with pytest.raises(
        ConfigError, match=r"longer than 50 .* in 2 of 6 examples;.*Tokens: window s#0 \(51\), window s#2 \(60\)\."
    ):
        made.without_long(too_long, "stop")
    with pytest.raises(ConfigError, match=r"50 tokens \(the student's context\) .*; make windows") as told:
        made.without_long(replace(too_long, can_read_more=False), "stop")
    assert "model.context" not in str(told.value)
    left = made.without_long(too_long, "leave_out")
    assert list(left.examples) == list(made.examples[1:5])
    assert (
        left.summary() == "4 of 6 generations of the teacher are used for training; left out: 2 longer than 50 tokens; "
        "examples made or chosen with gold activities"
    )
    with pytest.raises(ConfigError, match="No example is left"):
        made.without_long(replace(too_long, found=tuple((place, 60) for place in range(6))), "leave_out")


def test_nothing_left_to_train_on_is_refused() -> None:
    with pytest.raises(ConfigError, match="None of the teacher's generations is left"):
        chosen(window(text(3, 3, 3)), min_correct=1.0)


def test_marks_of_its_own_close_a_teachers_reasoning() -> None:
    marks, said = marks_of(["<scratch>", "</scratch>"]), candidate("<scratch>why</scratch>[]")
    assert why_unusable(said, thinking=True, marks=marks) is None
    assert why_unusable(said, thinking=True) == "without reasoning"
