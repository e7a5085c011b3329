"""Text of models and of users' files, made safe to print; and what a misspelt name may have meant."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

_FORMULA = re.compile(r"[=+\-@＝＋－＠]")
"""The beginning of what spreadsheets take for a formula, also in full-width characters."""
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?", re.ASCII)


def visible(text: str) -> str:
    """The text with escapes for what would move the cursor or colour the terminal, and for what UTF-8 cannot hold."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in "\n\t" else _escape(ord(c)) for c in text)


def _escape(code: int) -> str:
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def one_line(text: str) -> str:
    """Visible text on one line, with single spaces."""
    return " ".join(visible(text).split())


def composed(text: str) -> str:
    """The text with letters and their accents as one character each (NFC), so that names that look alike are alike."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def for_spreadsheet(text: str) -> str:
    """The text on one line, safe in a cell of a spreadsheet, which would compute a text that begins like a formula.

    An apostrophe in front prevents that. Numbers, also negative ones, stay numbers.
    """
    shown = one_line(text)
    return f"'{shown}" if _FORMULA.match(shown) and not _NUMBER.fullmatch(shown) else shown


def suggestion(name: str, allowed: Iterable[object]) -> str:
    """A question, after a blank, whether the nearest of the allowed names was meant; empty where none is near."""
    near = nearest(name, allowed)
    return "" if near is None else f" Did you mean {near}?"


ALIKE = 0.7
"""With difflib's own 0.6, paths would be named to who writes repeats."""


def nearest(name: str, allowed: Iterable[object]) -> str | None:
    """The allowed name that a misspelt or shortened one is like; None where none is near."""
    import difflib  # later, because --help imports this module

    names = [str(option) for option in allowed]
    longer = [one for one in names if len(name) > 2 and one.startswith(name)]
    found = difflib.get_close_matches(name, longer or names, n=1, cutoff=0.0 if longer else ALIKE)
    # difflib takes short names with letters in another order, as mtqq, for others.
    of_its_letters = [one for one in names if len(name) > 2 and set(one) == set(name)]
    return next(iter([*found, *of_its_letters]), None)


def common_start(texts: Sequence[str]) -> str:
    """The characters with which all of these texts begin."""
    first, last = min(texts), max(texts)  # all texts between these two share the start that these two share
    differ = (at for at, (one, other) in enumerate(zip(first, last, strict=False)) if one != other)
    return first[: next(differ, len(first))]
