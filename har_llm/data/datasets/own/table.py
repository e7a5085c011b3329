"""Reads a table of anybody's, row by row with line numbers: text with separators, or Parquet."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple

from har_llm.common.errors import MissingError, first_line, reason_of
from har_llm.common.files import LongLineError, check_bounded, line_blocks, open_bounded
from har_llm.common.numbers import counted
from har_llm.common.text import composed
from har_llm.data.datasets.files import FileReader, past_mark, shown

SEPARATORS = (",", ";", "\t")
PARQUET = b"PAR1"
OTHERS = {
    b"PK\x03\x04": "an Excel file (or another ZIP archive); save it as CSV (or unpack it), and name that",
    b"\xd0\xcf\x11\xe0": "an Excel file of an old form; save it as CSV, and name that",
    b"\x1f\x8b": "a compressed file; unpack it, and name what was in it",
    b"SQLi": "an SQLite database; of Home Assistant's recorder, it is read with dataset=home_assistant dataset.path=FILE",
}
"""How other files begin, and what they are."""
ROWS = 10_000
"""Rows that are given at once."""
BREAK = re.compile(r"\r\n|\r|\n")


class Block(NamedTuple):
    """Rows of a table, by columns."""

    lines: Sequence[int]
    """Where each row begins (its number, in Parquet)."""
    columns: Sequence[Sequence[str]]

    def row(self, place: int) -> list[str]:
        return [column[place] for column in self.columns]

    def rows(self, places: Sequence[int]) -> Block:
        """Some of its rows."""
        if len(places) == len(self.columns[0]):
            return self
        return Block([self.lines[place] for place in places], [[one[place] for place in places] for one in self.columns])


class Table:
    """A table with a header. Faults go to a FileReader."""

    def __init__(
        self,
        reader: FileReader,
        path: Path,
        separator: str | None = None,
        *,
        content: bytes | None = None,
        joined: str | None = None,
        setting: str = "dataset.path",
    ):
        """`separator`: null = the one of SEPARATORS that gives the header most columns. `content`: text to be read in place
        of the file that it comes from. `joined`: the column to which what is too much in a row belongs, of writers that
        quote no separators in it. `setting`: what names the file."""
        self.reader, self.path, self._content = reader, path, content
        self.header: list[str] = []
        self._joined_rows = 0
        """How many rows had separators in the column `joined`."""
        self._without_content = Counter[str]()
        self._joined = joined
        self._blocks: Iterator[Block] = iter(())
        try:
            with self._open() as stream:
                begins = stream.read(len(PARQUET))
            other = next((what for mark, what in OTHERS.items() if begins.startswith(mark)), None)
            if other is not None:
                reader.fault(path, None, "no table", f"this is {other}")
            else:
                self._blocks = self._of_parquet() if begins == PARQUET else self._of_text(separator)
        except FileNotFoundError:
            reader.fault(path, None, "missing file", "the file is missing; check its name")
        except OSError as error:
            unreadable(reader, path, error, setting)

    def blocks(self) -> Iterator[Block]:
        """The rows with as many fields as the header, some thousand at a time. They can be read once."""
        return self._blocks

    def says_nothing(self, fields: Sequence[str]) -> bool:
        """Whether a row that cannot be used is only an empty line, or the header again, as where files were joined."""
        stripped = [field.strip() for field in fields]
        self._without_content["empty line"] += (empty := not any(stripped))
        self._without_content["repeated header"] += (again := stripped == self.header)
        return empty or again

    def add_repairs(self) -> None:
        """Say, when all rows were read, what was repaired in how many."""
        for kind, number in self._without_content.items():
            if number:
                self.reader.repair(self.path, None, kind, f"{counted(number, kind)}; left out")
        if self._joined_rows:
            rule = "with a comma that is not quoted; it is taken as part of the state"
            self.reader.repair(self.path, None, "comma in a state", f"{counted(self._joined_rows, 'row')} {rule}")

    def _open(self) -> io.BufferedReader:
        return open_bounded(self.path) if self._content is None else io.BufferedReader(io.BytesIO(self._content))

    def _of_text(self, separator: str | None) -> Iterator[Block]:
        lines = self._lines(self._open())
        first = next(lines, None)
        if first is None:
            if not self.reader.faults:
                self.reader.fault(self.path, None, "empty file", "the file is empty; check what it is")
            return iter(())
        separator = separator or max(SEPARATORS, key=first.count)
        try:
            self.header = [name.strip() for name in next(csv.reader([first], delimiter=separator, strict=True), [])]
        except csv.Error as error:
            self.reader.fault(self.path, 1, "wrong header", f"the first line is {shown(first)}: {error}; mend it")
            return iter(())
        if len(self.header) < 2:
            rule = "it must name the columns, with commas, semicolons or tabs between them"
            self.reader.fault(self.path, 1, "wrong header", f"the first line is {shown(first)}; {rule}")
            self.header = []
            return iter(())
        return self._parsed(lines, separator)

    def _parsed(self, lines: Iterator[str], separator: str) -> Iterator[Block]:
        parser = csv.reader(lines, delimiter=separator, strict=True, skipinitialspace=self._joined is None)
        begins, empty = 2, True
        while True:
            rows, error = _some(parser)
            if not rows and error is None:
                break
            after, empty = parser.line_num + 2, False
            places: Sequence[int] = range(begins, begins + len(rows) + 1)
            if after - begins != len(rows):
                places = _places(rows, begins)
            if error is not None:
                self._broken(places[-1], parser.line_num + 1, error)
            if block := self._block(rows, places[: len(rows)]):
                yield block
            begins = after
        if empty and not self.reader.faults:
            self.reader.fault(self.path, 1, "empty file", "has a header and no rows; check what it is")

    def _block(self, rows: list[list[str]], places: Sequence[int]) -> Block | None:
        """The rows that can be used; None where there are none."""
        if set(map(len, rows)) != {len(self.header)}:
            mended = [(line, self._mended(line, row)) for line, row in zip(places, rows, strict=True)]
            rows = [row for _, row in mended if row]
            places = [line for line, row in mended if row]
        return Block(places, list(zip(*rows, strict=True))) if rows else None

    def _broken(self, begins: int, ends: int, error: csv.Error) -> None:
        if "unexpected end" in str(error) or ends > begins:
            message = f"a quote opens here and is not closed properly by line {ends}; close it, or leave the quotes out"
            self.reader.fault(self.path, begins, "quote without end", message)
        else:
            self.reader.fault(self.path, begins, "broken row", f"{first_line(error)}; mend the row")

    def _mended(self, line: int, fields: list[str]) -> list[str]:
        """A row of any width: what it means, or nothing, and a fault."""
        width = len(self.header)
        if len(fields) == width or self.says_nothing(fields):
            return fields if len(fields) == width else []
        more = len(fields) - width
        if more > 0 and self._joined in self.header:
            self._joined_rows += 1
            place = self.header.index(self._joined)
            return [*fields[:place], ",".join(fields[place : place + more + 1]), *fields[place + more + 1 :]]
        rule = f"the header has {width}: {', '.join(self.header)}"
        row = shown(" | ".join(fields))
        self.reader.fault(
            self.path, line, "wrong number of fields", f"{row} has {counted(len(fields), 'field')}; {rule}; mend the row"
        )
        return []

    def _lines(self, stream: io.BufferedReader) -> Iterator[str]:
        """The lines of a text with their ends. They stop, with a fault, at what is no text."""
        return chain.from_iterable(self._pieces(stream))

    def _pieces(self, stream: io.BufferedReader) -> Iterator[Iterable[str]]:
        line = 1
        with stream:
            past_mark(stream)
            try:
                for block in line_blocks(stream):
                    yield io.StringIO(composed(block.decode()), newline="")
                    line += block.count(b"\n")
            except UnicodeDecodeError as error:
                line += error.object.count(b"\n", 0, error.start)
                place = f"byte 0x{error.object[error.start]:02x} is not UTF-8"
                self.reader.fault(self.path, line, "not UTF-8", f"{place}; save the file as UTF-8")
            except LongLineError as error:
                self.reader.fault(self.path, line, "too long a line", str(error))

    def _of_parquet(self) -> Iterator[Block]:
        check_bounded(self.path)
        try:
            import pandas
        except ImportError:
            raise MissingError(f"{self.path} is Parquet, for which pandas is missing: pip install pandas pyarrow.") from None
        try:
            frame: Any = pandas.read_parquet(self.path, dtype_backend="numpy_nullable")
        except ImportError:
            raise MissingError(f"{self.path} is Parquet, for which pyarrow is missing: pip install pyarrow.") from None
        except (OSError, ValueError, ArithmeticError, KeyError) as error:
            rule = "write the file again, or save it as CSV"
            self.reader.fault(self.path, None, "broken Parquet", f"it cannot be read ({first_line(error)}); {rule}")
            return iter(())
        self.header = [composed(str(name).strip()) for name in frame.columns]
        columns: Sequence[Any] = [frame.iloc[:, place].astype("string").fillna("") for place in range(len(self.header))]
        if not len(frame):
            self.reader.fault(self.path, None, "empty file", "has columns and no rows; check what it is")
        texts = ([composed(str(cell)) for cell in column] for column in columns)
        return iter([Block(range(1, len(frame) + 1), [*texts])] if len(frame) else [])


def unreadable(reader: FileReader, path: Path, error: OSError, setting: str) -> None:
    """Add the fault of a file that cannot be opened, which `setting` names."""
    message = f"the file cannot be read ({reason_of(error)}); check what it is"
    if isinstance(error, IsADirectoryError):
        message = f"{setting} names a folder; set it to a file, perhaps one in that folder"
    reader.fault(path, None, "unreadable", message)


def _some(parser: Iterator[list[str]]) -> tuple[list[list[str]], csv.Error | None]:
    """The next rows, and what is wrong with the one behind them."""
    rows: list[list[str]] = []
    try:
        rows.extend(islice(parser, ROWS))  # keeps those before a broken one
    except csv.Error as error:
        return rows, error
    return rows, None


def _places(rows: Sequence[Sequence[str]], begins: int) -> list[int]:
    """The lines where these rows begin, some of which have line breaks in their fields; then the line behind them."""
    found = [begins]
    for row in rows:
        found.append(found[-1] + 1 + sum(len(BREAK.findall(field)) for field in row))
    return found
