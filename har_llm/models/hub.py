"""Asks the Hugging Face hub for the commit of a name, and says why it gave none. Nothing is downloaded here."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

from har_llm.common.errors import first_line

TIMEOUT_S = 4.0
NOT_DOWNLOADED = ["consolidated*.safetensors"]
"""The same weights once more, in their makers' format."""


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
    from huggingface_hub.utils import filter_repo_objects

    if HF_HUB_OFFLINE:
        return None
    try:
        info = HfApi().model_info(name, revision=commit, timeout=TIMEOUT_S, files_metadata=True)
    except Exception:  # it is only for an estimate
        return None
    if not (getattr(info, "config", None) or {}).get("quantization_config"):
        return None
    files = filter_repo_objects(
        info.siblings or (),
        allow_patterns="*.safetensors",
        ignore_patterns=NOT_DOWNLOADED,
        key=lambda file: str(file.rfilename),
    )
    return float(sum(file.size or 0 for file in files)) or None


def is_known(name: str, commit: str, file: str, *, ask: bool) -> bool:
    """Whether the cache has a small file of a model, or says that there is none: by a mark, or by the list of all its files.
    If not, the hub may be asked, which fetches the file or leaves a mark."""
    from huggingface_hub import get_cached_repo_tree, try_to_load_from_cache
    from huggingface_hub.errors import CachedRepoTreeNotFoundError

    if try_to_load_from_cache(name, file, revision=commit) is not None:
        return True
    try:
        get_cached_repo_tree(name, revision=commit)
    except CachedRepoTreeNotFoundError:
        return ask and _is_told(name, commit, file)
    return True


@lru_cache(maxsize=64)
def _is_told(name: str, commit: str, file: str) -> bool:
    """Whether the hub gives a file, or says that there is none."""
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

    try:
        hf_hub_download(name, file, revision=commit, etag_timeout=TIMEOUT_S)
    except Exception as error:  # the hub's client raises errors of many libraries
        return isinstance(error, EntryNotFoundError) and not isinstance(error, LocalEntryNotFoundError)
    return True


def unavailable(name: str, revision: str, setting: str, error: Exception | None, lacks: str | None = None) -> str:
    """A message: why `name` could not be downloaded, and what to do. `error` is None if the hub was not asked. `lacks`: what
    is lacking of it here; None if all is."""
    reason = "HF_HUB_OFFLINE is set" if error is None else _reason(error)
    at = "" if revision == "main" else f" at revision {revision}"
    here = "not on this machine" if lacks is None else f"without its {lacks} on this machine"
    return (
        f"{name}{at} is {here} and could not be downloaded from the Hugging Face hub ({reason}). On a machine "
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
