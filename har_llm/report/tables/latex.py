"""Tables as LaTeX. Their text may come from models, data and other people's folders, so all of it is escaped."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from har_llm.common.tables import ABSENT, NUMBER, Table, numeric_columns
from har_llm.common.text import one_line

WIDE = 65  # characters of a row that need small print
LONG = 22  # characters of a cell that is broken into lines
PROSE = 120  # characters of a cell that takes the larger part of the page


def to_latex(table: Table) -> str:
    r"""A float for \input, with \usepackage{booktabs} and nothing else."""
    widths = [_width(table, at) for at in range(len(table.columns))]
    wide = "*" if sum(widths) > WIDE else ""
    size = r"\scriptsize" if wide else r"\small"
    lines = [
        f"\\begin{{table{wide}}}",
        r"\centering",
        f"\\caption{{{latex_text(table.title)}}}",
        f"\\label{{tab:{re.sub('[^A-Za-z0-9]', '-', table.name)}}}",
        f"{size}\\setlength{{\\tabcolsep}}{{{2 if wide else 4}pt}}",
        f"\\begin{{tabular}}{{{_column_types(table, widths)}}}",
        r"\toprule",
        _row([_stacked(name) for name in table.columns]),
        r"\midrule",
        *(_row([latex_text(one_line(cell) or ABSENT) for cell in row]) for row in table.rows),
        r"\bottomrule",
        r"\end{tabular}",
    ]
    if table.notes:
        notes = " ".join(map(latex_text, table.notes))
        lines.append(f"\\par\\smallskip\\begin{{minipage}}{{\\linewidth}}\\footnotesize {notes}\\end{{minipage}}")
    return "\n".join([*lines, f"\\end{{table{wide}}}", ""])


def _width(table: Table, at: int) -> int:
    """Width of a column in characters, with its title broken at every word."""
    return max([len(word) for word in table.columns[at].split()] + [len(row[at]) for row in table.rows])


def _column_types(table: Table, widths: Sequence[int]) -> str:
    """Columns of long texts are broken into lines and together get about half of the width, more if they hold sentences."""
    numeric = numeric_columns(table)
    long = [width > LONG and not numeric[at] for at, width in enumerate(widths)]
    broken = min(0.24, 0.55 / max(1, sum(long)))
    prose = 0.9 - broken * sum(is_long and width <= PROSE for is_long, width in zip(long, widths, strict=True))
    share = {
        at: prose / sum(width > PROSE for width in widths) if width > PROSE else broken for at, width in enumerate(widths)
    }
    return "".join(
        "r" if numeric[at] else f"p{{{share[at]:.2f}\\linewidth}}" if long[at] else "l" for at in range(len(widths))
    )


def _stacked(name: str) -> str:
    return "\\shortstack{" + r"\\{}".join(map(latex_text, name.split())) + "}"


def _row(cells: Sequence[str]) -> str:
    # {}: LaTeX would take a [ or * at the beginning of a row for an option of the row above.
    return "{}" + " & ".join(cells) + r" \\"


LATEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': "''",
    "[": "{[}",
    "]": "{]}",
    "±": r"$\pm$",
    **{character: f"\\{character}" for character in "&%$#_"},
}
ACCENTS = {
    "\u0300": "`",
    "\u0301": "'",
    "\u0302": "^",
    "\u0303": "~",
    "\u0308": '"',
    "\u030a": "r",
    "\u0327": "c",
    "\u030c": "v",
}


def latex_text(text: str) -> str:
    """Text that any LaTeX engine can typeset; letters other than Latin ones become their code point."""
    shown = one_line(text)
    text = "".join(map(_character, shown))
    if NUMBER.fullmatch(shown):
        return text.replace("-", "$-$").replace(r" $\pm$ ", r"\,$\pm$\,")
    return text


def _character(character: str) -> str:
    if character in LATEX:
        return LATEX[character]
    if character.isascii():
        return character
    base, *marks = list(unicodedata.normalize("NFD", character))
    if base.isascii() and base.isalpha() and len(marks) == 1 and marks[0] in ACCENTS:
        letter = {"i": r"\i", "j": r"\j"}.get(base, base)
        return f"\\{ACCENTS[marks[0]]}{{{letter}}}"
    return f"{{[}}U+{ord(character):04X}{{]}}"
