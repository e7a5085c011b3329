"""Text of models and of users' files, made safe to print."""

from __future__ import annotations


def visible(text: str) -> str:
    """The text, with what would move the cursor or colour the terminal, and what UTF-8 cannot hold, written as escapes."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in "\n\t" else _escape(ord(c)) for c in text)


def _escape(code: int) -> str:
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def for_spreadsheet(text: str) -> str:
    """The text for a cell of a spreadsheet, which would compute one that begins like a formula; a quote stops it."""
    shown = visible(text)
    return f"'{shown}" if shown.lstrip().startswith(("=", "+", "-", "@")) or shown.startswith(("\t", "\n")) else shown
