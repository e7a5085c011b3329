"""What is synthetic is named in the same words everywhere, also in earlier manifests."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from har_llm.common.provenance import MANIFEST, Provenance, recorded

ALL = [Provenance(home, model) for home in (False, True) for model in (False, True)]


def test_only_what_is_synthetic_is_named() -> None:
    assert [one.label for one in ALL] == [None, "synthetic model", "synthetic home", "synthetic home, synthetic model"]
    assert (Provenance().suffix, Provenance(home=True).suffix) == ("", " (synthetic home)")


def test_what_is_made_of_two_things_is_as_synthetic_as_both() -> None:
    assert Provenance(home=True) | Provenance(model=True) == Provenance(True, True)
    assert all(one | Provenance() == one == one | one for one in ALL)


@pytest.mark.parametrize("label", ["made up", "", "synthetic model, synthetic home", 1, ["synthetic home"]])
def test_a_label_that_is_none_of_them_is_refused(label: object) -> None:
    with pytest.raises(ValueError, match="is none of null, 'synthetic home', 'synthetic model', 'synthetic home, s"):
        Provenance.labelled(label)


@pytest.mark.parametrize("made", ALL)
def test_a_manifest_hands_it_on(tmp_path: Path, made: Provenance) -> None:
    (tmp_path / MANIFEST).write_text(json.dumps({"provenance": made.label}))
    assert recorded(tmp_path) == made


@pytest.mark.parametrize("manifest", ["", "{", "[]", "3", "{}", '{"provenance": null}', '{"provenance": 3}', "[" * 10**5])
def test_a_manifest_that_is_not_ours_says_nothing(tmp_path: Path, manifest: str) -> None:
    (tmp_path / MANIFEST).write_text(manifest)
    assert recorded(tmp_path) == Provenance()


def test_no_manifest_says_nothing(tmp_path: Path) -> None:
    assert recorded(None) == recorded(tmp_path) == Provenance()


def test_of_a_label_of_any_length_the_beginning_is_told() -> None:
    with pytest.raises(ValueError, match="is none of null") as told:
        Provenance.labelled("x" * 10_000)
    assert len(str(told.value)) < 200
