"""Reads logs of any length, line by line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from har_llm.common.files import LongLineError, line_blocks, open_bounded
from har_llm.data.datasets.files import FileReader, past_mark

MOST_BYTES = 1 << 32
"""Of a log. It is never in memory as a whole."""
ZIP = b"PK\x03\x04"
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
            with open_bounded(path, MOST_BYTES) as stream:
                past_mark(stream)
                if stream.peek(len(ZIP)).startswith(ZIP):
                    self.fault(path, None, "zip archive", "the file is a zip archive; unpack it and name a file of it")
                    return
                for block in line_blocks(stream):
                    yield first, (lines := self._decoded(path, first, block))
                    first += len(lines)
        except OSError as error:
            self.unreadable(path, error)
            return
        except LongLineError as error:
            self.fault(path, first, "too long a line", str(error))
            return
        if first == 1:
            self.fault(path, None, "empty file", "the file is empty; get it again or leave its recording out")

    def _decoded(self, path: Path, first: int, block: bytes) -> list[str | None]:
        try:
            return [*_lines(block.decode())]
        except UnicodeDecodeError:
            numbered = enumerate(_lines(block.decode("utf-8", "surrogateescape")), first)
            return [line if self._is_text(path, number, line) else None for number, line in numbered]

    def _is_text(self, path: Path, number: int, line: str) -> bool:
        try:
            line.encode()
        except UnicodeEncodeError as error:
            byte = ord(line[error.start]) - 0xDC00
            rule = "save the file as UTF-8 or get it again"
            self.fault(path, number, "not UTF-8", f"byte 0x{byte:02x}, character {error.start + 1}, is not UTF-8; {rule}")
            return False
        return True


def _lines(text: str) -> list[str]:
    """Without their ends, whichever these are."""
    text = text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text
    return text.removesuffix("\n").split("\n")
