"""A manifest says how an adapter or a merged model was made, and is refused where it is not ours."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from har_llm.common.provenance import MANIFEST, Provenance, recorded
from har_llm.common.typed_json import UnlikeError, plain
from har_llm.distill.manifest import FORMAT, Manifest, MergedModel, manifest_beside, read_manifest, write_manifest
from har_llm.models.adapters import adapter_digest
from tests.distill.manifests import trained_adapter

MERGED = MergedModel("org/base", "c0ffee", "distilled", "k3y", "bfloat16", "reasoning", True, None, {}, {"temperature": 0.6})
WHOLE = Manifest(Provenance(home=True), trained_adapter(sessions=["half \ud800 a character"]), MERGED)


@pytest.mark.parametrize("manifest", [WHOLE, Manifest(Provenance(model=True))])
def test_what_is_written_is_read_back(tmp_path: Path, manifest: Manifest) -> None:
    write_manifest(tmp_path, manifest)
    assert plain(read_manifest(tmp_path)) == plain(manifest)
    assert recorded(tmp_path) == manifest.provenance


def changed(**changes: Any) -> str:
    content = plain(WHOLE)
    content["adapter"] |= changes.pop("adapter", {})
    return json.dumps(content | changes)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "Expecting property name"),
        ("[]", f"its format is None, and this version of har_llm reads {FORMAT}"),
        (changed(format=FORMAT - 1), f"its format is {FORMAT - 1}, and this version"),
        (changed(provenance="made up"), r"provenance: .*'made up' is none of null"),
        (changed(adapter={"steps": []}), r"adapter\.steps: "),
        (changed(adapter={"record": {**plain(WHOLE.adapter.record), "parameters": 0}}), r"parameters: "),  # type: ignore[union-attr]
    ],
)
def test_another_form_is_refused_by_its_first_fault(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / MANIFEST).write_text(content)
    with pytest.raises(UnlikeError, match=said):
        read_manifest(tmp_path)


def test_beside_an_adapter_only_what_describes_its_weights_counts(tmp_path: Path) -> None:
    assert manifest_beside(tmp_path) is None
    (tmp_path / "adapter_config.json").write_text("{}")
    (tmp_path / "adapter_model.safetensors").write_bytes(b"weights")
    for other in ("{", "[]", '{"adapter": "theirs"}', changed()):
        (tmp_path / MANIFEST).write_text(other)
        assert manifest_beside(tmp_path) is None
    ours = Manifest(Provenance(), replace(trained_adapter(), weights=adapter_digest(tmp_path)))
    write_manifest(tmp_path, ours)
    assert manifest_beside(tmp_path) == read_manifest(tmp_path) != WHOLE
    (tmp_path / MANIFEST).write_text(json.dumps({"adapter": {"weights": adapter_digest(tmp_path)}}))
    with pytest.raises(UnlikeError, match="its format is None"):
        manifest_beside(tmp_path)
