"""Dataclasses survive JSON, and values of another form are refused by the field."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from har_llm.common.typed_json import AnyText, UnlikeError, plain, tagged, typed, untagged


@dataclass(frozen=True)
class Inner:
    numbers: tuple[int, ...] = ()


@dataclass(frozen=True)
class Outer:
    text: AnyText
    inner: Mapping[str, Inner]
    note: str | None = None


def test_what_is_written_is_read_back() -> None:
    value = Outer("half \ud800 a character", {"a": Inner((1, 2))})
    assert typed(Outer, json.loads(json.dumps(plain(value)))) == value
    assert plain(value, brief=True) == {"text": value.text, "inner": {"a": {"numbers": [1, 2]}}}


@pytest.mark.parametrize("value", [Inner((3,)), Outer("a", {})])
def test_a_message_says_of_which_kind_it_is(value: Inner | Outer) -> None:
    assert untagged((Inner, Outer), json.loads(json.dumps(tagged(value)))) == value


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"text": "a", "inner": {"a": {"numbers": ["x"]}}}, r"inner\.a\.numbers\.0: Input should be a valid integer"),
        ({"inner": {}}, "text: Field required"),
        ([], "all of it: "),
    ],
)
def test_the_first_field_of_another_form_is_named(content: object, said: str) -> None:
    with pytest.raises(UnlikeError, match=f"^{said}"):
        typed(Outer, content)
