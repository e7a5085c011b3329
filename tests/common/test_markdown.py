"""Nothing that a model or a data file says becomes markup, HTML, a link or a mention on GitHub."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from har_llm.common import markdown
from har_llm.common.tables import Table, right_columns


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("19. preparing dinner", "19. preparing dinner"),
        ("f1_macro_gold", "f1_macro_gold"),
        ("a|b", "a\\|b"),
        ("a\nb\r\tc", "a b\\\\x0d c"),
        ("<img src=x onerror=alert(1)>&", "&lt;img src=x onerror=alert(1)&gt;&amp;"),
        ("![x](y) `z` *q* _q_ ~~r~~ $s$ \\", "!\\[x\\](y) \\`z\\` \\*q\\* \\_q\\_ \\~\\~r\\~\\~ \\$s\\$ \\\\"),
        ("https://evil.example", "https:<!-- -->//evil.example"),
        ("www.evil.example", "w<!-- -->ww.evil.example"),
        ("ask @someone about #12 or GH-12", "ask @<!-- -->someone about #<!-- -->12 or G<!-- -->H-12"),
        ("<!-- -->", "&lt;!-- --&gt;"),
        ("\x1b[2J\u202e", "\\\\x1b\\[2J\\\\u202e"),
    ],
)
def test_markup_is_text(text: str, safe: str) -> None:
    assert markdown.inline(text) == safe


@given(st.text(st.characters()))
def test_any_text_stays_in_its_cell(text: str) -> None:
    safe = markdown.inline(text)
    safe.encode()
    assert "\n" not in safe and "\0" not in safe
    assert not re.search(r"(?<!\\)(\\\\)*[|`*\[\]]", safe), "every one is escaped"
    assert "<" not in safe.replace("<!-- -->", "")


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("# big", "\\# big"),
        ("- item", "\\- item"),
        ("1. item", "1\\. item"),
        ("12) item", "12\\) item"),
        ("3 events", "3 events"),
    ],
)
def test_a_line_begins_no_block(text: str, safe: str) -> None:
    assert markdown.line(text) == safe


def test_html_is_text_inside_html_where_markdown_is_not_read() -> None:
    assert markdown.in_html("</summary>|*x* @me") == "&lt;/summary&gt;|*x* @<!-- -->me"


def test_a_code_block_cannot_be_ended_from_inside() -> None:
    block = markdown.fenced("```\n````html\n</details>\x1b[0m\n")
    lines = block.splitlines()
    assert lines[0] == "`````text" and lines[-1] == "`````"
    assert lines[1:-1] == ["```", "````html", "</details>\\x1b[0m"]


def test_a_table_sets_numbers_to_the_right() -> None:
    content = Table(
        "t", "Scores | *", ["", "mean", "interval", "said"], [["a|b", "-1.50", "+1.00 to -2.00", "1. x"]], ["@all."]
    )
    assert markdown.table(content).splitlines() == [
        "### Scores \\| \\*",
        "",
        "|  | mean | interval | said |",
        "| --- | ---: | ---: | --- |",
        "| a\\|b | -1.50 | +1.00 to -2.00 | 1. x |",
        "",
        "@<!-- -->all.",
    ]
    assert right_columns(Table("t", "", ["", "p", "x"], [["1", "<0.001", "-"], ["2", "0.03", "1,234"]])) == [
        False,
        True,
        True,
    ]
    assert right_columns(Table("t", "", ["", "p"], [])) == [False, True]
