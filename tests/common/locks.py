"""Lock files of other processes."""

from __future__ import annotations

import os
from pathlib import Path

from har_llm.common.lock import Lock


def write_lock(path: Path, **changes: object) -> None:
    """A lock of a process that lives: the parent of this one."""
    probe = path.with_name("probe")
    with Lock(probe).held():
        fields = dict(line.split("=", 1) for line in probe.read_text().splitlines()[1:])
    fields |= {"pid": os.getppid(), "token": "theirs", **changes}  # type: ignore[dict-item]
    if fields["pid"] == os.getppid():
        del fields["start"]
    path.write_text("filelock/2\n" + "".join(f"{name}={value}\n" for name, value in fields.items()))
