"""The digest by which a model of this machine is known: of all its files' bytes, whatever their names and places.

Reading the weights of a large model takes a minute, and every command asks; so the digest of a large file is kept beside the
hub's cache, for as long as the file is the one that was read.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from har_llm.common.digest import file_digest
from har_llm.common.files import read_bounded, write_whole
from har_llm.common.numbers import data_size
from har_llm.common.text import visible

SMALL_FILE = 64 * 2**20
"""Bytes of a file that is read each time."""
LONG_READ = 4 * 2**30
"""Bytes whose reading takes so long that it is said."""


def fingerprint(files: Mapping[str, Path]) -> str:
    """A digest of files and their names."""
    digest = hashlib.sha256()
    for name, file in files.items():
        state = file.stat()
        digest.update(f"{name}:{state.st_size}:".encode())
        if state.st_size <= SMALL_FILE:
            digest.update(file.read_bytes())
        else:
            digest.update(_kept(file.resolve(), _stamp(state)).encode())
    return digest.hexdigest()[:16]


def _stamp(state: os.stat_result) -> str:
    """Is another one once a file was written to, or another file is in its place, even with its time of change set back."""
    return f"{state.st_size} {state.st_mtime_ns} {state.st_ctime_ns} {state.st_dev} {state.st_ino}"


@lru_cache(maxsize=1024)
def _kept(file: Path, stamp: str) -> str:
    """The digest of a large file, which is read only if that was not done before."""
    from huggingface_hub.constants import HF_HOME

    place = Path(HF_HOME) / "har_llm" / "digests" / hashlib.sha256(str(file).encode()).hexdigest()[:32]
    with suppress(OSError, UnicodeDecodeError):
        known, _, found = read_bounded(place).decode().strip().rpartition(" ")
        if known == stamp and len(found) == 64:
            return found
    if file.stat().st_size > LONG_READ:
        size = data_size(file.stat().st_size)
        print(
            visible(f"reading {file.name} once ({size}), by whose content the model is known"), file=sys.stderr, flush=True
        )
    found = file_digest(file)
    if _stamp(file.stat()) == stamp:
        with suppress(OSError):  # where nothing can be kept, it is read again
            write_whole(place, f"{stamp} {found}\n")
    return found
