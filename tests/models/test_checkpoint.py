"""What cannot fit together is found by the files' headers, before anything is loaded."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy
import pytest
from safetensors.numpy import save_file

from har_llm.common.errors import ConfigError, MissingError
from har_llm.models import resolve
from har_llm.models.checkpoint import check_fit, check_targets, check_whole, tensors
from tests.composing import experiment
from tests.lora_adapters import LINEAR, random_adapter


def folder(model: str) -> Path:
    path = resolve.resolve(experiment(f"model={model}").model).path
    assert path is not None
    return path


def test_the_layers_of_a_model_are_those_of_its_files() -> None:
    found = tensors(folder("tiny_teacher"))
    assert found["model.embed_tokens.weight"] == ("BF16", (896, 160))
    check_targets(LINEAR, "any", folder("tiny_teacher"))
    check_targets(["layers.0.self_attn.q_proj"], "any", folder("tiny_teacher"))


def test_whole_files_are_told_from_pointers_and_from_half_of_a_download(tmp_path: Path) -> None:
    model = Path(shutil.copytree(folder("tiny_student"), tmp_path / "model"))
    check_whole(model)
    weights, tokenizer = model / "model.safetensors", model / "tokenizer.json"
    whole = weights.read_bytes()
    for half in (b"", whole[:4], whole[:1000], whole[:-1]):
        weights.write_bytes(half)
        with pytest.raises(MissingError, match=rf"^{weights} is cut short or damaged \(.*\); download it again\.$"):
            check_whole(model)
    weights.write_bytes(whole)
    for file in (tokenizer, weights):
        file.write_text(f"version https://git-lfs.github.com/spec/v1\noid sha256:{64 * '0'}\nsize 11422654\n")
        with pytest.raises(MissingError, match=rf"^{file} only names the file, .* run `git lfs pull` in its folder"):
            check_whole(model)


def test_a_config_of_more_layers_than_there_are_weights_is_refused(tmp_path: Path) -> None:
    model = Path(shutil.copytree(folder("tiny_student"), tmp_path / "model"))
    config = json.loads((model / "config.json").read_text())
    (model / "config.json").write_text(json.dumps({**config, "num_hidden_layers": 1_000_000}))
    with pytest.raises(MissingError, match=r"config\.json describes 1,000,000 layers, .* only 46 tensors; one"):
        check_whole(model)
    for content in ("[]", "{", '{"num_hidden_layers": "x"}', "[" * 10**5):  # for the libraries to refuse
        (model / "config.json").write_text(content)
        check_whole(model)


@pytest.mark.parametrize("target", ["foo", "proj", "norm"])
def test_a_layer_that_a_model_has_not_is_refused(target: str) -> None:
    with pytest.raises(
        ConfigError, match=rf"target_modules has '{target}', but any has no such layer; it has down_proj, .*v_proj"
    ):
        check_targets(["q_proj", target], "any", folder("tiny_teacher"))


@pytest.mark.slow
def test_an_adapter_of_another_model_is_refused_and_one_of_its_own_is_not(tmp_path: Path) -> None:
    adapter = random_adapter(tmp_path / "adapter", model="tiny_student")
    check_fit(adapter, "embedded:tiny_student", folder("tiny_student"))
    with pytest.raises(
        MissingError, match=r"for another model .*, but that of embedded:tiny_teacher has \d+ x \d+\. Choose"
    ):
        check_fit(adapter, "embedded:tiny_teacher", folder("tiny_teacher"))


@pytest.mark.parametrize(
    ("kind", "shape", "fits"),
    [
        ("float32", (6, 4), True),
        ("float32", (4, 6), True),  # as GPT-2 keeps it
        ("uint8", (12, 1), True),  # packed
        ("float32", (6, 5), False),
        ("float32", (6,), False),
    ],
)
def test_a_layer_fits_by_its_width(tmp_path: Path, kind: str, shape: tuple[int, ...], fits: bool) -> None:
    base, adapter = tmp_path / "base", tmp_path / "adapter"
    base.mkdir(), adapter.mkdir()
    save_file({"model.q_proj.weight": numpy.zeros(shape, kind)}, base / "model.safetensors")
    lora = {"base_model.model.model.q_proj.lora_A.weight": numpy.zeros((2, 4), "float32")}
    save_file(lora, adapter / "adapter_model.safetensors")
    (adapter / "adapter_config.json").write_text('{"base_model_name_or_path": "org/name"}')
    if fits:
        check_fit(adapter, "mine", base)
    else:
        with pytest.raises(MissingError, match=r"is for another model \(org/name\): its layer model.q_proj takes 4 values"):
            check_fit(adapter, "mine", base)


def test_what_cannot_be_read_is_left_to_whoever_loads_it(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    assert tensors(tmp_path) == {}
    check_targets(["foo"], "any", tmp_path)
    check_fit(tmp_path, "any", folder("tiny_teacher"))
