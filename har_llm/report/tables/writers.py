"""Tables as Markdown, LaTeX and CSV. Their text may come from models, data and other people's folders: all is escaped."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Callable, Sequence

from har_llm.common.markdown import inline, items
from har_llm.common.tables import Table
from har_llm.common.text import visible

ABSENT = "-"
"""Stands for an empty cell where a reader would miss it; in CSV it stays empty."""
NUMBER = re.compile(r"[+-]?\d+(\.\d+)?( ± \d+(\.\d+)?)?")
SPREAD = " ± "
WIDE = 65  # characters of a row that need small print
LONG = 22  # characters of a cell that is broken into lines
LEADS = re.compile(r"[=+\-@＝＋－＠]")
"""What makes spreadsheets take a text for a formula."""


def plain(text: str) -> str:
    """On one line, with what would move the cursor made visible."""
    return visible(" ".join(text.split()))


def numeric(table: Table, column: int) -> bool:
    """Whether a column holds nothing but numbers."""
    cells = [row[column] for row in table.rows if row[column]]
    return bool(cells) and all(NUMBER.fullmatch(cell) for cell in cells)


def markdown(table: Table, level: int = 1) -> str:
    lines = [f"{'#' * level} {inline(table.title)}", ""]
    lines.append(_markdown_row(table.columns))
    lines.append("|" + "|".join("---:" if numeric(table, at) else "---" for at in range(len(table.columns))) + "|")
    lines += [_markdown_row([plain(cell) or ABSENT for cell in row]) for row in table.rows]
    if table.notes:
        lines += ["", items(table.notes)]
    return "\n".join(lines) + "\n"


def _markdown_row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(map(inline, cells)) + " |"


def to_csv(table: Table) -> str:
    """Cells such as "13.52 ± 16.85" come apart into two columns, so that every cell is a number or a text."""
    apart = [any(SPREAD in row[at] for row in table.rows) and numeric(table, at) for at in range(len(table.columns))]
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(_csv_row(table.columns, apart, lambda name: [name, f"{name} std"]))
    for row in table.rows:
        writer.writerow(_csv_row(row, apart, lambda cell: [*cell.split(SPREAD), ""][:2]))
    return stream.getvalue()


def _csv_row(cells: Sequence[str], apart: Sequence[bool], take_apart: Callable[[str], list[str]]) -> list[str]:
    return [csv_text(part) for cell, two in zip(cells, apart, strict=True) for part in (take_apart(cell) if two else [cell])]


def csv_text(text: str) -> str:
    """A text that a spreadsheet would run as a formula gets an apostrophe in front; numbers, also negative ones, do not."""
    shown = plain(text)
    return f"'{shown}" if LEADS.match(shown) and not NUMBER.fullmatch(shown) else shown


def latex(table: Table) -> str:
    r"""A float for \input, with \usepackage{booktabs} and nothing else."""
    widths = [_latex_width(table, at) for at in range(len(table.columns))]
    wide = "*" if sum(widths) > WIDE else ""
    size = r"\scriptsize" if wide else r"\small"
    lines = [
        f"\\begin{{table{wide}}}",
        r"\centering",
        f"\\caption{{{latex_text(table.title)}}}",
        f"\\label{{tab:{re.sub('[^A-Za-z0-9]', '-', table.name)}}}",
        f"{size}\\setlength{{\\tabcolsep}}{{{2 if wide else 4}pt}}",
        f"\\begin{{tabular}}{{{_latex_columns(table, widths)}}}",
        r"\toprule",
        _latex_row([_stacked(name) for name in table.columns]),
        r"\midrule",
        *(_latex_row([latex_text(plain(cell) or ABSENT) for cell in row]) for row in table.rows),
        r"\bottomrule",
        r"\end{tabular}",
    ]
    if table.notes:
        notes = " ".join(map(latex_text, table.notes))
        lines.append(f"\\par\\smallskip\\begin{{minipage}}{{\\linewidth}}\\footnotesize {notes}\\end{{minipage}}")
    return "\n".join([*lines, f"\\end{{table{wide}}}", ""])


def _latex_width(table: Table, at: int) -> int:
    """Characters of a column whose title stands word below word."""
    return max([len(word) for word in table.columns[at].split()] + [len(row[at]) for row in table.rows])


def _latex_columns(table: Table, widths: Sequence[int]) -> str:
    """Long texts are broken into lines; all of them together get about half of the width."""
    long = [width > LONG and not numeric(table, at) for at, width in enumerate(widths)]
    broken = f"p{{{min(0.24, 0.55 / max(1, sum(long))):.2f}\\linewidth}}"
    return "".join("r" if numeric(table, at) else broken if long[at] else "l" for at in range(len(widths)))


def _stacked(name: str) -> str:
    return "\\shortstack{" + r"\\{}".join(map(latex_text, name.split())) + "}"


def _latex_row(cells: Sequence[str]) -> str:
    # {}: a row that began with [ or * would be read as an option of the row above.
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
    """Text that any LaTeX engine sets in any font; letters beyond accented Latin ones become their number."""
    shown = plain(text)
    if NUMBER.fullmatch(shown):
        return shown.replace("-", "$-$").replace(SPREAD, r"\,$\pm$\,")
    return "".join(map(_latex_character, shown))


def _latex_character(character: str) -> str:
    if character in LATEX:
        return LATEX[character]
    if character.isascii():
        return character
    base, *marks = list(unicodedata.normalize("NFD", character))
    if base.isascii() and base.isalpha() and len(marks) == 1 and marks[0] in ACCENTS:
        letter = {"i": r"\i", "j": r"\j"}.get(base, base)
        return f"\\{ACCENTS[marks[0]]}{{{letter}}}"
    return f"{{[}}U+{ord(character):04X}{{]}}"


FORMATS: dict[str, Callable[[Table], str]] = {"md": markdown, "tex": latex, "csv": to_csv}
