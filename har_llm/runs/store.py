"""Generations on disk, each under the key of its request.

They are in append-only JSONL shards. Every writer has a shard of its own, so that processes and machines can share the
folder without a lock. A line is flushed as soon as its generation is finished; a line torn by a kill is ignored, and its
generation is owed again.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, NamedTuple

from har_llm.common.digest import digest
from har_llm.common.errors import MissingError

KEY_LENGTH = 64
_PREFIX = b'{"key": "'
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

    If a race has left two records under one key, they are equally good; every reader takes the one in the first shard by
    name.
    """

    def __init__(self, root: Path, model: Mapping[str, Any]):
        self._places: dict[str, _Place] = {}
        for shard in sorted(generations_folder(root, model).glob("*.jsonl")):
            for key, place in self._scan(shard):
                self._places.setdefault(key, place)

    def __contains__(self, key: str) -> bool:
        return key in self._places

    def __len__(self) -> int:
        return len(self._places)

    def keys(self) -> Iterator[str]:
        return iter(self._places)

    def get_many(self, keys: Iterable[str]) -> Iterator[Record]:
        """The records of these keys, in order. Raises KeyError for one that is not stored."""
        streams: dict[Path, BinaryIO] = {}
        try:
            for key in keys:
                place = self._places[key]
                if place.shard not in streams:
                    streams[place.shard] = place.shard.open("rb")
                stream = streams[place.shard]
                stream.seek(place.offset)
                yield Record(**json.loads(stream.read(place.length)))
        finally:
            for stream in streams.values():
                stream.close()

    def _scan(self, shard: Path) -> Iterator[tuple[str, _Place]]:
        offset = 0
        with shard.open("rb", buffering=_BUFFER) as stream:
            for line in stream:
                start, offset = offset, offset + len(line)
                whole = line.startswith(_PREFIX) and line.endswith(b"}\n")
                if whole:
                    key = line[len(_PREFIX) : len(_PREFIX) + KEY_LENGTH].decode("ascii", errors="replace")
                    yield key, _Place(shard, start, len(line))


class ShardWriter:
    """Appends records to a new shard of a folder (see generations_folder), which is made with the first record.

    A store sees them if it is opened afterwards.
    """

    def __init__(self, folder: Path):
        self._path = folder / f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{os.getpid()}-{secrets.token_hex(4)}.jsonl"
        self._stream: BinaryIO | None = None

    def add(self, record: Record) -> None:
        """Store a record: it is on disk when this returns. Raises MissingError if that fails."""
        # A model may write a lone surrogate, which UTF-8 cannot encode; ASCII escapes keep every text exactly.
        line = (json.dumps(record._asdict(), ensure_ascii=True) + "\n").encode("ascii")
        try:
            if self._stream is None:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._stream = self._path.open("xb")
            self._stream.write(line)
            self._stream.flush()
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
                self._stream.close()
