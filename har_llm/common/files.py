"""Reading within bounds, and atomic writes: a file or folder is there whole or not at all, also when a process is killed or
others write too."""

from __future__ import annotations

import contextlib
import errno
import glob
import io
import os
import shutil
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from har_llm.common.errors import MissingError
from har_llm.common.lock import Lock

_MARK = 4
"""Bytes that make the name of a staging file or folder unique."""
MOST_STREAMED = 1 << 40
"""Most bytes of a file that is not kept in memory."""
MOST_BYTES = 64 * 1024**2
"""A larger file is read whole only where its kind may be: memory is limited, and no configuration, prompt or tokenizer is so
large."""
BLOCK = 1 << 18
"""Bytes that are read at once."""
LONGEST_LINE = 1 << 20
"""Bytes. A row of a sensor's event has some dozens; a file of other content may have no line break at all."""


def read_bounded(path: Path, most: int = MOST_BYTES) -> bytes:
    """The bytes of a file that anybody may have put there. Nothing is read of a pipe, which would block, of a device, which
    may be endless, or of a file too large for its kind, which would fill the memory.

    Raises OSError for what is no regular file, is larger than `most` bytes or cannot be read; its strerror says which.
    """
    with open_bounded(path, most) as stream:
        return stream.read(most)


def open_bounded(path: Path, most: int = MOST_STREAMED, buffering: int = io.DEFAULT_BUFFER_SIZE) -> io.BufferedReader:
    """Open a file to read it in pieces. Raises OSError as `read_bounded` does."""
    check_bounded(path, most)
    return io.BufferedReader(io.FileIO(path), buffering)


class LongLineError(Exception):
    """A line is longer than LONGEST_LINE."""

    def __init__(self, read: int):
        super().__init__(f"a line is longer than {LONGEST_LINE:,} bytes, which no row is; check what the file is")
        self.read = read
        """Bytes of it that were read."""


def line_blocks(stream: io.BufferedReader) -> Iterator[bytes]:
    """The lines of somebody's file, whole and many at a time; only the last may have no end. Raises LongLineError behind the
    lines above one that is too long."""
    while block := stream.read(BLOCK):
        if not block.endswith(b"\n"):
            block += stream.readline(LONGEST_LINE)
            if not block.endswith(b"\n") and stream.peek(1):
                above, end, rest = block.rpartition(b"\n")
                if end:
                    yield above + end
                raise LongLineError(len(rest))
        yield block


def bounded_lines(stream: BinaryIO) -> Iterator[bytes]:
    """The lines of a file of ours, which may be long, one by one; of a hole, which may seem to be a line of gigabytes, at
    most MOST_BYTES."""
    while line := stream.readline(MOST_BYTES):
        yield line


def check_bounded(path: Path, most: int = MOST_BYTES) -> None:
    """Raise OSError for a file that `read_bounded` refuses, for what a library reads."""
    state = path.stat()
    if stat.S_ISDIR(state.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(state.st_mode):
        raise OSError(errno.EINVAL, "it is no regular file", str(path))
    if state.st_size > most:
        raise OSError(errno.EFBIG, f"it has {state.st_size:,} bytes, and at most {most:,} are read", str(path))


def sync(path: Path) -> None:
    """Wait until the content of a file, or the names in a folder, are on disk, whatever happens to the machine."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_whole(path: Path, text: str) -> None:
    """Replace a file's content in one step: a reader sees either what it held before or all of the new text.

    It is on disk when this returns. A missing folder is made. Raises OSError; the file is then as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    staging = _beside(path)
    try:
        staging.write_bytes(text.encode("utf-8", "backslashreplace"))
        sync(staging)
        staging.replace(path)
        sync(path.parent)
    finally:
        staging.unlink(missing_ok=True)


@contextlib.contextmanager
def staging_folder(target: Path) -> Iterator[Path]:
    """An empty folder beside `target`, on the same file system, to be filled and then renamed: see `put_in_place`.

    It is removed at the end unless it was renamed. One process at a time has one for this target, and first removes what
    killed ones have left of theirs. Raises OSError if it cannot be made.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with Lock(target.with_name(f".{target.name}.lock")).waited_for():
        for left in target.parent.glob(f".{glob.escape(target.name)}-{'[0-9a-f]' * 2 * _MARK}"):
            remove(left)
        staging = _beside(target)
        staging.mkdir()
        try:
            yield staging
        finally:
            shutil.rmtree(staging, ignore_errors=True)


def remove(path: Path) -> None:
    """Remove a file, a link, or a folder with all that is in it. Raises OSError."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def make_folder(path: Path) -> None:
    """Make a folder, with those above it, if it is not there. What else has its name is removed. Raises OSError."""
    if not path.is_dir():
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            path.unlink()
        path.mkdir(parents=True)


def obstacle(folder: Path) -> str | None:
    """A sentence on what stands in the place of a folder of outputs, or of one above it; None if nothing does."""
    for place in (*reversed(folder.parents), folder):
        # os.path, whose functions raise nothing where a folder may not be entered
        if not os.path.isdir(place) and os.path.lexists(place):  # noqa: PTH112
            what = "is no folder" if os.path.exists(place) else "is a link to nothing"  # noqa: PTH110
            return f"{place} {what}, but outputs belong there (paths.outputs); move it elsewhere, or set paths.outputs."
    return None


def put_in_place(folder: Path, target: Path) -> None:
    """Rename a finished folder to its place; it is on disk when this returns. Raises OSError.

    If another process was faster, its folder stays.
    """
    for path in (*folder.rglob("*"), folder):
        if not path.is_symlink():
            sync(path)
    try:
        folder.rename(target)
        sync(target.parent)
    except OSError:
        if not target.exists():
            raise


def replace_files(folder: Path, target: Path, names: Iterable[str]) -> None:
    """Replace these files of a damaged folder by those of a finished one; all others in it stay. Raises OSError, and
    MissingError for a folder in a file's place."""
    for name in names:
        if (target / name).is_dir():
            raise MissingError(
                f"{target / name} is a folder, where a file belongs; move it elsewhere and run the same command again."
            )
        (folder / name).replace(target / name)
    sync(target)


def _beside(path: Path) -> Path:
    """A hidden name that no other process uses. A killed process may leave it behind; nothing reads it."""
    return path.with_name(f".{path.name}-{os.urandom(_MARK).hex()}")
