"""The room on the disk that holds the hub's cache."""

from __future__ import annotations

import shutil
from pathlib import Path

from har_llm.common.errors import MissingError
from har_llm.common.numbers import data_size


def check_room(what: str, needed: float) -> None:
    """Raise MissingError if the hub's cache has not so many bytes left. `what`: what takes them, as in "NAME takes"."""
    existing, free = download_place()
    if needed > free:
        raise MissingError(
            f"{what} about {data_size(needed)}, but {existing} has {data_size(free)} free; make room, or set HF_HOME to a "
            f"larger disk."
        )


def download_place() -> tuple[Path, float]:
    """The folder of the hub's cache (or its nearest parent that exists), and the free bytes there."""
    from huggingface_hub.constants import HF_HUB_CACHE

    cache = Path(HF_HUB_CACHE)
    existing = next(folder for folder in (cache, *cache.parents) if folder.exists())
    return existing, shutil.disk_usage(existing).free
