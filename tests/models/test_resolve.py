"""Finding a model: in the package, in a folder, on the hub; and refusing what cannot work."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import numpy as np
import pytest
from huggingface_hub._tree_cache import TreeCacheEntry, write_tree_cache
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from har_llm.common.errors import ConfigError, MissingError
from har_llm.common.provenance import MANIFEST, Provenance
from har_llm.models import hub
from har_llm.models import resolve as weights
from har_llm.models.config import ModelConfig
from har_llm.models.resolve import ResolvedModel, provenance, resolve

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(autouse=True)
def nothing_is_remembered() -> None:
    hub.commit_of.cache_clear()
    hub.quantised_bytes.cache_clear()
    hub._is_told.cache_clear()


def model(**changes: Any) -> ModelConfig:
    return ModelConfig(**{"name": "any", "id": "org/name", **changes})


def complete(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text("{}")
    (folder / "tokenizer.json").write_text("{}")
    (folder / "tokenizer_config.json").write_text("{}")
    (folder / "generation_config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(b"weights")
    return folder


@pytest.mark.parametrize("name", ["tiny_student", "tiny_teacher"])
def test_the_embedded_models_are_complete_small_and_labelled(name: str) -> None:
    found = resolve(model(id=f"embedded:{name}"))
    assert found.path is not None and found.revision.startswith("files-")
    assert sum(file.stat().st_size for file in found.path.iterdir()) < 6e6
    config = json.loads((found.path / "config.json").read_text())
    assert config["architectures"] == ["Qwen3ForCausalLM"]
    assert "synthetic" in (found.path / "README.md").read_text()
    assert not list(found.path.glob("*.bin")) + list(found.path.glob("*.py"))


def test_an_unknown_embedded_model_names_those_there_are() -> None:
    with pytest.raises(ConfigError, match="the embedded models are embedded:tiny_student, embedded:tiny_teacher"):
        resolve(model(id="embedded:big_teacher"))


def test_a_folder_is_known_by_its_files_wherever_it_lies(tmp_path: Path) -> None:
    one, two = complete(tmp_path / "one"), complete(tmp_path / "two")
    assert resolve(model(id=str(one))).revision == resolve(model(id=str(two))).revision
    (two / "README.md").write_text("says nothing to the model")
    (two / MANIFEST).write_text('{"provenance": "synthetic home"}')
    assert resolve(model(id=str(one))).revision == resolve(model(id=str(two))).revision
    assert provenance(resolve(model(id=str(one)))) == Provenance() != provenance(resolve(model(id=str(two))))
    (two / "model.safetensors").write_bytes(b"Weights")
    assert resolve(model(id=str(one))).revision != resolve(model(id=str(two))).revision


@pytest.mark.parametrize(("missing", "message"), [("config.json", "no config.json"), ("tokenizer.json", "no tokenizer"),
                                                  ("model.safetensors", "no weights in safetensors")])  # fmt: skip
def test_an_incomplete_folder_is_refused(tmp_path: Path, missing: str, message: str) -> None:
    (complete(tmp_path) / missing).unlink()
    with pytest.raises(MissingError, match=message):
        resolve(model(id=str(tmp_path)))


def test_a_file_that_a_library_would_read_for_ever_is_refused(tmp_path: Path) -> None:
    folder = complete(tmp_path)
    (folder / "dangling").symlink_to("nowhere")
    (folder / "chat_template.jinja").symlink_to("/dev/zero")
    with pytest.raises(MissingError, match=r"chat_template\.jinja is a pipe or a device, which a library would read for "):
        resolve(model(id=str(tmp_path)))


def test_a_shard_that_the_index_names_is_part_of_a_folder(tmp_path: Path) -> None:
    """And what lies beside the shards is none: Mistral's own format holds the same weights once more."""
    from safetensors.numpy import save_file

    folder = complete(tmp_path)
    (folder / "model.safetensors").unlink()
    for name in ("model-1.safetensors", "consolidated.safetensors"):
        save_file({name: np.zeros((3, 4), "float32")}, folder / name)
    shards = {"a": "model-1.safetensors", "b": "model-2.safetensors"}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": shards}))
    with pytest.raises(MissingError, match=r"has no model-2\.safetensors, which model\.safetensors\.index\.json names"):
        resolve(model(id=str(folder)))
    save_file({"more": np.zeros((2, 4), "float32")}, folder / "model-2.safetensors")
    found = resolve(model(id=str(folder), dtype="float32"))
    assert weights.parameter_count(found) == 20 and found.footprint is not None and found.footprint.weights == 80


@pytest.mark.parametrize("config", ['{"base_model_name_or_path": "org/base"}', "{"])
def test_an_adapter_beside_a_model_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, config: str) -> None:
    """Transformers would add it to the model, and the run would be called one without an adapter."""
    base = "org/base" if len(config) > 1 else "BASE"
    for folder, id in ((complete(tmp_path / "mine"), str(tmp_path / "mine")), (cached(tmp_path, monkeypatch), "org/name")):
        (folder / "adapter_config.json").write_text(config)
        with pytest.raises(MissingError, match=f"To run with it, set model.id={base} lora=adapter lora.path={id}; to run"):
            resolve(model(id=id))
    monkeypatch.setattr("huggingface_hub.snapshot_download", lambda *a, **k: str(folder))
    with pytest.raises(MissingError, match=f"{folder} holds an adapter \\(adapter_config.json\\) beside a model"):
        weights.fetch(ResolvedModel(model(), COMMIT, None))


def test_an_adapter_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text("{}")
    with pytest.raises(MissingError, match="holds an adapter, not a model"):
        resolve(model(id=str(tmp_path)))


@pytest.mark.parametrize("name", ["./nowhere", "/nowhere", "~/nowhere", "~nobodyy/x", "a/b/c", "nowhere"])
def test_a_folder_that_does_not_exist_is_not_sought_on_the_hub(name: str) -> None:
    with pytest.raises(MissingError, match="there is no such folder"):
        resolve(model(id=name))


def cached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A hub cache that holds org/name at COMMIT as `main`."""
    cache = tmp_path / "hub"
    repository = cache / "models--org--name"
    complete(repository / "snapshots" / COMMIT)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(COMMIT)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(cache))
    monkeypatch.setattr("huggingface_hub.file_download.HF_HUB_CACHE", str(cache), raising=False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    return repository / "snapshots" / COMMIT


@pytest.mark.parametrize("revision", ["main", COMMIT])
def test_a_cached_hub_model_is_resolved_to_its_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, revision: str
) -> None:
    folder = cached(tmp_path, monkeypatch)
    found = resolve(model(revision=revision))
    assert (found.revision, found.path) == (COMMIT, folder)
    assert weights.fetch(found) == folder


@pytest.mark.parametrize(
    ("absent", "lacks"), [("tokenizer.json", "tokenizer"), ("model.safetensors", "weights in safetensors")]
)
def test_a_cache_without_all_of_a_models_files_is_no_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, absent: str, lacks: str
) -> None:
    """The small files that keys are made of are fetched before the rest."""
    (cached(tmp_path, monkeypatch) / absent).unlink()
    with pytest.raises(MissingError, match=f"^org/name is without its {lacks} on this machine and could not be downloaded"):
        resolve(model())


def listed(tmp_path: Path, names: list[str]) -> None:
    """Put the list of a repository's files into the cache, as its download does."""
    entries = {name: TreeCacheEntry(size=1, blob_id="0" * 40) for name in names}
    write_tree_cache(str(tmp_path / "hub" / "models--org--name"), COMMIT, entries)


def test_a_cache_without_a_file_that_its_repository_has_is_no_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without generation_config.json, texts would have other ends."""
    folder = cached(tmp_path, monkeypatch)
    whole = weights.template_digest(resolve(model()))
    here = [file.name for file in folder.iterdir()]
    listed(tmp_path, [*here, "README.md", "consolidated.safetensors", "pytorch_model.bin"])
    assert resolve(model()).path == folder
    (folder / "generation_config.json").unlink()
    with pytest.raises(MissingError, match=r"^org/name is without its smaller files on this machine and could not be"):
        resolve(model())
    listed(tmp_path, [name for name in here if name != "generation_config.json"])
    assert weights.template_digest(resolve(model())) == whole


def test_what_nobody_knows_of_a_repository_is_part_of_the_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = cached(tmp_path, monkeypatch)
    whole = resolve(model())
    (folder / "generation_config.json").unlink()
    without = resolve(model())
    assert (whole.unknown, without.unknown) == ((), ("generation_config.json",))
    assert (without.path, without.revision) == (folder, COMMIT)
    assert weights.template_digest(without) != weights.template_digest(whole)
    (mark := folder.parents[1] / ".no_exist" / COMMIT / "generation_config.json").parent.mkdir(parents=True)
    mark.touch()
    assert resolve(model()) == whole  # the repository has none

    mark.unlink()
    monkeypatch.setattr("huggingface_hub.hf_hub_download", lambda *a, **k: (folder / "generation_config.json").touch())
    hub._is_told.cache_clear()
    asked = resolve(model(revision=COMMIT))
    assert (asked.unknown, asked.path) == ((), folder) and (folder / "generation_config.json").exists()


def test_a_hub_model_that_is_not_here_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(MissingError, match=r"HF_HUB_OFFLINE is set.*hf download org/name"):
        resolve(model())


def of_the_hub(kind: type[HfHubHTTPError]) -> HfHubHTTPError:
    return kind("refused", response=httpx.Response(403, request=httpx.Request("GET", "https://huggingface.co")))


@pytest.mark.parametrize(
    ("problem", "reason"),
    [
        (ConnectionError("nobody there"), "no connection"),
        (httpx.ConnectError("nobody there"), "no connection"),
        (httpx.ConnectTimeout("too slow"), "no connection"),
        (httpx.ReadTimeout("too slow"), "no connection"),
        (of_the_hub(RepositoryNotFoundError), "no such model or revision, or it is private"),
        (of_the_hub(RevisionNotFoundError), "no such model or revision, or it is private"),
        (of_the_hub(GatedRepoError), "it is gated"),
        (of_the_hub(HfHubHTTPError), "HfHubHTTPError: refused"),
        (PermissionError(13, "Permission denied", "/cache/x"), "/cache/x: Permission denied"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_a_hub_that_gives_no_commit_is_one_sentence(
    problem: Exception, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)

    def refused(*arguments: Any, **options: Any) -> None:
        raise problem

    monkeypatch.setattr("huggingface_hub.HfApi.model_info", refused)
    with pytest.raises(MissingError, match=rf"\({reason}\).*hf download org/name"):
        resolve(model())


def test_the_hubs_answer_is_the_revision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("huggingface_hub.HfApi.model_info", lambda self, *a, **k: type("Info", (), {"sha": COMMIT}))
    monkeypatch.setattr("huggingface_hub.hf_hub_download", lambda name, file, **k: str(tmp_path / file))
    found = resolve(model())
    assert (found.revision, found.path) == (COMMIT, None)


@pytest.mark.parametrize(
    ("config", "expected"), [({"quantization_config": {"bits": 4}}, 19e9), ({}, 65.5e9), (None, 65.5e9)]
)
def test_a_quantised_model_under_the_name_of_the_whole_one_is_as_large_as_its_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, config: dict[str, Any] | None, expected: float
) -> None:
    sizes = {"a.safetensors": 19e9, "consolidated.safetensors": 19e9, "b.bin": 1e9}
    files = [SimpleNamespace(rfilename=name, size=size) for name, size in sizes.items()]
    info = SimpleNamespace(sha=COMMIT, config=config, siblings=files)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("huggingface_hub.HfApi.model_info", lambda self, *a, **k: info)
    monkeypatch.setattr("huggingface_hub.hf_hub_download", lambda name, file, **k: str(tmp_path / file))
    found = resolve(model(parameters=32_750_000_000)).footprint
    assert found is not None and found.weights == expected


def test_what_is_synthetic_about_a_hub_model_and_its_template_are_known_before_it_is_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else its first run would be another than its second."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("huggingface_hub.HfApi.model_info", lambda self, *a, **k: type("Info", (), {"sha": COMMIT}))
    (tmp_path / MANIFEST).write_text('{"provenance": "synthetic model"}')
    (tmp_path / "chat_template.jinja").write_text("{{ messages }}")

    def fetched(name: str, file: str, *, revision: str, **options: Any) -> str:
        assert (name, revision) == ("org/name", COMMIT)
        if file not in (MANIFEST, "chat_template.jinja"):
            raise EntryNotFoundError("404")
        return str(tmp_path / file)

    monkeypatch.setattr("huggingface_hub.hf_hub_download", fetched)
    found = resolve(model())
    assert provenance(found) == Provenance(model=True)
    assert weights.template_digest(found) == weights.template_digest(replace(found, path=tmp_path)) is not None

    def none(*arguments: Any, **options: Any) -> str:
        raise EntryNotFoundError("404")

    monkeypatch.setattr("huggingface_hub.hf_hub_download", none)
    assert provenance(resolve(model())) == Provenance()
    assert weights.template_digest(resolve(model())) is None


def test_without_an_answer_about_its_template_a_hub_model_is_planned_but_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its generations would be kept under other keys than those that the next command looks for."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("huggingface_hub.HfApi.model_info", lambda self, *a, **k: type("Info", (), {"sha": COMMIT}))

    def silent(*arguments: Any, **options: Any) -> str:
        raise LocalEntryNotFoundError("timed out")

    monkeypatch.setattr("huggingface_hub.hf_hub_download", silent)
    assert resolve(model(), planning=True).small_files is None
    with pytest.raises(MissingError, match=r"org/name .* could not be downloaded .* \(no connection\)"):
        resolve(model())


def test_a_model_that_cannot_fit_is_refused_before_anything_is_fetched() -> None:
    weights.check_memory(model(), 20e9, "memory", 24e9)
    weights.check_memory(model(), None, "memory", 24e9)
    with pytest.raises(MissingError, match=r"any needs about 24\.2 GB in bfloat16, but memory has 24\.0 GB free"):
        weights.check_memory(model(), 22e9, "memory", 24e9)


def test_an_interrupted_download_is_not_taken_for_a_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = cached(tmp_path, monkeypatch)
    shards = {"a": "model.safetensors", "b": "model-00002.safetensors"}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": shards}))
    assert resolve(model(revision=COMMIT)).path is None
    (folder / "model-00002.safetensors").touch()
    assert resolve(model(revision=COMMIT)).path == folder


def test_code_is_part_of_a_folders_version(tmp_path: Path) -> None:
    before = resolve(model(id=str(complete(tmp_path)))).revision
    (tmp_path / "modeling.py").write_text("pass")
    assert resolve(model(id=str(tmp_path))).revision != before


def test_a_hub_that_does_not_answer_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    asked = []

    def silent(*arguments: Any, **options: Any) -> None:
        asked.append(options["timeout"])
        raise TimeoutError

    monkeypatch.setattr("huggingface_hub.HfApi.model_info", silent)
    for _ in range(3):
        with pytest.raises(MissingError, match="no connection"):
            resolve(model())
    assert asked == [hub.TIMEOUT_S]


def test_a_name_that_cannot_be_on_the_hub_is_refused() -> None:
    with pytest.raises((ConfigError, MissingError), match=r"model\.id is 'a b/c'|a b/c is not on this machine"):
        resolve(model(id="a b/c"))


def test_a_full_disk_is_noticed_before_the_download(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("har_llm.models.room.shutil.disk_usage", lambda path: type("Usage", (), {"free": 1e9}))
    with pytest.raises(MissingError, match=r"download of about 4\.0 GB, but .* has 1\.0 GB free"):
        weights.fetch(ResolvedModel(model(parameters=2_000_000_000), COMMIT, None))


def test_for_a_plan_a_model_may_be_out_of_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    found = resolve(model(parameters=10**15), planning=True)
    assert (found.revision, found.path) == ("main", None)
    with pytest.raises(MissingError, match="needs about"):
        resolve(model(parameters=10**15))


def test_for_a_plan_a_model_that_is_here_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = cached(tmp_path, monkeypatch)
    assert resolve(model(), planning=True) == resolve(model())
    assert resolve(model(), planning=True).path == folder


def test_a_file_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "x.bin").write_bytes(b"weights")
    with pytest.raises(MissingError, match=r"x\.bin', a file; name a folder with config\.json, .*, or a GGUF file\."):
        resolve(model(id=str(tmp_path / "x.bin")))


def test_a_folder_has_no_revisions(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"model\.revision is 'v2', but model\.id is a folder, which has one version"):
        resolve(model(id=str(complete(tmp_path)), revision="v2"))


def test_a_revision_that_cannot_be_had_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(
        MissingError, match=r"^org/name at revision v2 is not on this machine .*HF_HUB_OFFLINE is set.* And any"
    ):
        resolve(model(revision="v2", parameters=10**15))


def test_a_repository_without_what_we_load_is_refused_once_it_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (complete(tmp_path) / "model.safetensors").unlink()
    monkeypatch.setattr("huggingface_hub.snapshot_download", lambda *a, **k: str(tmp_path))
    with pytest.raises(MissingError, match="'org/name', which has no weights in safetensors; name a folder or repository"):
        weights.fetch(ResolvedModel(model(), COMMIT, None))


@pytest.mark.parametrize("name", ["embedded:nobody", "/nowhere", "nowhere"])
def test_for_a_plan_too_a_model_has_to_have_a_name_that_can_be(name: str) -> None:
    with pytest.raises((ConfigError, MissingError), match=r"model\.id is"):
        resolve(model(id=name), planning=True)
