"""Reads logs of any length, line by line."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

from har_llm.common.files import open_bounded
from har_llm.data.datasets.files import FileReader

MOST_BYTES = 1 << 32
"""Of a log. It is never in memory as a whole."""
LONGEST = 1 << 20
"""Most characters of a line; no row of a log has nearly as many."""


class LineReader(FileReader):
    """Reads files that are too long to hold them in memory, and collects faults and repairs."""

    def numbered(self, path: Path) -> Iterator[tuple[int, str]]:
        """The lines of a file, from 1, with their ends as "\\n". One that is not text is left out, with a fault."""
        number = 0
        try:
            with io.TextIOWrapper(open_bounded(path, MOST_BYTES), "utf-8-sig", "surrogateescape") as stream:
                while line := stream.readline(LONGEST):
                    number += 1
                    if len(line) == LONGEST:
                        rule = f"at most {LONGEST:,} are read; check what the file is"
                        self.fault(path, number, "too long a line", f"the line has {LONGEST:,} characters or more; {rule}")
                        return
                    if line.isascii() or self._is_text(path, number, line):
                        yield number, line
        except OSError as error:
            self.unreadable(path, error)
            return
        if not number:
            self.fault(path, None, "empty file", "the file is empty; get it again or leave its recording out")

    def _is_text(self, path: Path, number: int, line: str) -> bool:
        try:
            line.encode()
        except UnicodeEncodeError as error:
            byte = ord(line[error.start]) - 0xDC00
            rule = "save the file as UTF-8 or get it again"
            self.fault(path, number, "not UTF-8", f"byte 0x{byte:02x}, character {error.start + 1}, is not UTF-8; {rule}")
            return False
        return True
