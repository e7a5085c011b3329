"""What models and data say is shown as text, whatever it holds."""

from __future__ import annotations

from har_llm.console import GenerationProgress, plain
from har_llm.engines.base import Generation


def test_escapes_and_markup_are_shown_not_obeyed() -> None:
    shown = plain("[bold red]x[/] \x1b[2J\x1b]0;title\x07 \u202e back \ttab\nline")
    assert shown.plain == "[bold red]x[/] \\x1b[2J\\x1b]0;title\\x07 \\u202e back \ttab\nline"
    assert not shown.spans


def test_progress_without_a_terminal_is_a_few_plain_lines(capsys) -> None:  # type: ignore[no-untyped-def]
    with GenerationProgress("tiny on home", 3, 1) as progress:
        for number in range(2):
            progress.advance(Generation(f"key{number}", "text", "stop", 10, 5, 0.1))
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "tiny on home: 1 of 3 windows, loading the model"
    assert lines[-1].startswith("tiny on home: 3 of 3 windows, ")
