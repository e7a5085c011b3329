"""Where a model's files are: embedded, in a folder, or on the hub; and which version of them a name stands for.

Resolving comes first and downloads nothing, so that a finished run needs no model, and a model that does not fit into memory
is refused before it is downloaded. `huggingface_hub` is imported only for models of the hub.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.resources import files
from pathlib import Path

from har_llm.common.errors import ConfigError, MissingError
from har_llm.common.hardware import available_memory
from har_llm.common.numbers import data_size
from har_llm.common.paths import expanded, published_id
from har_llm.common.provenance import MANIFEST, Provenance, recorded
from har_llm.common.typed_json import read_json
from har_llm.models import chat_template, gguf, gguf_cache, hub
from har_llm.models.adapters import ADAPTER_FILES
from har_llm.models.checkpoint import lacking, tensors
from har_llm.models.config import DTYPES, EMBEDDED_PREFIX, FILES_PREFIX, ModelConfig
from har_llm.models.fingerprint import fingerprint
from har_llm.models.footprint import Footprint, footprint
from har_llm.models.room import check_room

OVERHEAD = 1.1
"""Memory needed, as a multiple of the weights: a tenth more for activations and a small key-value cache."""


UNRESOLVED = "unresolved-"
"""Marks the revision of a model whose files are not known here, because a server has them."""
DOWNLOADED = ["*.json", "*.txt", "*.jinja", "*.model", "*.safetensors"]
"""The files of a hub model that are downloaded: never pickles, and code only if model.trust_remote_code is true."""
SHAPING_FILES = ("generation_config.json", "tokenizer_config.json")
"""Files that a model may have or not, and that say what ends its texts."""
SHAPING = {".json", ".txt", ".jinja", ".model", ".safetensors", ".py"}
"""Endings of the files that affect a model's output."""


@dataclass(frozen=True)
class ResolvedModel:
    """A model and its exact version."""

    config: ModelConfig
    revision: str
    """Commit on the hub, or a digest of the files of a local or embedded model."""
    path: Path | None
    """The folder of its files; None if they are not downloaded yet."""
    small_files: Path | None = None
    """For a model that is not downloaded yet: the folder with its manifest and chat template; None if the hub has none."""
    gguf: Path | None = None
    """The GGUF file of a model whose folder is made of it; of one in parts the first."""
    further_parts: Sequence[Path] = ()
    """Of that file."""
    quantised_bytes: float | None = None
    """For a model that is not downloaded yet: the size of its files, if their weights are quantised."""
    unknown: tuple[str, ...] = ()
    """Of a model of the hub: files that are not in the cache, which does not say whether the model has them."""

    @cached_property
    def footprint(self) -> Footprint | None:
        """What it takes of memory; None if neither its files nor its config say it."""
        found = footprint(self.config, self.path)
        if self.gguf is not None:
            return found and found._replace(file=float(sum(one.stat().st_size for one in (self.gguf, *self.further_parts))))
        # model.parameters are then those of the model that was quantised.
        return found if self.quantised_bytes is None else (found or Footprint(0.0))._replace(weights=self.quantised_bytes)

    @property
    def known_files(self) -> Path | None:
        """The folder of those files that can be read before a download, or the GGUF file; None if there are none."""
        return self.gguf or self.path or self.small_files

    @property
    def absent(self) -> bool:
        """Whether its files have to be downloaded."""
        return self.path is None and self.gguf is None

    @property
    def local(self) -> bool:
        """Whether it is a user's folder: neither embedded nor from the hub."""
        return self.revision.startswith(FILES_PREFIX) and not self.config.id.startswith(EMBEDDED_PREFIX)

    @property
    def public_name(self) -> str:
        """A name that can be published: without the path of a folder on this machine."""
        return self.config.name if self.local else self.public_id

    @property
    def public_id(self) -> str:
        """Its id, or the name of its folder or file."""
        return expanded(self.config.id).resolve().name if self.local else published_id(self.config.id)


def resolve(model: ModelConfig, *, planning: bool = False) -> ResolvedModel:
    """Find which version a model's name stands for. Raises MissingError if there is none.

    When planning, a hub model need not be reachable: its version is then model.revision as it was given.
    """
    if model.id.startswith(EMBEDDED_PREFIX):
        return _resolve_folder(model, _embedded_folder(model))
    place = expanded(model.id)
    if place.is_dir():
        file = _only_gguf(model, place)
        return _resolve_folder(model, place) if file is None else _resolve_gguf(model, file)
    if place.is_file():
        return _resolve_gguf(model, place)
    if model.id.startswith(("/", ".", "~")) or model.id.count("/") != 1:
        raise MissingError(
            f"model.id is {model.id!r}: there is no such folder or file, and a model on the hub is named OWNER/NAME. "
            f"Set model.id to a folder with config.json, a GGUF file, or a hub id such as Qwen/Qwen3-0.6B."
        )
    return _resolve_hub(model, planning)


def template_digest(model: ResolvedModel) -> str | None:
    """A digest of the model's chat template, and of what else its texts were made without though it may have it; None where
    there is nothing of both."""
    text = None if model.known_files is None else chat_template.chat_template(model.known_files)
    parts = [*([] if text is None else [text]), *(f"without {name}" for name in model.unknown)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16] if parts else None


def unresolved(model: ModelConfig) -> ResolvedModel:
    """The model of an engine that needs no files: a name, and the version that the user gives it (model.revision)."""
    return ResolvedModel(model, f"{UNRESOLVED}{model.revision}", None)


def provenance(model: ResolvedModel) -> Provenance:
    """Whether a model is synthetic, as its config or its files say."""
    kept = recorded(model.known_files) if model.gguf is None else _recorded_in(model.gguf)
    return Provenance(model=model.config.synthetic or is_embedded(model)) | kept


def _recorded_in(file: Path) -> Provenance:
    """What the header of a GGUF file says that har_llm wrote; nothing is known of others."""
    try:
        return Provenance.labelled(gguf.read_header(file).values.get(gguf.PROVENANCE))
    except ValueError:
        return Provenance()


def is_embedded(model: ResolvedModel) -> bool:
    """Whether the files are those of an embedded model, in whatever folder."""
    if not model.local:
        return model.config.id.startswith(EMBEDDED_PREFIX)
    return model.revision in {FILES_PREFIX + fingerprint(_shaping(folder)) for folder in _embedded_folders()}


def check_memory(config: ModelConfig, weights: float | None, place: str, free: float) -> None:
    """Raise MissingError for a model that, by an estimate, does not fit into `free` bytes. Loads and downloads nothing.

    `weights`: bytes of the loaded weights; None if unknown. `place`: where the bytes are, in words.
    """
    if weights is not None and (needed := OVERHEAD * weights) > free:
        raise MissingError(
            f"{config.name} needs about {data_size(needed)} in {config.dtype}, but {place} has "
            f"{data_size(free)} free; take a smaller model (model=qwen3_0.6b) or a machine with more."
        )


def parameter_count(model: ResolvedModel) -> int | None:
    """Number of weights without an adapter: from the config, or else from the files' headers; None when unknown."""
    if model.config.parameters is not None or model.path is None:
        return model.config.parameters
    return sum(math.prod(one.shape) for one in tensors(model.path).values())


def fetch(model: ResolvedModel) -> Path:
    """The folder with the model's files, which are downloaded, or made of its GGUF file, if need be.

    Raises MissingError if that fails, EngineError for a GGUF file that cannot be read.
    """
    check_joined(model)
    if model.path is not None:
        return model.path
    if model.gguf is not None:
        return gguf_cache.dequantised(model.gguf, _version(model), model.config.dtype, model.config.parameters or 0)
    from huggingface_hub import snapshot_download

    size = model.quantised_bytes or (model.config.parameters or 0) * DTYPES["bfloat16"]
    check_room(f"{model.config.id} is a download of", size - _downloaded(model))
    try:
        folder = Path(snapshot_download(model.config.id, revision=model.revision, **_patterns(model.config)))
    except Exception as error:  # the hub's client raises errors of many libraries
        raise MissingError(hub.unavailable(model.config.id, model.config.revision, "model.id", error)) from error
    _check_parts(model.config, folder)
    return folder


def check_joined(model: ResolvedModel) -> None:
    """Raise MissingError for a GGUF file in parts, of which Transformers would read one."""
    if model.gguf is not None and model.further_parts:
        whole = model.gguf.with_name(gguf.whole_name(model.gguf) + gguf.ENDING)
        parts = f"{model.gguf} is the first of {1 + len(model.further_parts)} parts of a model"
        raise MissingError(
            f"{parts}, which only llama.cpp reads as they are; take engine=llama_cpp, or join them first "
            f"(llama-gguf-split --merge {model.gguf} {whole}) and set model.id to that file."
        )


def _downloaded(model: ResolvedModel) -> int:
    """Bytes of a hub model's weights that an earlier download has left in the cache."""
    from huggingface_hub import try_to_load_from_cache

    cached = try_to_load_from_cache(model.config.id, "config.json", revision=model.revision)
    files = Path(cached).parent.glob("*.safetensors") if isinstance(cached, str) else ()
    return sum(file.stat().st_size for file in files if file.is_file())


def _embedded_folder(model: ModelConfig) -> Path:
    name = model.id.removeprefix(EMBEDDED_PREFIX)
    folders = {folder.name: folder for folder in _embedded_folders()}
    if name not in folders:
        names = ", ".join(EMBEDDED_PREFIX + other for other in folders)
        raise ConfigError(f"model.id is {model.id!r}; the embedded models are {names}.")
    return folders[name]


def _embedded_folders() -> list[Path]:
    root = Path(str(files("har_llm.models") / "embedded"))
    return sorted(folder for folder in root.iterdir() if (folder / "config.json").is_file())


def _resolve_folder(model: ModelConfig, folder: Path) -> ResolvedModel:
    if (folder / "adapter_config.json").is_file() and not (folder / "config.json").is_file():
        raise MissingError(f"model.id is {model.id!r}, which holds an adapter, not a model; set model.id to its base model.")
    _check_revision(model, "folder")
    _check_parts(model, folder)
    return ResolvedModel(model, f"{FILES_PREFIX}{fingerprint(_shaping(folder))}", folder)


def _check_revision(model: ModelConfig, what: str) -> None:
    if model.revision != "main":
        raise ConfigError(
            f"model.revision is {model.revision!r}, but model.id is a {what}, which has one version; leave it out."
        )


def _only_gguf(model: ModelConfig, folder: Path) -> Path | None:
    """The file of a folder that holds a model as a GGUF file; of one in parts the first. Raises MissingError for several."""
    files = sorted(folder.glob(f"*{gguf.ENDING}"))
    if not files or any(folder.glob("*.safetensors")):
        return None
    if len({gguf.whole_name(file) for file in files}) > 1:
        names = ", ".join(file.name for file in files[:3]) + (", ..." if len(files) > 3 else "")
        raise MissingError(
            f"model.id is {model.id!r}, a folder with {len(files)} GGUF files ({names}); set model.id to one of them."
        )
    return files[0]


def _resolve_gguf(model: ModelConfig, file: Path) -> ResolvedModel:
    """The folder in Hugging Face's layout is made when it is needed, and kept in the hub's cache."""
    if file.suffix != gguf.ENDING:
        raise MissingError(
            f"model.id is {model.id!r}, a file; name a folder with config.json, tokenizer and safetensors, or a GGUF file."
        )
    _check_revision(model, "file")
    header = gguf.read_header(file)
    if header.chat_template is None:
        raise MissingError(f"The model in {file} has no chat template; take one that is trained to follow a chat.")
    config = replace(model, parameters=model.parameters or header.parameters)
    first, *others = header.files
    content = {gguf.ENDING: first, **{f"{number}{gguf.ENDING}": one for number, one in enumerate(others, 2)}}
    revision = f"{FILES_PREFIX}{fingerprint(content)}.{gguf_cache.FORMAT}"
    found = ResolvedModel(config, revision, None, gguf=first, further_parts=others)
    folder = gguf_cache.folder_of(first, _version(found), model.dtype)
    return replace(found, path=folder if folder.is_dir() else None)


def _version(model: ResolvedModel) -> str:
    return model.revision.removeprefix(FILES_PREFIX)


def _check_parts(model: ModelConfig, folder: Path) -> None:
    """Raise MissingError for files that are no complete model. Some repositories hold only GGUF files or pickles."""
    for path in folder.iterdir():
        if path.exists() and not path.is_file() and not path.is_dir():
            raise MissingError(
                f"{path} is a pipe or a device, which a library would read for ever; put the model's own file there, or "
                f"remove it."
            )
    if (lacks := lacking(folder)) is not None:
        raise MissingError(f"model.id is {model.id!r}, which has no {lacks}; name a folder or repository that has it.")
    if (folder / ADAPTER_FILES[0]).is_file():
        raise MissingError(
            f"{folder} holds an adapter ({ADAPTER_FILES[0]}) beside a model, to which Transformers would add it without a "
            f"word. To run with it, set model.id={_base(folder)} lora=adapter lora.path={model.id}; to run without it, copy "
            f"the folder without the adapter's files."
        )


def _base(folder: Path) -> str:
    """What an adapter's config says that it was made for."""
    with suppress(OSError, ValueError, AttributeError):
        base = read_json(folder / ADAPTER_FILES[0]).get("base_model_name_or_path")
        return base if isinstance(base, str) and base else "BASE"
    return "BASE"


def _shaping(folder: Path) -> dict[str, Path]:
    """The files of a folder that affect the output, by name."""
    files = (file for file in sorted(folder.iterdir()) if file.is_file() and file.suffix in SHAPING)
    return {file.name: file for file in files if file.name != MANIFEST}


def _resolve_hub(model: ModelConfig, planning: bool) -> ResolvedModel:
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    commit, problem = hub.commit_of(model.id, model.revision)
    try:
        cached = try_to_load_from_cache(model.id, "config.json", revision=commit or model.revision)
    except HFValidationError as error:
        raise ConfigError(f"model.id is {model.id!r}, which is not a valid name on the hub: {error}") from None
    folder = Path(cached).parent if isinstance(cached, str) else None
    lacks = None if folder is None else _lacking_in_cache(model, folder)
    if folder is not None and lacks is None:
        _check_parts(model, folder)
        unknown = (file for file in SHAPING_FILES if not hub.is_known(model.id, folder.name, file, ask=commit is not None))
        return ResolvedModel(model, folder.name, folder, unknown=tuple(unknown))
    if commit is None and not planning:
        # A model that cannot be downloaded may also be too large; then say so too, because the network would not help.
        size = footprint(model, None)
        reason = hub.unavailable(model.id, model.revision, "model.id", problem, lacks)
        try:
            check_memory(model, None if size is None else size.weights, *available_memory())
        except MissingError as too_large:
            raise MissingError(f"{reason} And {too_large}") from None
        raise MissingError(reason)
    quantised = None if commit is None else hub.quantised_bytes(model.id, commit)
    small_files = _fetch_small_files(model.id, commit, planning=planning)
    return ResolvedModel(model, commit or model.revision, None, small_files, quantised_bytes=quantised)


def _fetch_small_files(name: str, commit: str | None, *, planning: bool) -> Path | None:
    """The folder of those files of a hub model that decide about keys and names of runs; None if it has none of them.

    They are downloaded before the rest. Raises MissingError if the hub does not give them, because generations would be kept
    under other keys than those that the next command looks for; not when planning or offline, as none can be made then.
    """
    from huggingface_hub import hf_hub_download
    from huggingface_hub.constants import HF_HUB_OFFLINE
    from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

    folder = None
    for file in dict.fromkeys((MANIFEST, *chat_template.FILES, *SHAPING_FILES)) if commit else ():
        try:
            folder = Path(hf_hub_download(name, file, revision=commit, etag_timeout=hub.TIMEOUT_S)).parent
        except Exception as error:  # the hub's client raises errors of many libraries
            has_none = isinstance(error, EntryNotFoundError) and not isinstance(error, LocalEntryNotFoundError)
            if not (has_none or planning or HF_HUB_OFFLINE):
                raise MissingError(hub.unavailable(name, commit or "main", "model.id", error)) from None
    return folder


def _lacking_in_cache(model: ModelConfig, folder: Path) -> str | None:
    """What a cached download lacks of a model's files, and of all that its repository has of those that we download, by the
    list of them that a download leaves in the cache. In an interrupted one, some files came first."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        snapshot_download(model.id, revision=folder.name, local_files_only=True, **_patterns(model))
    except LocalEntryNotFoundError:
        return lacking(folder) or "smaller files"
    return lacking(folder)


def _patterns(model: ModelConfig) -> dict[str, list[str]]:
    code = ["*.py"] if model.trust_remote_code else []
    return {"allow_patterns": [*DOWNLOADED, *code], "ignore_patterns": hub.NOT_DOWNLOADED}
