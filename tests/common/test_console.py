"""What models and data say is shown as text, whatever it holds."""

from __future__ import annotations

from har_llm.common.console import plain


def test_escapes_and_markup_are_shown_not_obeyed() -> None:
    shown = plain("[bold red]x[/] \x1b[2J\x1b]0;title\x07 \u202e back \ttab\nline")
    assert shown.plain == "[bold red]x[/] \\x1b[2J\\x1b]0;title\\x07 \\u202e back \ttab\nline"
    assert not shown.spans
