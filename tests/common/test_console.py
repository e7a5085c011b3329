"""What models and data say is shown as text, whatever it holds."""

from __future__ import annotations

from io import StringIO

from rich.console import Console

from har_llm.common.console import plain, show_table
from har_llm.common.tables import Table


def test_escapes_and_markup_are_shown_not_obeyed() -> None:
    shown = plain("[bold red]x[/] \x1b[2J\x1b]0;title\x07 \u202e back \ttab\nline")
    assert shown.plain == "[bold red]x[/] \\x1b[2J\\x1b]0;title\\x07 \\u202e back \ttab\nline"
    assert not shown.spans


def shown(content: Table, width: int, most: int | None = None) -> list[str]:
    out = Console(width=width, file=StringIO(), highlight=False)
    show_table(out, content, most=most)
    assert isinstance(out.file, StringIO)
    return out.file.getvalue().splitlines()


def test_a_table_has_numbers_to_the_right_and_marks_what_is_empty() -> None:
    content = Table("t", "A [title]", ["", "score", "said"], [["accuracy *", "5.00", "[b]x"], ["b", "", ""]], ["A note."])
    assert shown(content, 40) == [
        "",
        "A [title]",
        "             score   said",
        "─" * 25,
        "accuracy *    5.00   [b]x",
        "b                -   -",
        "A note.",
    ]


def test_of_a_long_table_the_first_rows_are_shown() -> None:
    assert shown(Table("t", "", [""], [[str(n)] for n in range(5)]), 40, most=2)[-2:] == [
        "1",
        "... and 3 more (see the files)",
    ]


def test_what_is_to_be_copied_is_printed_whole() -> None:
    path = f"/a folder/{'b' * 60}"
    assert f"    path: {path}" in shown(Table("t", "", ["name", "path"], [["a", path]], whole=("path",)), 40)


def test_titles_of_numbers_make_room_for_names() -> None:
    content = Table("t", "", ["name", "a long title", "another one"], [["a name of many words", "1.00", "-2.00"]])
    assert [line.split() for line in shown(content, 40)[-1:]] == [["a", "name", "of", "many", "words", "1.00", "-2.00"]]
