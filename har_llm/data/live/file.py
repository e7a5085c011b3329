"""A file that grows: a table of events, or Home Assistant's history as CSV, as its dataset reads it."""

from __future__ import annotations

import hashlib
import io
import os
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from har_llm.common.checks import require
from har_llm.common.errors import DataError, reason_of
from har_llm.common.files import LONGEST_LINE, LongLineError, line_blocks, open_bounded
from har_llm.common.notices import Notice, Notices
from har_llm.common.paths import expanded
from har_llm.data.datasets.files import FileReader
from har_llm.data.live.home import LiveHome
from har_llm.data.live.reading import Batch, Reading, Say, WatchConfig
from har_llm.data.live.told_once import ToldOnce

STARTS = ("end", "beginning")
POLL_S = 0.25
"""Seconds between two looks at the file."""
OTHER_FORM = ("no table", "wrong header", "columns")
"""Kinds of faults of a file, not of a row."""
NO_ROWS = "empty file"
"""The kind of a header alone."""
SEEN = 1024
"""Bytes before a place by which the file is known again."""


@dataclass(kw_only=True)
class WatchedFile(WatchConfig):
    """Rows that are appended to a file, which may be cut, renamed and begun again."""

    source_class: ClassVar[str] = "har_llm.data.live.file.GrowingFile"

    path: str | None = None
    """The file; null = dataset.path."""
    start: str = "end"
    """Where a file begins that was not watched before. end: behind what is in it; beginning: what is in it is told too."""

    def check(self) -> None:
        super().check()
        require("watch.start", self.start, STARTS)


class GrowingFile:
    """The rows of a file, as they come.

    The file goes on where its content before that place is what it was; any other is new, and read from its beginning.
    """

    def __init__(self, settings: WatchedFile, home: LiveHome, place: Any, say: Say):
        """`place`: [offset, digest of what is before it], of the file as it was left."""
        self._path = expanded(settings.path or home.dataset.path or "")
        self._home, self._say = home, ToldOnce(say)
        self._times = home.dataset.times()
        self._stream: io.BufferedReader | None = None
        self._header = b""
        self._offset: int = place[0] if place else 0
        self._digest: str = place[1] if place else ""
        self._from_end = settings.start == "end" and not place
        self._begun = bool(place)
        """Whether it was said where the file begins."""
        self._there = True
        self._known = False
        """Whether its header was understood once; a later file may be mended as it was broken."""

    def batches(self, stop: threading.Event) -> Iterator[Batch | None]:
        while not stop.is_set():
            batch = self._next()
            yield batch
            if batch is None or not batch.readings:
                stop.wait(POLL_S)

    @property
    def left_out(self) -> Counter[str]:
        return self._say.counts

    def close(self) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def _next(self) -> Batch | None:
        """What was added; None where there is no file. Raises DataError for one of another form."""
        try:
            if self._stream is None or self._before(self._offset) != self._digest:  # it was cut, and begun again
                self.close()
                self._open()
            rows = self._rows()
            if not rows and not self._is_same():  # now that the rest of the old one is read
                self.close()
        except OSError as error:
            self.close()
            self._state(there=False, why=reason_of(error))
            if isinstance(error, FileNotFoundError):
                self._from_end = False  # all that one will hold comes while it is watched
            return None
        self._state(there=True)
        if not rows and self._begun:
            return Batch()
        self._begun = True
        return Batch(self._readings(rows) if rows else (), [self._offset, self._digest])

    def _state(self, *, there: bool, why: str = "") -> None:
        if there != self._there:
            self._say.now(
                f"{self._path} is there, and watched." if there else f"{self._path} cannot be read ({why}); waiting for it."
            )
        self._there = there

    def _open(self) -> None:
        """Open the file, at the place where it goes on. Raises OSError."""
        self._stream = stream = open_bounded(self._path)
        if self._read_header():
            self._readings(b"")
        end = stream.seek(0, 2)
        if self._offset > end or self._before(self._offset) != self._digest:
            self._offset = 0
        if self._from_end:
            self._offset = self._last_end(end)
        self._offset = max(self._offset, len(self._header))
        self._digest, self._from_end = self._before(self._offset), False

    def _read_header(self) -> bytes:
        assert self._stream is not None
        self._stream.seek(0)
        line = self._stream.readline(LONGEST_LINE)
        self._header = line if line.endswith(b"\n") else b""
        return self._header

    def _is_same(self) -> bool:
        """Whether the path still leads to the file that is open. Raises OSError."""
        assert self._stream is not None
        mine, found = os.fstat(self._stream.fileno()), self._path.stat()
        return (mine.st_dev, mine.st_ino) == (found.st_dev, found.st_ino)

    def _before(self, offset: int) -> str:
        """A digest of what is before a place of the open file."""
        assert self._stream is not None
        self._stream.seek(max(0, offset - SEEN))
        return hashlib.sha256(self._stream.read(min(offset, SEEN))).hexdigest()[:16]

    def _last_end(self, end: int) -> int:
        """Where the last whole line of the open file ends."""
        assert self._stream is not None
        start = max(0, end - LONGEST_LINE)
        self._stream.seek(start)
        return start + self._stream.read(end - start).rfind(b"\n") + 1

    def _rows(self) -> bytes:
        """The next whole lines. A line longer than any row is passed over."""
        assert self._stream is not None
        if not self._header:  # the file was empty when it was opened
            self._offset = len(self._read_header())
        self._stream.seek(self._offset)
        try:
            block = next(line_blocks(self._stream), b"")
        except LongLineError as error:
            rule = "which is no row, and is passed over"
            self._say.once("too long a line", f"{self._path} has a line of over {error.read:,} bytes, {rule}.")
            self._moved(error.read)
            return b""
        rows = block[: block.rfind(b"\n") + 1] if self._header else b""  # it may have come just now
        self._moved(len(rows))
        return rows

    def _moved(self, count: int) -> None:
        if count:
            self._offset += count
            self._digest = self._before(self._offset)

    def _readings(self, rows: bytes) -> list[Reading]:
        """Raises DataError for a table of another form."""
        reader, recorded = FileReader(), self._home.dataset.recorded()
        table = self._home.dataset.table(reader, self._path, self._header + self._usable(rows))
        self._home.dataset.record_table(recorded, table, self._times)
        for fault in reader.faults:
            if fault.kind in OTHER_FORM and not self._known:
                raise DataError(f"{self._path} is not of the form that watch=file reads:", [fault])
            if rows and fault.kind != NO_ROWS:
                self._say_left_out(fault)
        self._known = True
        values = recorded.without_value is not None
        found = zip(recorded.orders, recorded.clocks, recorded.said, strict=True)
        return [Reading((order, clock), sensor, value if values else None) for order, clock, (sensor, value) in found]

    def _usable(self, rows: bytes) -> bytes:
        """The lines that are rows each by itself; any other, such as one with a lost quote, would take those behind it
        along."""
        if not self._faults(rows):
            return rows
        usable = []
        for line in rows.splitlines(keepends=True):
            if faults := self._faults(line):
                self._say_left_out(faults[0])
            else:
                usable.append(line)
        return b"".join(usable)

    def _faults(self, rows: bytes) -> Notices:
        """Those of a table of these lines, whatever they say."""
        reader = FileReader()
        for _ in self._home.dataset.table(reader, self._path, self._header + rows).blocks():
            pass
        return reader.faults

    def _say_left_out(self, fault: Notice) -> None:
        self._say.once(fault.kind, f"{self._path}: {fault.message}; such rows are left out and counted.")
