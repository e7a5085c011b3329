"""The digest of a JSON value: the same in every process, on every machine. And that of a file's bytes."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from har_llm.common.files import open_bounded


def canonical(value: Any) -> str:
    """The canonical JSON of a value, for hashing."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def digest(value: Any) -> str:
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def file_digest(path: Path) -> str:
    """SHA-256 of a file. Raises OSError, also for what is no regular file."""
    with open_bounded(path) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
