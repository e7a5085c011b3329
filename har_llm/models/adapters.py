"""The adapter that a model is used with: where its files are (a folder, the hub, only a server), and their exact version."""

from __future__ import annotations

import hashlib
import json
import reprlib
from dataclasses import dataclass
from pathlib import Path

from har_llm.common.checks import check_name
from har_llm.common.errors import ConfigError, MissingError
from har_llm.common.files import open_bounded
from har_llm.common.paths import expanded
from har_llm.common.provenance import MANIFEST
from har_llm.common.typed_json import UnlikeError, read_json
from har_llm.models import chat_template, hub
from har_llm.models.config import FILES_PREFIX

ADAPTER_FILES = ("adapter_config.json", "adapter_model.safetensors")
NO_ADAPTER = "none"
LOCAL = "local"
"""The id of an adapter in a user's folder."""
MOST_WEIGHTS = 2**35
"""Most bytes of an adapter's weights; the largest ones, of rank 512 for a model of 70B, have about 25 GB."""


@dataclass(kw_only=True)
class LoraConfig:
    """What all choices of conf/lora share. This one is `lora=none`: the model without an adapter."""

    name: str = NO_ADAPTER
    """Names run directories, unless it is "none"."""

    def check(self) -> None:
        check_name("lora.name", self.name)

    def label(self) -> str:
        """What run directories call it."""
        return self.name


@dataclass(kw_only=True)
class ReadyAdapter(LoraConfig):
    """An adapter that exists already: in a folder, on the hub, or on a server (engine=openai)."""

    path: str
    """Folder or hub id of an adapter in PEFT's format. For engine=openai: the name under which the server knows it."""
    revision: str = "main"
    """Branch, tag or commit on the hub."""

    def check(self) -> None:
        super().check()
        if not self.path.strip():
            raise ConfigError("lora.path is empty; set it to an adapter's folder or hub id, or use lora=none.")


@dataclass(frozen=True)
class ResolvedAdapter:
    """LoRA weights and their exact version."""

    id: str
    """Hub id, or "local"; for an adapter that only a server has, its name on the server."""
    revision: str
    """Commit on the hub, a digest of the files of a folder, or "served"."""
    path: Path | None
    """The folder; None for one that only a server has."""

    def identity(self) -> dict[str, str]:
        return {"id": self.id, "revision": self.revision}


def resolve_adapter(lora: ReadyAdapter) -> ResolvedAdapter:
    """Find an adapter's files; a few MB, so one of the hub is fetched at once. Raises MissingError."""
    folder = expanded(lora.path)
    if folder.is_dir():
        return ResolvedAdapter(LOCAL, _adapter_fingerprint(folder), folder)
    if lora.path.startswith(("/", ".", "~")) or lora.path.count("/") != 1:
        raise MissingError(
            f"lora.path is {lora.path!r}: there is no such folder, and an adapter on the hub is named OWNER/NAME. Set "
            f"lora.path to a folder with {' and '.join(ADAPTER_FILES)}, or to a hub id."
        )
    return _resolve_hub_adapter(lora)


def served_adapter(lora: ReadyAdapter) -> ResolvedAdapter:
    """An adapter that only a server has. Its version cannot be known here."""
    return ResolvedAdapter(lora.path, "served", None)


def _resolve_hub_adapter(lora: ReadyAdapter) -> ResolvedAdapter:
    from huggingface_hub import snapshot_download

    commit, problem = hub.commit_of(lora.path, lora.revision)
    try:
        folder = Path(
            snapshot_download(
                lora.path,
                revision=commit or lora.revision,
                allow_patterns=[*ADAPTER_FILES, MANIFEST, *chat_template.FILES, chat_template.TOKENIZER],
                local_files_only=commit is None,
            )
        )
    except Exception as error:  # the hub's client raises errors of many libraries
        raise MissingError(hub.unavailable(lora.path, lora.revision, "lora.path", error if commit else problem)) from None
    _adapter_fingerprint(folder)  # refuses an incomplete adapter
    return ResolvedAdapter(lora.path, folder.name, folder)


def _adapter_fingerprint(folder: Path) -> str:
    """A digest of what affects the output. The name of the base model does not: it may be a path."""
    for name in ADAPTER_FILES:
        if not (folder / name).is_file():
            raise MissingError(f"lora.path is {str(folder)!r}, which has no {name}; name the folder of a PEFT LoRA adapter.")
    try:
        config = read_json(folder / ADAPTER_FILES[0])
        kind, rank = config["peft_type"], config["r"]
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise MissingError(
            f"{folder / ADAPTER_FILES[0]} does not describe a LoRA adapter ({type(error).__name__}: {error}); get it again."
        ) from None
    if kind != "LORA" or type(rank) is not int or rank < 1:  # not isinstance, because True is an int
        described = f"an adapter of the kind {reprlib.repr(kind)} and of rank {reprlib.repr(rank)}"
        raise MissingError(f"{folder / ADAPTER_FILES[0]} describes {described}; only 'LORA' of 1 or more can be used.")
    try:
        return f"{FILES_PREFIX}{adapter_digest(folder)}"
    except (OSError, UnlikeError) as error:
        raise MissingError(f"lora.path is {str(folder)!r}, which is damaged ({error}); get it again.") from None


def adapter_digest(folder: Path) -> str:
    """A digest of an adapter's weights and configuration, without the name of the base model, which may be a path.

    Raises OSError, or UnlikeError for a configuration that is none.
    """
    config = read_json(folder / ADAPTER_FILES[0])
    if not isinstance(config, dict):
        raise UnlikeError(f"{ADAPTER_FILES[0]} holds no settings")
    shape = {name: value for name, value in config.items() if name not in ("base_model_name_or_path", "revision")}
    digest = hashlib.sha256(json.dumps(shape, sort_keys=True).encode())
    with open_bounded(folder / ADAPTER_FILES[1], MOST_WEIGHTS) as weights:
        while piece := weights.read(2**20):
            digest.update(piece)
    return digest.hexdigest()[:16]
