"""Reads users' files row by row and collects their faults instead of raising at the first.

For comma-separated files whose values hold no comma, quote or line break (a subclass may read others). Every line is then a
row, and a broken row cannot swallow the next ones, as it would in a CSV reader where a quote is lost.
"""

from __future__ import annotations

import gc
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from har_llm.common.files import MOST_BYTES, read_bounded
from har_llm.common.notices import Notice, Notices
from har_llm.common.numbers import counted

MOST_LINES = 2_000_000
"""A file with more is refused: none of a release has nearly as many, and each may take a fault or a repair."""
MOST_REPAIRS = 100_000
"""More of them are no known slips of a release; each is kept with every run."""
LONGEST_NAME = 255
"""Characters of a sensor's id, a value or an activity; Home Assistant has none longer."""
UTF8_MARK = b"\xef\xbb\xbf"
"""What spreadsheets put before UTF-8 text."""


class FileReader:
    """Reads files and collects faults (must be mended) and repairs (the dataset is known to need them)."""

    BETWEEN = ","
    """What stands between the fields of a row, for messages."""

    def __init__(self) -> None:
        self.faults = Notices()
        self.repairs: list[Notice] = []

    def fault(self, path: Path, line: int | None, kind: str, message: str) -> None:
        self.faults.append(Notice(str(path), line, kind, message))

    def repair(self, path: Path, line: int | None, kind: str, message: str) -> None:
        if len(self.repairs) < MOST_REPAIRS:
            self.repairs.append(Notice(str(path), line, kind, message))
        elif "too many repairs" not in self.faults.counts:
            rule = f"at most {MOST_REPAIRS:,} rows are repaired, so these are no files of the release; get them again"
            self.fault(path, line, "too many repairs", f"{message}; {rule}")

    def check_name(self, path: Path, line: int | None, what: str, text: str) -> None:
        """Add a fault for a sensor, value or activity (`what`) that cannot stand in a line of a prompt."""
        if len(text) > LONGEST_NAME or not (text.isprintable() or what == "value"):
            rule = f"it must be one line of at most {LONGEST_NAME} printable characters; a quote may be lost above it"
            self.fault(path, line, f"unusable {what}", f"the {what} is {shown(text)}; {rule}")

    def folders(self, parent: Path) -> list[Path]:
        """The folders directly below the parent."""
        try:
            return sorted(path for path in parent.iterdir() if path.is_dir())
        except OSError as error:
            self.fault(parent, None, "unreadable", f"the folder cannot be read ({error.strerror}); check its permissions")
            return []

    def rows(self, path: Path, columns: tuple[str, ...], *, may_have_none: bool = False) -> Iterator[tuple[int, list[str]]]:
        """Line number and fields, without quotes, of every row with the right number of them. `may_have_none`: a header
        alone is no fault."""
        lines = self.lines(path)
        if not lines:
            return
        if tuple(self.fields(lines[0] or "")) != columns:
            if lines[0] is not None:
                self.fault(
                    path, 1, "wrong header", f"the first line is {shown(lines[0])}; it must be {self.BETWEEN.join(columns)}"
                )
            return
        if not may_have_none:
            self.check_rows(path, lines)
        for number, line in enumerate(lines[1:], start=2):
            if line is None:
                continue
            fields = self.fields(line)
            if len(fields) == len(columns):
                yield number, fields
            elif not line.strip():
                self.empty_line(path, number)
            else:
                rule = f"a row must have {len(columns)}: {self.BETWEEN.join(columns)}"
                self.fault(
                    path, number, "wrong number of fields", f"{shown(line)} has {counted(len(fields), 'field')}; {rule}"
                )

    def fields(self, line: str) -> list[str]:
        """The fields of a row, without quotes."""
        fields = line.split(",")
        if '"' not in line:
            return fields
        return [field[1:-1] if len(field) > 1 and field[0] == field[-1] == '"' else field for field in fields]

    def check_rows(self, path: Path, lines: Sequence[str | None]) -> None:
        """Add a fault if nothing follows the header."""
        if not any(line is None or line.strip() for line in lines[1:]):
            self.fault(path, 1, "empty file", "has a header and no rows; get the file again or leave its recording out")

    def empty_line(self, path: Path, line: int) -> None:
        self.repair(path, line, "empty line", "the line is empty; left out")

    def lines(self, path: Path, most: int = MOST_BYTES) -> Sequence[str | None]:
        """The lines of a file of at most `most` bytes, without their ends; None stands for a line that is not text."""
        raw = self.content(path, most)
        if raw is None:
            return []
        if not raw.strip():
            self.fault(path, None, "empty file", "the file is empty; get it again or leave its recording out")
            return []
        if (count := raw.count(b"\n")) > MOST_LINES:
            self.fault(
                path, None, "too large", f"has {count:,} lines, and at most {MOST_LINES:,} are read; check what it is"
            )
            return []
        raw = raw.removesuffix(b"\n")
        try:
            return raw.removeprefix(UTF8_MARK).decode().removesuffix("\r").replace("\r\n", "\n").split("\n")
        except UnicodeDecodeError:
            return self._lines_one_by_one(path, raw)

    def content(self, path: Path, most: int) -> bytes | None:
        """The bytes of a file, at most `most`; None, and a fault, where it cannot be read."""
        try:
            return read_bounded(path, most)
        except OSError as error:
            self.unreadable(path, error)
            return None

    def unreadable(self, path: Path, error: OSError) -> None:
        if isinstance(error, FileNotFoundError):
            self.missing(path)
        else:
            self.fault(path, None, "unreadable", f"the file cannot be read ({error.strerror}); check what it is")

    def missing(self, path: Path) -> None:
        self.fault(path, None, "missing file", "the file is missing; get it again or leave its recording out")

    def _lines_one_by_one(self, path: Path, raw: bytes) -> list[str | None]:
        lines: list[str | None] = []
        offset = 0
        for number, line in enumerate(raw.split(b"\n"), start=1):
            try:
                lines.append(line.decode().removesuffix("\r").removeprefix("\ufeff"))
            except UnicodeDecodeError as error:
                place = f"byte 0x{line[error.start]:02x} at offset {offset + error.start} of the file"
                self.fault(path, number, "not UTF-8", f"{place} is not UTF-8; save the file as UTF-8 or get it again")
                lines.append(None)
            offset += len(line) + 1
        return lines


def past_mark(stream: io.BufferedReader) -> None:
    """Skip the mark at the beginning of a file."""
    if stream.peek(len(UTF8_MARK)).startswith(UTF8_MARK):
        stream.read(len(UTF8_MARK))


@contextmanager
def without_collector() -> Iterator[None]:
    """Pause the garbage collector while many records are made.

    They hold no cycles, yet the collector would scan all of them repeatedly: a fifth of the time for a million events, and
    a growing share for more.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def shown(value: str, most: int = 60) -> str:
    """A value quoted for a message, shortened to `most` characters."""
    return repr(value) if len(value) <= most else f"{value[:most]!r}... ({len(value)} characters)"
