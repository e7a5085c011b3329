"""The digests of a folder's files, in a file beside them, by which anybody sees whether the files are as they were written.

`sha256sum -c SHA256SUMS` checks them too.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from har_llm.common.digest import file_digest
from har_llm.common.files import read_bounded, sync, write_whole

SUMS = "SHA256SUMS"


def seal(folder: Path, names: Iterable[str]) -> None:
    """Write the digests of these files of the folder. All of them are on disk when this returns. Raises OSError."""
    lines = []
    for name in sorted(names):
        sync(folder / name)
        lines.append(f"{file_digest(folder / name)}  {name}\n")
    write_whole(folder / SUMS, "".join(lines))


def broken(folder: Path, names: Iterable[str]) -> str | None:
    """What is wrong with the files of a sealed folder, of which these must be some; None if nothing is.

    Files are read only if they have changed since this process last asked.
    """
    try:
        stamps = []
        for name in (SUMS, *names):
            found = (folder / name).stat()
            stamps.append((name, found.st_size, found.st_mtime_ns, found.st_ino))
    except OSError as error:
        return f"{name}: {error.strerror}"
    return _broken(folder, tuple(stamps))


@lru_cache(maxsize=4096)
def _broken(folder: Path, stamps: tuple[tuple[str, int, int, int], ...]) -> str | None:
    _, *files = (name for name, *_ in stamps)
    try:
        lines = read_bounded(folder / SUMS, most=2**20).decode("utf-8", "replace").splitlines()
        written = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
        changed = [name for name in files if written.get(name) != file_digest(folder / name)]
    except OSError as error:
        return f"{Path(str(error.filename)).name}: {error.strerror}"
    return f"{changed[0]}: it is not as it was written, by {SUMS}" if changed else None
