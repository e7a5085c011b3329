"""Generations on disk, under the key of what made them.

Append-only JSONL shards: every writer has a shard of its own, so processes and machines may share the folder without a
lock. Each line is flushed as its generation finishes; a line torn by a kill is ignored, and its generation owed again.
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
    """A stored generation. `about` says where it comes from: engine, versions, hardware, model, provenance."""

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
    """Where the texts of a model are; `model` identifies what generates. Opening one folder reads no other model's texts."""
    name = "".join(c if c.isalnum() or c in "._-" else "-" for c in str(model["id"]))[-60:]
    return root / "generations" / f"{name}-{digest(dict(model))[:12]}"


class GenerationStore:
    """The generations of one model (with or without an adapter) below `root`.

    Two records under one key, made by a race, hold equally good texts; the one in the first shard by name is taken, by
    every reader.
    """

    def __init__(self, root: Path, model: Mapping[str, Any]):
        self._folder = generations_folder(root, model)
        self._places: dict[str, _Place] = {}
        self.torn_lines = 0
        for shard in sorted(self._folder.glob("*.jsonl")):
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

    def writer(self) -> ShardWriter:
        """To add to this store's folder; what is added is seen when the store is opened anew."""
        return ShardWriter(self._folder)

    def _scan(self, shard: Path) -> Iterator[tuple[str, _Place]]:
        offset = 0
        with shard.open("rb", buffering=_BUFFER) as stream:
            for line in stream:
                start, offset = offset, offset + len(line)
                whole = line.startswith(_PREFIX) and line.endswith(b"}\n")
                if not whole:
                    self.torn_lines += 1
                    continue
                key = line[len(_PREFIX) : len(_PREFIX) + KEY_LENGTH].decode("ascii", errors="replace")
                yield key, _Place(shard, start, len(line))


class ShardWriter:
    """Appends records to a new shard, made when the first one comes."""

    def __init__(self, folder: Path):
        self._path = folder / f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{os.getpid()}-{secrets.token_hex(4)}.jsonl"
        self._stream: BinaryIO | None = None

    def add(self, record: Record) -> None:
        """Keep a record: it is on disk when this returns. Raises MissingError when it cannot be kept."""
        # A lone surrogate, which a model may write, has no UTF-8; ASCII escapes keep every text exactly.
        line = (json.dumps(record._asdict(), ensure_ascii=True) + "\n").encode("ascii")
        try:
            if self._stream is None:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._stream = self._path.open("xb")
            self._stream.write(line)
            self._stream.flush()
        except OSError as error:
            raise MissingError(
                f"{self._path.parent} takes no further texts ({error.strerror}). Those it has are kept; make room and run "
                f"the same command again."
            ) from None

    def __enter__(self) -> ShardWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._stream is not None:
            with contextlib.suppress(OSError):  # what could not be written, `add` has said
                self._stream.close()
