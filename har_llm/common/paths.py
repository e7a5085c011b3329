"""Paths as users write them."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def expanded(path: str | Path) -> Path:
    """The path with the home folder for ~. A ~user that does not exist stays, to be shown as what is missing."""
    with suppress(ValueError):  # a null byte in the user's name
        return Path(os.path.expanduser(path))  # noqa: PTH111 (Path.expanduser raises for an unknown ~user)
    return Path(path)
