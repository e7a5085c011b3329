"""Files of ours in a folder that may hold a user's: only what we have written, as we wrote it, is replaced or removed."""

from __future__ import annotations

import errno
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from har_llm.common.digest import file_digest
from har_llm.common.files import read_bounded, write_whole

LIST = ".har_llm_files.json"
"""The file that says what we have written into its folder: the SHA-256 of each file, by its name. While files are being
replaced it has the old ones and the new ones, so that whatever a kill leaves is known as ours."""

MOST_BYTES = 2**31
"""No file of ours is larger: a page has at most some hundred MB. A damaged one may be, and is not read to its end."""


def replace_files(staging: Path, folder: Path) -> None:
    """Move the files of `staging` into `folder`, each in one step, and remove earlier ones that are not among them.

    Raises FileExistsError, before anything is changed, for a file in the place of one of them that we have not written or
    that was changed since. Such a file is never removed.
    """
    new = {path.name: [file_digest(path)] for path in sorted(staging.iterdir())}
    earlier = _earlier(folder)
    for name, digests in new.items():
        if not _is_ours(folder / name, [*digests, *earlier.get(name, ())]):
            raise FileExistsError(errno.EEXIST, f"its {name} is not as har_llm has written it", str(folder / name))
    _write(folder, {name: [*earlier.get(name, ()), *new.get(name, ())] for name in {**earlier, **new}})
    for name, digests in earlier.items():
        if name not in new and _is_ours(folder / name, digests):
            (folder / name).unlink(missing_ok=True)
    for name in new:
        (staging / name).replace(folder / name)
    _write(folder, new)


def _write(folder: Path, digests: Mapping[str, Sequence[str]]) -> None:
    write_whole(folder / LIST, json.dumps(digests, indent=1, sort_keys=True) + "\n")


def _is_ours(path: Path, digests: Sequence[str]) -> bool:
    """Whether a file has one of these digests; also where there is none."""
    if not (path.exists() or path.is_symlink()):
        return True
    return path.is_file() and path.stat().st_size <= MOST_BYTES and file_digest(path) in digests


def _earlier(folder: Path) -> dict[str, list[str]]:
    """What an earlier list says. It may be anybody's, so only plain names count; a digest proves what it is."""
    try:
        listed = json.loads(read_bounded(folder / LIST))
    except (OSError, ValueError, RecursionError):
        return {}
    held = listed.items() if isinstance(listed, dict) else ()
    return {name: list(map(str, digests)) for name, digests in held if Path(name).name == name and isinstance(digests, list)}
