"""Paths as users write them, and what others are shown of them."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from har_llm.common.errors import ConfigError

LONGEST_NAME, LONGEST_PATH = 255, 4095
"""Most bytes of the name of a file or folder, and of a path."""
_PATH = re.compile(r"[/~\\]|\.{1,2}[/\\]|[A-Za-z]:[/\\]")
"""The beginning of an id that is a path, not a name on the hub."""


def expanded(path: str | Path) -> Path:
    """The path with the home folder for ~. A ~user that does not exist stays, to be shown as what is missing.

    Raises ConfigError for a path that is too long for any file system.
    """
    found = Path(path)
    with suppress(ValueError):  # a null byte in the user's name
        found = Path(os.path.expanduser(path))  # noqa: PTH111 (Path.expanduser raises for an unknown ~user)
    for part, longest, what in ((str(found), LONGEST_PATH, "path"), *((part, LONGEST_NAME, "name") for part in found.parts)):
        if (size := len(part.encode("utf-8", "surrogatepass"))) > longest:
            raise ConfigError(f"The {what} {part[:60]!r}... has {size:,} bytes; {longest:,} is the most, so shorten it.")
    return found


def published_id(text: str) -> str:
    """The id of a model or an adapter for readers elsewhere: of one that is a path, its last part."""
    return last_part(text) if _PATH.match(text) else text


def last_part(path: str) -> str:
    """The name of a file or folder, without this machine's folders."""
    return re.split(r"[/\\]", path.rstrip("/\\"))[-1] or path


def parts_apart(folders: Sequence[Path]) -> list[str]:
    """For each folder the part of its path in which they differ, from where they part on."""
    shared = len(os.path.commonpath(folders).rstrip(os.sep)) if len(folders) > 1 else 0
    return [str(folder)[shared:].strip(os.sep) or folder.name for folder in folders]
