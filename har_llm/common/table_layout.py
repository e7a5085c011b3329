"""A table as lines of a given width. No word and no number is broken; columns without room are named below each row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import NamedTuple

from rich.cells import cell_len

from har_llm.common.tables import ABSENT, Table, numeric_columns
from har_llm.common.text import one_line

GAP = 3
"""Characters between two columns."""
COMFORT = 16
"""Characters of a column of text below which it is not made narrower, if its texts are as long."""
BELOW = "    "
"""Before what stands below a row."""


class Column(NamedTuple):
    title: str
    cells: Sequence[str]
    numeric: bool
    whole: bool
    """Whether its cells are not broken at blanks either."""

    @property
    def least(self) -> int:
        """The least width in which it breaks no word, no number and no whole cell."""
        words = [word for text in (self.title, *self.cells) for word in text.split()]
        if self.numeric or self.whole:
            return _longest([*self.title.split(), *self.cells])
        return max(_longest(words), min(COMFORT, self.most))

    @property
    def most(self) -> int:
        return _longest([self.title, *self.cells])


class Line(NamedTuple):
    text: str
    row: int | None
    """The row's place; None for the titles and the rule below them."""


def lines_of(table: Table, width: int) -> Iterator[Line]:
    """The titles, a rule and the rows of a table, without its title and notes. `width`: characters.

    A line is wider only where a single word or whole cell is.
    """
    columns = _columns(table)
    beside = _beside(columns, width)
    widths = _widths(columns[:beside], width)
    titles = [wrapped(column.title, size) for column, size in zip(columns, widths, strict=False)]
    yield from (Line(text, None) for text in _joined(_lowered(titles), columns, widths))
    yield Line("─" * (sum(widths) + GAP * (beside - 1)), None)
    for place in range(len(table.rows)):
        cells = [
            [column.cells[place]] if column.whole else wrapped(column.cells[place], size)
            for column, size in zip(columns, widths, strict=False)
        ]
        yield from (Line(text, place) for text in _joined(cells, columns, widths))
        yield from (Line(text, place) for text in _below(columns[beside:], place, width))


def wrapped(text: str, width: int) -> list[str]:
    """The text in lines of at most `width` characters, broken at blanks only."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".lstrip()
        if lines[-1] and cell_len(longer) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def _columns(table: Table) -> list[Column]:
    cells = [[one_line(row[at]) or ABSENT for row in table.rows] for at in range(len(table.columns))]
    return [
        Column(one_line(title), own, numeric, title in table.whole)
        for title, own, numeric in zip(table.columns, cells, numeric_columns(table), strict=True)
    ]


def _beside(columns: Sequence[Column], width: int) -> int:
    """How many of the first columns have room beside each other, at least one."""
    taken = 0
    for place, column in enumerate(columns):
        taken += column.least + (GAP if place else 0)
        if taken > width and place:
            return place
    return len(columns)


def _widths(columns: Sequence[Column], width: int) -> list[int]:
    """As wide as the contents; if that is too wide, the titles of numbers are broken first, then the widest texts."""
    room = width - GAP * (len(columns) - 1)
    widths, least = ([getattr(column, name) for column in columns] for name in ("most", "least"))
    if sum(widths) > room:
        widths = [least[at] if columns[at].numeric else size for at, size in enumerate(widths)]
    while sum(widths) > room and (wide := [at for at, size in enumerate(widths) if size > least[at]]):
        widths[max(wide, key=widths.__getitem__)] -= 1
    return widths


def _lowered(titles: Sequence[Sequence[str]]) -> list[list[str]]:
    """Titles of several lines end at the rule."""
    height = max(map(len, titles))
    return [[*[""] * (height - len(lines)), *lines] for lines in titles]


def _joined(cells: Sequence[Sequence[str]], columns: Sequence[Column], widths: Sequence[int]) -> Iterator[str]:
    for parts in zip_longest(*cells, fillvalue=""):
        padded = [
            " " * (size - cell_len(part)) + part if column.numeric else part + " " * (size - cell_len(part))
            for part, column, size in zip(parts, columns, widths, strict=False)
        ]
        yield (" " * GAP).join(padded).rstrip()


def _below(columns: Sequence[Column], place: int, width: int) -> Iterator[str]:
    """The row's further cells with their titles, those that fit together on one line."""
    room, line = width - len(BELOW), ""
    for column in columns:
        cell = column.cells[place]
        if cell == ABSENT:
            continue
        named = f"{column.title}: {cell}"
        if line and (column.whole or cell_len(f"{line} | {named}") > room):
            yield BELOW + line
            line = ""
        if column.whole:
            yield BELOW + named
        elif cell_len(named) > room:
            yield from (BELOW + part for part in wrapped(named, room))
        else:
            line = f"{line} | {named}" if line else named
    if line:
        yield BELOW + line


def _longest(texts: Sequence[str]) -> int:
    return max(map(cell_len, texts), default=0)
