"""The digests of a folder's files, in a file beside them, by which anybody sees whether the files are as they were written.

`sha256sum -c SHA256SUMS` checks them too. Sizes are there as comments: a damaged file may have become too large to read.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from har_llm.common.digest import file_digest
from har_llm.common.files import MOST_STREAMED, check_bounded, read_bounded, sync, write_whole

SUMS = "SHA256SUMS"
_SIZE = "# bytes: "


def seal(folder: Path, names: Iterable[str]) -> None:
    """Write the digests of these files of the folder. All of them are on disk when this returns. Raises OSError."""
    lines = []
    for name in sorted(names):
        sync(folder / name)
        size = (folder / name).stat().st_size
        lines.append(f"{_SIZE}{size}  {name}\n{file_digest(folder / name)}  {name}\n")
    write_whole(folder / SUMS, "".join(lines))


def broken(folder: Path, names: Iterable[str]) -> str | None:
    """What is wrong with the files of a sealed folder, of which these must be some; None if nothing is.

    Files are read only if they have changed since this process last asked.
    """
    try:
        stamps = []
        for name in (SUMS, *names):
            check_bounded(folder / name, MOST_STREAMED)
            found = (folder / name).stat()
            stamps.append((name, found.st_size, found.st_mtime_ns, found.st_ino))
    except OSError as error:
        return f"{name}: {error.strerror}"
    return _broken(folder, tuple(stamps))


@lru_cache(maxsize=4096)
def _broken(folder: Path, stamps: tuple[tuple[str, int, int, int], ...]) -> str | None:
    try:
        written = set(read_bounded(folder / SUMS, most=2**20).decode("utf-8", "replace").splitlines())
        changed = [
            name
            for name, size, *_ in stamps[1:]
            if f"{_SIZE}{size}  {name}" not in written or f"{file_digest(folder / name)}  {name}" not in written
        ]
    except OSError as error:
        return f"{Path(str(error.filename)).name}: {error.strerror}"
    if 1 < len(changed) == len(stamps) - 1:
        return f"{SUMS}: it does not hold the digests of the files beside it"
    return f"{changed[0]}: it is not as it was written, by {SUMS}" if changed else None
