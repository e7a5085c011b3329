"""Dataclasses survive JSON, and values of another form are refused by the field."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from har_llm.common.typed_json import AnyText, UnlikeError, parse_json, plain, tagged, typed, untagged


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
    ("text", "said"),
    [
        (b"", "it is no JSON: "),
        (b"\xff{}", "it is no JSON: 'utf-8' codec can't decode byte"),
        (b"\xef\xbb\xbf{}", "it is no JSON: "),
        (b"\0\0", "it is no JSON: "),
        (b"[" * 100_000, "it is nested more than 50 deep"),
        (b"[" * 51 + b"]" * 51, "it is nested more than 50 deep"),
        (b'{"a": [9' + b"9" * 400 + b"]}", "it has a number that is larger"),
        (b"9" * 5000, "it is no JSON: Exceeds the limit"),
        (b"[-1e999]", "it has a number that is larger"),
        (b'{"a": NaN}', "it has a number that is larger"),
    ],
)
def test_a_text_that_no_file_of_ours_has_is_refused(text: bytes, said: str) -> None:
    with pytest.raises(UnlikeError, match=f"^{said}"):
        parse_json(text)


def test_a_text_as_we_write_it_is_parsed() -> None:
    deep = b"[" * 50 + b"]" * 50
    assert json.dumps(parse_json(deep)).encode() == deep
    assert parse_json(b'{"a": [true, null, -1.5, 123456789012345678901234567890, "\\ud800"]}') == {
        "a": [True, None, -1.5, 123456789012345678901234567890, "\ud800"]
    }


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
