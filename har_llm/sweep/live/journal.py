"""A file of JSON lines that remembers what a process has accepted: each is on disk before its writer goes on."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from har_llm.common.errors import MissingError, reason_of
from har_llm.common.files import read_bounded, write_whole

DIGEST_LENGTH = 16
MOST_LINES = 5000
"""Lines after which the journal is begun anew with what is still needed."""


class Journal:
    """Its first line is a state; the others are what has changed since. Each ends with a digest of what it says; the last
    one is dropped where a kill has torn it."""

    def __init__(self, path: Path):
        self._path = path
        self._stream: BinaryIO | None = None
        self._lines = 0

    def read(self) -> Iterator[dict[str, Any]]:
        """What the lines say. Raises MissingError for a damaged file."""
        if not self._path.exists():
            return
        try:
            *lines, _ = read_bounded(self._path).split(b"\n")
            for number, line in enumerate(lines, 1):
                yield _read(line, number)
        except (OSError, ValueError) as error:
            raise MissingError(
                f"{self._path} cannot be read ({reason_of(error)}); move it elsewhere to begin anew, without what waits "
                f"there."
            ) from None

    def begin(self, state: dict[str, Any]) -> None:
        """Replace all lines by a state. Raises MissingError if it cannot be written."""
        try:
            write_whole(self._path, _line(state))
            stream = self._path.open("ab")
        except OSError as error:
            raise self._unwritable(error) from None
        self.close()
        self._stream = stream
        self._lines = 1

    @property
    def is_long(self) -> bool:
        return self._lines >= MOST_LINES

    def add(self, change: dict[str, Any]) -> None:
        """Append a line, which is on disk when this returns. Raises MissingError if that fails."""
        assert self._stream is not None
        try:
            self._stream.write(_line(change).encode("ascii"))
            self._stream.flush()
            os.fsync(self._stream.fileno())
        except OSError as error:
            raise self._unwritable(error) from None
        self._lines += 1

    def close(self) -> None:
        if self._stream is not None:
            with suppress(OSError):  # of what could not be written, which was said then
                self._stream.close()
            self._stream = None

    def _unwritable(self, error: OSError) -> MissingError:
        return MissingError(
            f"{self._path} cannot be written ({reason_of(error)}). What was accepted before is kept; make room, "
            f"or set paths.outputs otherwise, and run the same command again."
        )


def _line(content: dict[str, Any]) -> str:
    body = json.dumps(content, ensure_ascii=True)
    return f"{body}\t{_digest(body.encode('ascii'))}\n"


def _read(line: bytes, number: int) -> dict[str, Any]:
    """Raises ValueError for a line that is not as it was written."""
    body, _, digest = line.rpartition(b"\t")
    if digest.decode("ascii", errors="replace") != _digest(body):
        raise ValueError(f"line {number} is not as it was written")
    content: dict[str, Any] = json.loads(body)
    return content


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()[:DIGEST_LENGTH]
