"""Reads logs of any length, line by line."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from pathlib import Path

from har_llm.common.files import open_bounded
from har_llm.data.datasets.files import FileReader

MOST_BYTES = 1 << 32
"""Of a log. It is never in memory as a whole."""
BLOCK = 1 << 16
"""Characters that are read at once; lines are not broken."""
LONGEST = 1 << 20
"""Most characters of a line; no row of a log has nearly as many."""

ZIP = "PK\x03\x04"
"""What a zip archive begins with."""


class LineReader(FileReader):
    """Reads files that are too long to hold them in memory, and collects faults and repairs."""

    def numbered(self, path: Path) -> Iterator[tuple[int, str]]:
        """The lines of a file, from 1, without their ends. One that is not text is left out, with a fault."""
        for first, lines in self.blocks(path):
            for number, line in enumerate(lines, first):
                if line is not None:
                    yield number, line

    def blocks(self, path: Path) -> Iterator[tuple[int, list[str | None]]]:
        """Some lines of a file at a time, and the number of the first; None stands for a line that is not text."""
        first = 1
        try:
            with io.TextIOWrapper(open_bounded(path, MOST_BYTES), "utf-8-sig", "surrogateescape") as stream:
                while text := stream.read(BLOCK):
                    if first == 1 and text.startswith(ZIP):
                        self.fault(path, None, "zip archive", "the file is a zip archive; unpack it and name a file of it")
                        return
                    if not text.endswith("\n"):
                        text += stream.readline(LONGEST)
                    lines: list[str | None] = list(text.removesuffix("\n").split("\n"))
                    if len(text) > LONGEST and not self._are_short(path, first, lines):
                        return
                    if not text.isascii():
                        lines = [
                            line if self._is_text(path, number, line or "") else None
                            for number, line in enumerate(lines, first)
                        ]
                    yield first, lines
                    first += len(lines)
        except OSError as error:
            self.unreadable(path, error)
            return
        if first == 1:
            self.fault(path, None, "empty file", "the file is empty; get it again or leave its recording out")

    def _are_short(self, path: Path, first: int, lines: Iterable[str | None]) -> bool:
        for number, line in enumerate(lines, first):
            if len(line or "") >= LONGEST:
                rule = f"at most {LONGEST:,} are read; check what the file is"
                self.fault(path, number, "too long a line", f"the line has {LONGEST:,} characters or more; {rule}")
                return False
        return True

    def _is_text(self, path: Path, number: int, line: str) -> bool:
        try:
            line.encode()
        except UnicodeEncodeError as error:
            byte = ord(line[error.start]) - 0xDC00
            rule = "save the file as UTF-8 or get it again"
            self.fault(path, number, "not UTF-8", f"byte 0x{byte:02x}, character {error.start + 1}, is not UTF-8; {rule}")
            return False
        return True
