"""A file of JSON lines that remembers what a process has accepted: each is on disk before its writer goes on."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from har_llm.common.errors import MissingError
from har_llm.common.files import bounded_lines, open_bounded, write_whole

MOST_LINES = 5000
"""Lines after which the journal is begun anew with what is still needed."""


class Journal:
    """Its first line is a state; the others are what has changed since. One that was torn by a kill is dropped."""

    def __init__(self, path: Path):
        self._path = path
        self._stream: BinaryIO | None = None
        self._lines = 0

    def read(self) -> Iterator[dict[str, Any]]:
        """The lines. Raises MissingError for a damaged file."""
        if not self._path.exists():
            return
        try:
            with open_bounded(self._path) as stream:
                lines = list(bounded_lines(stream))
            if lines and not lines[-1].endswith(b"\n"):
                del lines[-1]
            yield from map(json.loads, lines)
        except (OSError, ValueError) as error:
            raise MissingError(
                f"{self._path} cannot be read ({error}); move it elsewhere to begin anew, without what waits there."
            ) from None

    def begin(self, state: dict[str, Any]) -> None:
        """Replace all lines by a state. Raises MissingError if it cannot be written."""
        self.close()
        try:
            write_whole(self._path, _line(state))
            self._stream = self._path.open("ab")
        except OSError as error:
            raise self._unwritable(error) from None
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
            self._stream.close()
            self._stream = None

    def _unwritable(self, error: OSError) -> MissingError:
        return MissingError(
            f"{self._path} cannot be written ({error.strerror or error}). What was accepted before is kept; make room, "
            f"or set paths.outputs otherwise, and run the same command again."
        )


def _line(content: dict[str, Any]) -> str:
    return json.dumps(content, ensure_ascii=True) + "\n"
