"""Asks the Hugging Face hub for the commit of a name, and says why it gave none. Nothing is downloaded here."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

from har_llm.common.errors import first_line

TIMEOUT_S = 4.0


@lru_cache(maxsize=64)
def commit_of(name: str, revision: str) -> tuple[str | None, Exception | None]:
    """The commit that a revision stands for, or why the hub did not say. Cached: a sweep waits for a dead hub only once."""
    from huggingface_hub import HfApi
    from huggingface_hub.constants import HF_HUB_OFFLINE

    if re.fullmatch(r"[0-9a-f]{40}", revision):
        return revision, None
    if HF_HUB_OFFLINE:
        return None, None
    try:
        return HfApi().model_info(name, revision=revision, timeout=TIMEOUT_S).sha, None
    except Exception as error:  # no network, no such model, no access: the cache may still have it
        return None, error


@lru_cache(maxsize=64)
def quantised_bytes(name: str, commit: str) -> float | None:
    """Bytes of the files of a model whose weights are quantised; None for any other, and where the hub does not say."""
    from huggingface_hub import HfApi
    from huggingface_hub.constants import HF_HUB_OFFLINE

    if HF_HUB_OFFLINE:
        return None
    try:
        info = HfApi().model_info(name, revision=commit, timeout=TIMEOUT_S, files_metadata=True)
    except Exception:  # it is only for an estimate
        return None
    if not (getattr(info, "config", None) or {}).get("quantization_config"):
        return None
    return float(sum(file.size or 0 for file in info.siblings or () if file.rfilename.endswith(".safetensors"))) or None


def unavailable(name: str, revision: str, setting: str, error: Exception | None) -> str:
    """A message: why `name` could not be downloaded, and what to do. `error` is None if the hub was not asked."""
    reason = "HF_HUB_OFFLINE is set" if error is None else _reason(error)
    at = "" if revision == "main" else f" at revision {revision}"
    return (
        f"{name}{at} is not on this machine and could not be downloaded from the Hugging Face hub ({reason}). On a machine "
        f"with a network, run `hf download {name}` (with HF_TOKEN for a gated model) and copy the cache here, or set "
        f"{setting} to its folder."
    )


def shadowed(name: str) -> str | None:
    """A sentence if `name` is both that of a folder here, which is then used, and a possible one on the hub."""
    folder = Path(name)
    if not re.fullmatch(r"\w[\w.-]*/[\w.-]+", name) or not folder.is_dir():
        return None
    return (
        f"{name} is the folder {folder.absolute()} here, not the one of that name on the Hugging Face hub (./{name} says "
        f"the same without this note)."
    )


def _reason(error: Exception) -> str:
    import httpx
    from huggingface_hub import errors

    no_connection = (
        httpx.ConnectError,
        httpx.TimeoutException,
        ConnectionError,
        TimeoutError,
        errors.LocalEntryNotFoundError,
    )
    if isinstance(error, no_connection):
        return "no connection"
    if isinstance(error, errors.GatedRepoError):  # first, because it is also a RepositoryNotFoundError
        return "it is gated"
    if isinstance(error, errors.RepositoryNotFoundError | errors.RevisionNotFoundError | errors.EntryNotFoundError):
        return "no such model or revision, or it is private"
    if isinstance(error, OSError) and error.strerror:  # a cache that cannot be written, a full disk
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return f"{type(error).__name__}: {first_line(error)}"
