"""Atomic writes: a file or folder is there whole or not at all, also when a process is killed or others write too."""

from __future__ import annotations

import contextlib
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path


def write_whole(path: Path, text: str) -> None:
    """Replace a file's content in one step: a reader sees either what it held before or all of the new text.

    A missing folder is made. Raises OSError; the file is then as it was.
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

    It is removed at the end unless it was renamed. Raises OSError if it cannot be made.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    staging = _beside(target)
    staging.mkdir()
    try:
        yield staging
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def put_in_place(folder: Path, target: Path) -> None:
    """Rename a finished folder to its place. If another process was faster, its folder stays. Raises OSError."""
    try:
        folder.rename(target)
    except OSError:
        if not target.exists():
            raise


def _beside(path: Path) -> Path:
    """A hidden name that no other process uses. A killed process may leave it behind; nothing reads it."""
    return path.with_name(f".{path.name}-{secrets.token_hex(4)}")
