"""Text of models and files is shown so that it cannot move the cursor."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from har_llm.common.errors import ConfigError, DataError, first_line
from har_llm.common.text import for_spreadsheet, suggestion, visible


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


FORMULAS = [
    "=HYPERLINK(1)",
    "=1+1",
    "+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(A1)",
    "＝1",
    "\t=1",
    "\n=1",
    "  =1",
    "-1 to +2",
    "+١",
]


@pytest.mark.parametrize("text", FORMULAS)
def test_no_cell_of_a_spreadsheet_is_computed(text: str) -> None:
    assert for_spreadsheet(text) == f"'{text.strip()}"


@pytest.mark.parametrize(
    ("text", "cell"),
    [("6. eating", "6. eating"), ("a=b", "a=b"), ("", ""), ("\x1b=", "\\x1b="), ("a\n=b", "a =b")],
)
def test_other_cells_are_as_they_are(text: str, cell: str) -> None:
    assert for_spreadsheet(text) == cell


@pytest.mark.parametrize("text", ["-4.00", "+2.00", "0.00", "-1"])
def test_numbers_of_a_spreadsheet_stay_numbers(text: str) -> None:
    assert for_spreadsheet(text) == text


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("one\ntwo", "one"),
        ("Errors:\n  size mismatch\nmore", "Errors: size mismatch"),
        ("", "ValueError"),
        ("alone:", "alone:"),
        (
            "1 validation error for A\n  Value error, No such. [type=value_error]\n    For further information visit x",
            "No such.",
        ),
        ("2 validation errors for A\nfield\n  Input is wrong [type=x]\nother\n  Bad [type=y]", "field: Input is wrong"),
        ("1 validation error for A", "1 validation error for A"),
    ],
)
def test_an_error_of_a_library_is_shown_by_its_first_line(said: str, shown: str) -> None:
    assert first_line(ValueError(said)) == shown


def test_the_nearest_name_is_suggested_or_none() -> None:
    assert suggestion("block_sise", ["block_size", "seed"]) == " Did you mean block_size?"
    assert suggestion("frac", ["fraction", "paper"]) == " Did you mean fraction?"
    assert suggestion("mtqq", ["file", "mqtt"]) == " Did you mean mqtt?"
    assert suggestion("quite_other", ["block_size", "seed"]) == ""
    assert suggestion("repeats", ["paths", "seed"]) == ""
