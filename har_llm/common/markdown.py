"""GitHub-flavoured Markdown with untrusted text escaped: it cannot become a cell, markup, HTML, a link or a mention."""

from __future__ import annotations

import re
from collections.abc import Sequence

from har_llm.common.tables import ABSENT, Table, numeric_columns
from har_llm.common.text import one_line, visible

_MARKUP = re.compile(r"[\\`*{}\[\]|~$&<>]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
_HTML = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_LINKED = re.compile(r"@(?=\w)|#(?=\d)|(?<=[A-Za-z])://|\bwww\.|\bGH-(?=\d)", re.IGNORECASE)
"""What GitHub turns into a link or a mention without any markup."""
_BETWEEN = "<!-- -->"
"""Invisible to a reader; for GitHub, the end of a word."""
_BLOCK = re.compile(r"[#+=-]|\d+(?=[.)])")
"""What turns a line that begins with it into a heading or a list."""


def inline(text: str) -> str:
    """Untrusted text inside a line or a cell."""
    safe = _MARKUP.sub(lambda match: _HTML.get(match[0], f"\\{match[0]}"), _flat(text))
    return safe.replace("\0", _BETWEEN)


def in_html(text: str) -> str:
    """Untrusted text inside an HTML element, where Markdown is not parsed."""
    return "".join(_HTML.get(character, character) for character in _flat(text)).replace("\0", _BETWEEN)


def _flat(text: str) -> str:
    """The text on one line. A null character, which visible text cannot hold, breaks whatever would become a link."""
    flat = one_line(text)
    return _LINKED.sub(lambda match: f"{match[0][0]}\0{match[0][1:]}", flat)


def line(text: str) -> str:
    """Untrusted text as a line, or list item, of its own."""
    safe = inline(text)
    block = _BLOCK.match(safe)
    if block is None:
        return safe
    end = block.end() - (not block[0].isdigit())
    return f"{safe[:end]}\\{safe[end:]}"


def fenced(text: str) -> str:
    """Untrusted lines as a code block that they cannot end."""
    content = visible(text).rstrip()
    longest = max((len(run) for run in re.findall(r"`+", content)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{content}\n{fence}"


def items(texts: Sequence[str]) -> str:
    return "\n".join(f"- {line(text)}" for text in texts)


def table(content: Table, level: int = 3) -> str:
    """A table's title as a heading of this level, its rows and its notes. Numbers are aligned to the right."""
    rule = ["---:" if right else "---" for right in numeric_columns(content)]
    rows = [[inline(cell) or ABSENT for cell in row] for row in content.rows]
    lines = "\n".join(f"| {' | '.join(row)} |" for row in (map(inline, content.columns), rule, *rows))
    parts = [f"{'#' * level} {inline(content.title)}", lines]
    return "\n\n".join([*parts, items(content.notes)] if content.notes else parts)
