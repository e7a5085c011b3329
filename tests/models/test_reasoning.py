from __future__ import annotations

import pytest

from har_llm.models.reasoning import PUBLISHED, continuing, marks_of, split_reasoning


def test_split_reasoning() -> None:
    for thinking in (True, False):
        assert split_reasoning("<think>\nwhy\n</think>\n\nthis", thinking=thinking) == ("why", "this")
        assert split_reasoning("why</think>this", thinking=thinking) == ("why", "this")
        assert split_reasoning("<think>a</think>b</think>c", thinking=thinking) == ("a</think>b", "c")
        assert split_reasoning("<think>why", thinking=thinking) == ("why", None)
    assert split_reasoning("this", thinking=True) == ("this", None)
    assert split_reasoning("this", thinking=False) == ("", "this")
    assert split_reasoning("", thinking=True) == ("", None)
    assert split_reasoning("", thinking=False) == ("", "")


@pytest.mark.parametrize(("opens", "closes"), PUBLISHED.pairs, ids=str)
def test_every_kind_of_marks(opens: str, closes: str) -> None:
    for thinking in (True, False):
        assert split_reasoning(f"{opens}\nwhy\n{closes}\nthis", thinking=thinking) == ("why", "this")
        assert split_reasoning(f"why{closes}this", thinking=thinking) == ("why", "this")
        assert split_reasoning(f"{opens}why", thinking=thinking) == ("why", None)
        assert split_reasoning(f"{opens}a{closes}b{opens}c", thinking=thinking)[1] is None


@pytest.mark.parametrize(
    ("prompt", "text", "rest"),
    [
        ("Go on: <think>\n", "<think>\nwhy\n</think>", "why\n</think>"),
        ("Go on: <think>", "\n<think>\nwhy", "\nwhy"),
        ("Go on: <think>\n", "why</think>", "why</think>"),
        ("Go on:", "<think>\nwhy", "<think>\nwhy"),
        ("<think>\n\n</think>\n\n", "[1]", "[1]"),
    ],
)
def test_a_generation_goes_on_after_what_the_prompt_opens(prompt: str, text: str, rest: str) -> None:
    assert continuing(prompt, text) == rest


def test_marks_of_its_own_are_the_only_ones_that_are_recognised() -> None:
    marks = marks_of(["<scratch>", "</scratch>"])
    assert split_reasoning("<scratch>why, </think>?</scratch>this", thinking=True, marks=marks) == ("why, </think>?", "this")
    assert split_reasoning("<think>why</think>this", thinking=True, marks=marks)[1] is None
    assert split_reasoning("<think>why</think>this", thinking=False, marks=marks) == ("", "<think>why</think>this")
    assert continuing("Go on: <scratch>\n", "<scratch>\nwhy</scratch>", marks) == "why</scratch>"
    assert continuing("Go on: <think>\n", "<think>\nwhy", marks) == "<think>\nwhy"


@pytest.mark.parametrize(
    ("own", "template", "found"),
    [
        (None, "{{ '<think>\\n' }}", ("<think>", "</think>")),
        (None, "{% set after = content.split('[/THINK]')[-1] %}", ("[THINK]", "[/THINK]")),
        (None, "no marks", ("<think>", "</think>")),
        (["a", "b"], "<think>", ("a", "b")),
    ],
)
def test_the_marks_of_a_model_are_its_own_or_those_of_its_template(
    own: list[str] | None, template: str, found: tuple[str, str]
) -> None:
    assert marks_of(own).in_template(template) == found
