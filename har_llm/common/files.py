"""Files and folders that are there whole or not at all, whenever a process is killed and whoever else writes them."""

from __future__ import annotations

import contextlib
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path


def write_whole(path: Path, text: str) -> None:
    """Put a text in place in one step: whoever reads the file sees what it held before, or all of the text.

    Its folder is made where it is missing. Raises OSError; the file is then as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    staging = _beside(path)
    try:
        staging.write_bytes(text.encode("utf-8", "backslashreplace"))
        staging.replace(path)
    finally:
        staging.unlink(missing_ok=True)


@contextlib.contextmanager
def staging_folder(target: Path) -> Iterator[Path]:
    """An empty folder beside `target`, on the same file system, to be filled and then renamed: see `put_in_place`.

    What is left of it at the end is removed. Raises OSError where it cannot be made.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    staging = _beside(target)
    staging.mkdir()
    try:
        yield staging
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def put_in_place(folder: Path, target: Path) -> None:
    """Rename a folder that is whole to its place. Where another process was faster, its folder stays. Raises OSError."""
    try:
        folder.rename(target)
    except OSError:
        if not target.exists():
            raise


def _beside(path: Path) -> Path:
    """A name of this process's own. What a kill leaves under it is hidden, and nothing reads it."""
    return path.with_name(f".{path.name}-{secrets.token_hex(4)}")
