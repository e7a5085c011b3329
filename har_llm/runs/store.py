"""Generations on disk, each under the key of its request.

They are in append-only JSONL shards. Every writer has a shard of its own, so that processes and machines can share the
folder without a lock. A line is on disk as soon as its generation is finished, and ends with its own digest: one that is
torn by a kill, damaged, or was changed, is ignored, and its generation is owed again.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
import weakref
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, NamedTuple

from har_llm.common.digest import digest
from har_llm.common.errors import MissingError
from har_llm.common.files import MOST_BYTES, bounded_lines, open_bounded, sync

FORMAT = 2
"""To be raised when a record is written otherwise; records of other formats are ignored."""
KEY_LENGTH = 64
_PREFIX = f'{{"format": {FORMAT}, "key": "'.encode()
_DIGEST = ', "digest": "{}"}}\n'
_DIGEST_LENGTH = 16
_ENDING = len(_DIGEST.format("0" * _DIGEST_LENGTH))
_BUFFER = 2**18
"""Bytes that a scan reads at a time; with Python's 8 kB, opening a large store takes twice as long."""


class Record(NamedTuple):
    """A stored generation. `about` says how it was made: engine, versions, hardware, model, provenance."""

    key: str
    text: str
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int
    seconds: float
    about: Mapping[str, Any]
    cached_tokens: int = 0
    kind: str = ""
    """That of the run which asked for it (PreparedRun.kind); empty where it is not known."""


class _Place(NamedTuple):
    shard: Path
    offset: int
    length: int


def generations_folder(root: Path, model: Mapping[str, Any]) -> Path:
    """The folder of a model's generations. Every model identity has its own, so that opening it scans no other's."""
    name = "".join(c if c.isalnum() or c in "._-" else "-" for c in str(model["id"]))[-60:]
    return root / "generations" / f"{name}-{digest(dict(model))[:12]}"


class GenerationStore:
    """The generations of one model (with or without an adapter) below `root`.

    If a race has left two records under one key, they are equally good; every reader takes the first that is whole, by the
    names of the shards. A record is checked when it is found, and again when it is read.
    """

    def __init__(self, root: Path, model: Mapping[str, Any]):
        self.faults: dict[Path, str] = {}
        """What was found so far that is ignored, in words: the first of each shard."""
        self._places: dict[str, _Place] = {}
        self._others: dict[str, list[_Place]] = {}
        """Of keys with several records, the later ones."""
        self._whole: set[str] = set()
        """Keys whose record was whole when it was last looked at, since the last refresh."""
        self._shards = _Shards()
        weakref.finalize(self, self._shards.close)
        self._folder = generations_folder(root, model)
        self._scanned: dict[Path, int] = {}
        """Bytes of each shard, up to the end of its last whole line."""
        self.refresh()

    def refresh(self) -> None:
        """Find what was added since, also by other processes: only that is read. Records are checked anew when asked for."""
        self._whole.clear()
        for shard in sorted(self._folder.glob("*.jsonl")):
            for key, place in self._scan(shard):
                self._whole.add(key)
                if (first := self._places.setdefault(key, place)) is not place:
                    self._places[key], *self._others[key] = sorted([first, *self._others.get(key, ()), place])

    def __contains__(self, key: str) -> bool:
        if key not in self._whole and self._line(key) is not None:
            self._whole.add(key)
        return key in self._whole

    def __len__(self) -> int:
        return sum(1 for _ in self.keys())

    def keys(self) -> Iterator[str]:
        """Of the records that are whole."""
        return (key for key in list(self._places) if key in self)

    def get_many(self, keys: Iterable[str]) -> Iterator[Record]:
        """The records of these keys, in order. Raises KeyError for one that is not stored."""
        for key in keys:
            if (line := self._line(key)) is None:
                raise KeyError(key)
            content = json.loads(line)
            yield Record(**{name: content[name] for name in Record._fields if name in content})

    def _line(self, key: str) -> bytes | None:
        """The key's first record that is whole; damaged ones are forgotten."""
        while (place := self._places.get(key)) is not None:
            line = self._shards.read(place)
            if line is not None and _is_whole(line):
                return line
            self._damaged(place.shard, place.offset)
            if others := self._others.get(key):
                self._places[key] = others.pop(0)
            else:
                del self._places[key]
        return None

    def _scan(self, shard: Path) -> Iterator[tuple[str, _Place]]:
        offset = self._scanned.get(shard, 0)
        try:
            if shard in self._scanned and shard.stat().st_size == offset:
                return
            with open_bounded(shard, buffering=_BUFFER) as stream:
                stream.seek(offset)
                for line in bounded_lines(stream):
                    start, offset = offset, offset + len(line)
                    if line.endswith(b"\n"):
                        self._scanned[shard] = offset
                    if line.startswith(_PREFIX) and _is_whole(line):
                        key = line[len(_PREFIX) : len(_PREFIX) + KEY_LENGTH].decode("ascii", errors="replace")
                        yield key, _Place(shard, start, len(line))
                    elif len(line) == MOST_BYTES:  # the rest may be gigabytes of it
                        self._damaged(shard, start)
                        if (at := _next_data(stream, offset)) is None:
                            return
                        offset = stream.seek(at)
                    else:
                        torn = not line.endswith(b"\n")  # by a kill, or its writer is at it
                        if not torn or b"\0" in line or not _PREFIX.startswith(line[: len(_PREFIX)]):
                            self._damaged(shard, start)
                        if torn:  # what is there by now would seem to be a line of its own
                            return
        except OSError as error:
            self.faults.setdefault(shard, f"cannot be read ({error.strerror}), and is ignored")

    def _damaged(self, shard: Path, offset: int) -> None:
        self.faults.setdefault(
            shard, f"has a damaged line at byte {offset:,}; such lines are ignored, and what is wanted of it is made again"
        )


class _Shards:
    """Shards that were read, which stay open: a command asks for thousands of records."""

    MOST = 64

    def __init__(self) -> None:
        self._streams: dict[Path, BinaryIO] = {}

    def read(self, place: _Place) -> bytes | None:
        """The line at a place; None if it cannot be read."""
        try:
            if place.shard not in self._streams:
                if len(self._streams) == self.MOST:
                    self.close()
                self._streams[place.shard] = open_bounded(place.shard)
            stream = self._streams[place.shard]
            stream.seek(place.offset)
            return stream.read(place.length)
        except OSError:
            return None

    def close(self) -> None:
        while self._streams:
            self._streams.popitem()[1].close()


def _next_data(stream: BinaryIO, offset: int) -> int | None:
    """Where the file has data again, from a place on: this one, or the end of the hole that it is in; None if nowhere."""
    try:
        return os.lseek(stream.fileno(), offset, os.SEEK_DATA)
    except OSError:  # a hole up to its end, or a file system that does not tell holes
        return None


def _as_line(record: Record) -> bytes:
    # A model may write a lone surrogate, which UTF-8 cannot encode; ASCII escapes keep every text exactly.
    body = json.dumps({"format": FORMAT, **record._asdict()}, ensure_ascii=True)[:-1].encode("ascii")
    return body + _ending(body)


def _is_whole(line: bytes) -> bool:
    body, ending = line[:-_ENDING], line[-_ENDING:]
    return ending == _ending(body)


def _ending(body: bytes) -> bytes:
    """The end of a record's line, with the digest of all before it."""
    return _DIGEST.format(hashlib.sha256(body).hexdigest()[:_DIGEST_LENGTH]).encode("ascii")


class ShardWriter:
    """Appends records to a new shard of a folder (see generations_folder), which is made with the first record.

    A store sees them if it is opened afterwards. `at_once`: whether each is on disk at once, not only when all are written;
    without it, a kill of the process still loses none, but a failure of the machine may.
    """

    def __init__(self, folder: Path, *, at_once: bool = True):
        self._at_once = at_once
        self._path = folder / f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{os.getpid()}-{os.urandom(4).hex()}.jsonl"
        self._stream: BinaryIO | None = None

    def add(self, record: Record) -> None:
        """Store a record. Raises MissingError if that fails."""
        try:
            if self._stream is None:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._stream = self._path.open("xb")
                sync(self._path.parent)
            self._stream.write(_as_line(record))
            self._stream.flush()
            if self._at_once:
                os.fsync(self._stream.fileno())
        except OSError as error:
            raise MissingError(
                f"A generation cannot be stored in {self._path.parent} ({error.strerror}). Earlier ones are kept; make room "
                f"and run the same command again."
            ) from None

    def __enter__(self) -> ShardWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._stream is not None:
            with contextlib.suppress(OSError):  # `add` has already reported what could not be written
                os.fsync(self._stream.fileno())
            with contextlib.suppress(OSError):
                self._stream.close()
