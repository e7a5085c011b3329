"""Nothing that a model or a data file says becomes markup, HTML, a link or a mention on GitHub."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from har_llm.common import markdown
from har_llm.common.tables import Table
from har_llm.common.text import one_line
from tests.common.nasty_tables import TABLES, table


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
        "t", "Scores | *", ["", "mean", "interval", "said"], [["a|b", "-1.50", "+1.00 to -2.00", "1. x"], ["b", "", "", ""]]
    )
    assert markdown.table(content).splitlines() == [
        "### Scores \\| \\*",
        "",
        "|  | mean | interval | said |",
        "| --- | ---: | ---: | --- |",
        "| a\\|b | -1.50 | +1.00 to -2.00 | 1. x |",
        "| b | - | - | - |",
    ]


def test_notes_are_items_below() -> None:
    assert markdown.table(table(("a", "", ""), notes=["@all.", "# Two."]), level=1).splitlines()[-3:] == [
        "",
        "- @<!-- -->all.",
        "- \\# Two.",
    ]


def cells_of(text: str) -> list[list[str]]:
    """What a reader of the Markdown sees in each row of its table."""
    parser = MarkdownIt("commonmark").enable("table")
    rows: list[list[str]] = []
    for token in parser.parse(text):
        if token.type == "tr_open":
            rows.append([])
        if token.type == "inline" and rows and token.level == 4:
            assert token.children is not None
            shown = [child for child in token.children if child.content != "<!-- -->"]  # keeps "@name" from being a mention
            assert {child.type for child in shown} <= {"text", "text_special"}, token.content
            rows[-1].append("".join(child.content for child in shown))
    return rows


@settings(deadline=None)  # other work on the machine may take its time
@given(TABLES)
def test_a_table_shows_every_cell_as_it_is(rows: list[tuple[str, str, str]]) -> None:
    shown = cells_of(markdown.table(table(*rows)))
    assert shown[0] == ["name", "other", "score"]
    assert shown[1:] == [[one_line(cell) or "-" for cell in row] for row in rows]


def test_a_table_holds_neither_html_nor_formulas() -> None:
    text = markdown.table(table(("<script>alert(1)</script>", "$x$ ![a](b)", "1.00")))
    assert "<" not in text and "\\$x\\$" in text and "!\\[a\\]" in text
