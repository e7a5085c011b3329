"""What the Hugging Face hub says of a name, and how to say that it did not answer. Nothing is fetched here."""

from __future__ import annotations

import re
from functools import lru_cache

TIMEOUT_S = 4.0


@lru_cache(maxsize=64)
def commit_of(name: str, revision: str) -> tuple[str | None, Exception | None]:
    """The commit that a revision stands for, or why the hub did not say. Asked once: a sweep waits for a dead hub once."""
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


def not_to_be_had(name: str, setting: str, error: Exception | None) -> str:
    """Why the hub did not give what `name` stands for, and what to do; None: it was not asked."""
    reason = "HF_HUB_OFFLINE is set" if error is None else _reason(error)
    return (
        f"{name} is not on this machine, and the Hugging Face hub did not give it ({reason}). Where there is a network, "
        f"run `hf download {name}` (with HF_TOKEN for a gated model) and bring the cache along, or set {setting} to its "
        f"folder."
    )


def _reason(error: Exception) -> str:
    kind = type(error).__name__
    if "Connect" in kind or "Timeout" in kind or "LocalEntryNotFound" in kind:
        return "no connection"
    if "NotFound" in kind:
        return "no such model or revision, or it is private"
    if "Gated" in kind:
        return "it is gated"
    return kind
