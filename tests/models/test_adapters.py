"""Finding an adapter: in a folder, on the hub, with a server; and refusing what is none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub.errors import LocalEntryNotFoundError

from har_llm.common.errors import ConfigError, MissingError
from har_llm.models import hub
from har_llm.models.adapters import ReadyAdapter, resolve_adapter, served_adapter

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(autouse=True)
def nothing_is_remembered() -> None:
    hub.commit_of.cache_clear()


def lora(**changes: Any) -> ReadyAdapter:
    return ReadyAdapter(**{"name": "adapter", "path": "org/adapter", **changes})


def adapter(folder: Path, weights: bytes = b"weights", **changes: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    config = {"peft_type": "LORA", "r": 8, "base_model_name_or_path": "org/name", "target_modules": ["q_proj"], **changes}
    (folder / "adapter_config.json").write_text(json.dumps(config))
    (folder / "adapter_model.safetensors").write_bytes(weights)
    return folder


def test_an_adapter_is_known_by_its_files_wherever_it_and_its_base_lie(tmp_path: Path) -> None:
    one = resolve_adapter(lora(path=str(adapter(tmp_path / "one"))))
    assert (one.id, one.path) == ("local", tmp_path / "one") and one.revision.startswith("files-")
    (tmp_path / "two").mkdir()
    (tmp_path / "two" / "README.md").write_text("says nothing to the model")
    moved = adapter(tmp_path / "two", base_model_name_or_path="/home/someone/name", revision="main")
    assert resolve_adapter(lora(path=str(moved))).identity() == one.identity()


@pytest.mark.parametrize("changes", [{"weights": b"Weights"}, {"r": 16}, {"lora_alpha": 32}, {"target_modules": ["v_proj"]}])
def test_what_shapes_an_adapters_output_is_noticed(tmp_path: Path, changes: dict[str, Any]) -> None:
    one, other = adapter(tmp_path / "one"), adapter(tmp_path / "other", **changes)
    assert resolve_adapter(lora(path=str(one))).revision != resolve_adapter(lora(path=str(other))).revision


@pytest.mark.parametrize("missing", ["adapter_config.json", "adapter_model.safetensors"])
def test_an_incomplete_adapter_is_refused(tmp_path: Path, missing: str) -> None:
    (adapter(tmp_path) / missing).unlink()
    with pytest.raises(MissingError, match=rf"lora\.path is .*, which has no {missing}"):
        resolve_adapter(lora(path=str(tmp_path)))


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "3", "null", "{}", '{"peft_type": "LORA"}', '{"peft_type": "LORA", "r": 1e999}', "\udcff"]
)  # fmt: skip
def test_a_description_that_is_none_is_refused(tmp_path: Path, content: str) -> None:
    (adapter(tmp_path) / "adapter_config.json").write_text(content, errors="surrogateescape")
    with pytest.raises(MissingError, match=r"adapter_config\.json does not describe a LoRA adapter"):
        resolve_adapter(lora(path=str(tmp_path)))


@pytest.mark.parametrize(
    "changes",
    [
        *({"peft_type": kind} for kind in ("IA3", None, "x" * 4000, [["LORA"]] * 900)),
        *({"r": rank} for rank in (0, -4, "many", None, True, "x" * 4000)),
    ],
)
def test_what_is_no_lora_is_refused(tmp_path: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(MissingError, match=r"describes an adapter of the kind .* and of rank .*; only 'LORA' of ") as raised:
        resolve_adapter(lora(path=str(adapter(tmp_path, **changes))))
    assert len(str(raised.value)) < 1000, "a file's value is shown, not told in full"


@pytest.mark.parametrize("name", ["./nowhere", "/nowhere", "~/nowhere", "~nobodyy/x", "a/b/c", "nowhere"])
def test_an_adapter_that_does_not_exist_is_not_sought_on_the_hub(name: str) -> None:
    with pytest.raises(MissingError, match=r"lora\.path is .*: there is no such folder"):
        resolve_adapter(lora(path=name))


@pytest.fixture
def org(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """A hub that has org/adapter at COMMIT; returns what it is asked to download."""
    asked: list[dict[str, Any]] = []

    def download(name: str, **options: Any) -> str:
        asked.append({"name": name, **options})
        return str(adapter(tmp_path / "snapshots" / COMMIT))

    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("huggingface_hub.HfApi.model_info", lambda self, *a, **k: type("Info", (), {"sha": COMMIT}))
    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    return asked


def test_an_adapter_of_the_hub_is_fetched_at_the_commit_that_its_revision_stood_for(
    tmp_path: Path, org: list[dict[str, Any]]
) -> None:
    found = resolve_adapter(lora(revision="v1"))
    assert found.identity() == {"id": "org/adapter", "revision": COMMIT}
    assert found.path == tmp_path / "snapshots" / COMMIT
    (asked,) = org
    assert (asked["name"], asked["revision"], asked["local_files_only"]) == ("org/adapter", COMMIT, False)
    files = ["adapter_config.json", "adapter_model.safetensors", "manifest.json"]
    templates = ["chat_template.jinja", "chat_template.json", "tokenizer_config.json", "tokenizer.json"]
    assert asked["allow_patterns"] == [*files, *templates], "nothing that could be code or a pickle"


def test_without_a_connection_the_cache_may_have_the_adapter(
    org: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert resolve_adapter(lora()).identity() == {"id": "org/adapter", "revision": COMMIT}
    assert (org[0]["revision"], org[0]["local_files_only"]) == ("main", True)


def test_an_adapter_of_the_hub_that_is_incomplete_is_refused(
    org: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.setattr("huggingface_hub.snapshot_download", lambda name, **options: str(tmp_path / "empty"))
    with pytest.raises(MissingError, match=r"has no adapter_config\.json"):
        resolve_adapter(lora())


def test_an_adapter_that_cannot_be_had_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(MissingError, match=r"HF_HUB_OFFLINE is set.*hf download org/adapter.*set lora\.path to its folder"):
        resolve_adapter(lora())


def test_a_served_adapter_is_not_looked_for() -> None:
    assert served_adapter(lora(path="/no/such/folder")).identity() == {"id": "/no/such/folder", "revision": "served"}


def test_a_download_that_breaks_off_is_no_connection(org: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(name: str, **options: Any) -> str:
        raise LocalEntryNotFoundError("nothing in the cache")

    monkeypatch.setattr("huggingface_hub.snapshot_download", broken)
    with pytest.raises(MissingError, match=r"org/adapter is not on this machine.*\(no connection\)"):
        resolve_adapter(lora())


@pytest.mark.parametrize("path", ["", "  "])
def test_an_adapter_without_a_path_is_refused(path: str) -> None:
    with pytest.raises(ConfigError, match=r"lora\.path is empty"):
        ReadyAdapter(name="adapter", path=path).check()
