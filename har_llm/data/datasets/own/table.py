"""Reads a table of anybody's, row by row with line numbers: text with separators, or Parquet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from har_llm.common.errors import MissingError, first_line
from har_llm.common.files import check_bounded, open_bounded
from har_llm.common.numbers import counted
from har_llm.data.datasets.files import UTF8_MARK, FileReader, shown

SEPARATORS = (",", ";", "\t")
BLOCK = 2**20
"""Bytes that are decoded at once."""
LONGEST_LINE = 2**20
"""Bytes. A row of a sensor's event has some dozens; a file of other content may have no line break at all."""
PARQUET = b"PAR1"
Row = tuple[int, list[str]]
"""Line in the file (number of the row, in Parquet) and fields."""


class Table:
    """A table with a header. Faults go to a FileReader."""

    def __init__(self, reader: FileReader, path: Path, separator: str | None = None, *, joined: str | None = None):
        """`separator`: null = the one of SEPARATORS that gives the header most columns. `joined`: the column to which what
        is too much in a row belongs, of writers that quote no separators in it."""
        self.reader, self.path = reader, path
        self.header: list[str] = []
        self.joined_rows = 0
        """How many rows had separators in the column `joined`."""
        self.empty_lines = 0
        self._joined = joined
        self._rows: Iterator[Row] = iter(())
        try:
            with open_bounded(path) as stream:
                parquet = stream.read(len(PARQUET)) == PARQUET
            self._rows = self._of_parquet() if parquet else self._of_text(separator)
        except FileNotFoundError:
            reader.fault(path, None, "missing file", "the file is missing; check its name")
        except OSError as error:
            reader.fault(path, None, "unreadable", f"the file cannot be read ({error.strerror or error}); check what it is")

    def rows(self) -> Iterator[Row]:
        """Every row with as many fields as the header. They can be read once."""
        return self._rows

    def is_empty(self, fields: Sequence[str]) -> bool:
        """Whether a row that cannot be used is only an empty line, which is counted."""
        empty = not "".join(fields).strip()
        self.empty_lines += empty
        return empty

    def _of_text(self, separator: str | None) -> Iterator[Row]:
        lines = self._lines(open_bounded(self.path))
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

    def _parsed(self, lines: Iterator[str], separator: str) -> Iterator[Row]:
        parser = csv.reader(lines, delimiter=separator, strict=True, skipinitialspace=self._joined is None)
        width, empty = len(self.header), True
        while True:
            begins = parser.line_num + 2
            try:
                fields = next(parser, None)
            except csv.Error as error:
                self._broken(begins, parser.line_num + 1, error)
                continue
            if fields is None:
                break
            empty = False
            if len(fields) != width:
                fields = self._mended(begins, fields)
            if fields:
                yield begins, fields
        if empty and not self.reader.faults:
            self.reader.fault(self.path, 1, "empty file", "has a header and no rows; check what it is")

    def _broken(self, begins: int, ends: int, error: csv.Error) -> None:
        if "unexpected end" in str(error) or ends > begins:
            message = f"a quote opens here and is not closed properly by line {ends}; close it, or leave the quotes out"
            self.reader.fault(self.path, begins, "quote without end", message)
        else:
            self.reader.fault(self.path, begins, "broken row", f"{first_line(error)}; mend the row")

    def _mended(self, line: int, fields: list[str]) -> list[str]:
        """A row of another width: what it means, or nothing, and a fault."""
        if self.is_empty(fields):
            return []
        width = len(self.header)
        more = len(fields) - width
        if more > 0 and self._joined in self.header:
            self.joined_rows += 1
            place = self.header.index(self._joined)
            return [*fields[:place], ",".join(fields[place : place + more + 1]), *fields[place + more + 1 :]]
        rule = f"the header has {width}: {', '.join(self.header)}"
        row = shown(" | ".join(fields))
        self.reader.fault(
            self.path, line, "wrong number of fields", f"{row} has {counted(len(fields), 'field')}; {rule}; mend the row"
        )
        return []

    def _lines(self, stream: BinaryIO) -> Iterator[str]:
        """The lines of a text with their ends. It stops, with a fault, at what is no text."""
        line = 1
        with stream:
            block = stream.read(BLOCK).removeprefix(UTF8_MARK)
            while block:
                if not block.endswith(b"\n"):
                    block += stream.readline(LONGEST_LINE)
                    if not block.endswith(b"\n") and stream.peek(1):  # type: ignore[attr-defined]
                        last = line + block.count(b"\n")
                        rule = f"no row is longer than {LONGEST_LINE:,} bytes, so this is no table; check what it is"
                        self.reader.fault(self.path, last, "too long a line", rule)
                        return
                try:
                    text = block.decode()
                except UnicodeDecodeError as error:
                    last = line + block.count(b"\n", 0, error.start)
                    place = f"byte 0x{block[error.start]:02x} is not UTF-8"
                    self.reader.fault(self.path, last, "not UTF-8", f"{place}; save the file as UTF-8")
                    return
                yield from io.StringIO(text, newline="")
                line += block.count(b"\n")
                block = stream.read(BLOCK)

    def _of_parquet(self) -> Iterator[Row]:
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
        self.header = [str(name).strip() for name in frame.columns]
        columns: Sequence[Any] = [frame.iloc[:, place].astype("string").fillna("") for place in range(len(self.header))]
        if not len(frame):
            self.reader.fault(self.path, None, "empty file", "has columns and no rows; check what it is")
        return ((number, list(map(str, row))) for number, row in enumerate(zip(*columns, strict=True), 1))
