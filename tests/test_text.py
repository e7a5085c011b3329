"""Text of models and files is shown so that it cannot move the cursor."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from har_llm.errors import ConfigError, DataError
from har_llm.text import visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("kitchen été 厨房 🚪 [bold]", "kitchen été 厨房 🚪 [bold]"),
        ("a\nb\tc", "a\nb\tc"),
        ("\x1b[2J\x07\r", "\\x1b[2J\\x07\\x0d"),
        ("\x9b\xa0", "\\x9b\\xa0"),
        ("\u202e\u2028", "\\u202e\\u2028"),
        ("\ud800", "\\ud800"),
        ("\U000e0001", "\\U000e0001"),
        ("", ""),
    ],
)
def test_what_moves_the_cursor_is_escaped(text: str, shown: str) -> None:
    assert visible(text) == shown


@given(st.text(st.characters()))
def test_any_text_can_be_printed(text: str) -> None:
    shown = visible(text)
    shown.encode()
    assert all(c.isprintable() or c in "\n\t" for c in shown)
    assert visible(shown) == shown


def test_errors_are_shown_so_too() -> None:
    assert str(ConfigError("x\x1b[2J")) == "x\\x1b[2J"
    assert str(DataError("a\r", ())) == "a\\x0d"
