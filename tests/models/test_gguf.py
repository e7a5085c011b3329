"""A GGUF file is a model like any other; what its header says is read without loading it."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import struct
from pathlib import Path
from typing import Any

import numpy
import pytest

from har_llm.common.errors import ConfigError, EngineError, MissingError
from har_llm.engines.weights import Outline
from har_llm.models.config import ModelConfig
from har_llm.models.gguf import Header, read_header
from har_llm.models.resolve import fetch, resolve, template_digest
from tests.gguf_files import student, weights, write_gguf

pytestmark = [
    pytest.mark.slow,  # importing PyTorch for the weights
    pytest.mark.skipif(importlib.util.find_spec("gguf") is None, reason="the package gguf is not installed"),
]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_gguf(tmp_path_factory.mktemp("gguf") / "tiny.gguf")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("huggingface_hub.constants.HF_HOME", str(tmp_path / "hf"))
    return tmp_path / "hf"


def model(file: Path, **settings: Any) -> ModelConfig:
    return ModelConfig(name="tiny", id=str(file), dtype="float32", **settings)


def test_the_header_says_what_the_model_is(file: Path) -> None:
    header = read_header(file)
    assert header.architecture == "qwen3"
    assert header.chat_template == (student() / "chat_template.jinja").read_text()
    assert header.parameters == sum(one.size for one in weights().values())


@pytest.mark.parametrize(("file_type", "named"), [(3, "Q4_1"), (7, "Q8_0"), (1024, None), (None, None)])
def test_the_header_names_the_number_format_of_most_weights(file_type: int | None, named: str | None) -> None:
    values = {} if file_type is None else {"general.file_type": file_type}
    assert Header(values, {}).quantisation == named


def test_before_it_is_read_its_size_and_template_are_known(file: Path, cache: Path) -> None:
    found = resolve(model(file))
    assert found.path is None and not found.absent and found.local and found.footprint is not None
    assert found.footprint.weights == 4 * read_header(file).parameters
    assert not cache.exists()


def test_it_becomes_a_folder_with_the_same_weights_once_and_its_version_stays(file: Path, cache: Path) -> None:
    from safetensors.numpy import load_file
    from transformers import AutoTokenizer

    found = resolve(model(file))
    folder = fetch(found)
    made, expected = load_file(folder / "model.safetensors"), weights()
    assert made.keys() == expected.keys() and all(numpy.array_equal(made[name], expected[name]) for name in made)
    tokenizer, own = AutoTokenizer.from_pretrained(folder), AutoTokenizer.from_pretrained(student())
    assert (tokenizer.eos_token, tokenizer.pad_token) == ("<|im_end|>", "<|endoftext|>")
    prompt: list[dict[str, str]] = [{"role": "user", "content": "kitchen stove turned ON"}]
    shown = [one.apply_chat_template(prompt, tokenize=False, add_generation_prompt=True) for one in (tokenizer, own)]
    assert shown[0] == shown[1]
    assert json.loads((folder / "generation_config.json").read_text())["eos_token_id"] == [
        own.eos_token_id,
        own.pad_token_id,  # <|endoftext|>, where llama.cpp ends too
    ]
    assert [one.name for one in folder.parent.iterdir()] == [folder.name]
    Outline(folder, trust_remote_code=False)  # as both engines check it

    again = resolve(model(file))
    assert again.path == folder and fetch(again) == folder
    assert (again.revision, template_digest(again)) == (found.revision, template_digest(found))
    renamed = file.rename(file.with_name("renamed.gguf"))
    try:
        assert resolve(model(renamed)).revision == found.revision
    finally:
        renamed.rename(file)
    assert resolve(dataclasses.replace(model(file), dtype="bfloat16")).path is None


@pytest.mark.usefixtures("same_process")
@pytest.mark.skipif(importlib.util.find_spec("llama_cpp") is None, reason="llama-cpp-python is not installed")
@pytest.mark.parametrize(
    ("further", "more"),
    [
        ({}, []),
        ({"</s>": "", "<|fim_pad|>": "", "<|repo_name|>": "", "<|file_sep|>": "", "<|fim_middle|>": ""}, [0, 1, 2, 3]),
        ({"<|eot_id|>": "", "<|eom_id|>": "", "<|end_of_text|>": "", "<|eot>": ""}, [0, 1, 2]),
        ({"<stop>": "eot", "<wait>": "eom", "<|end|>": ""}, [0, 1, 2]),
        ({"<|end|>": "", "<|return|>": "", "<|call|>": "", "<|start|>": ""}, [1, 2]),  # gpt-oss
        ({"<|end|>": "", "<|flush|>": "", "<|calls|>": ""}, [1, 2]),
        ({"<|end|>": "", "<|return|>": ""}, [0, 1]),
        ({"</s>": "", "<eos>": "", "<turn|>": "", "<|tool_response>": ""}, [1, 2, 3]),  # Gemma 4
        ({"<filler>": "fim_pad", "<PAD>": "", "<reponame>": "", "<|file_sep|>": "fim_sep"}, [0, 2, 3]),
        ({"<｜end▁of▁sentence｜>": "eot", "[EOS]": "", "[EOT]": "", "_<EOT>": "", "<EOT>": ""}, [0, 1, 2, 3, 4]),
        ({"<end_of_turn>": "", "<end_of_utterance>": "", "<|endofturn|>": ""}, [0, 1]),
    ],
)
def test_a_file_ends_at_the_tokens_at_which_llama_cpp_ends(
    tmp_path: Path, cache: Path, further: dict[str, str], more: list[int]
) -> None:
    from llama_cpp import Llama, llama_model_get_vocab, llama_vocab_is_eog
    from transformers import AutoTokenizer

    file = write_gguf(tmp_path / "ends.gguf", further=further)
    folder = fetch(resolve(model(file)))
    ends = json.loads((folder / "generation_config.json").read_text())["eos_token_id"]
    tokenizer, texts = AutoTokenizer.from_pretrained(folder), list(further)
    assert set(tokenizer.convert_ids_to_tokens(ends)) == {"<|im_end|>", "<|endoftext|>", *(texts[place] for place in more)}
    llama = Llama(model_path=str(file), vocab_only=True, verbose=False)
    vocabulary = llama_model_get_vocab(llama.model)
    assert {token for token in range(llama.n_vocab()) if llama_vocab_is_eog(vocabulary, token)} == {*ends}


@pytest.mark.usefixtures("same_process")
@pytest.mark.parametrize(
    ("division", "pieces"),
    [("smollm", ["at", "ĠĠ", "1", "2", ",", "5"]), ("llama-bpe", ["at", "Ġ", "Ġ", "12", ",", "5"])],
)
def test_texts_are_divided_as_the_file_says(tmp_path: Path, cache: Path, division: str, pieces: list[str]) -> None:
    """Transformers takes every tokenizer of Llama's architecture for one that falls back to bytes, as llama.cpp's converter
    then does, and divides its texts as GPT-2 does."""
    from transformers import AutoTokenizer

    folder = fetch(resolve(model(write_gguf(tmp_path / "llama.gguf", architecture="llama", division=division))))
    backend = AutoTokenizer.from_pretrained(folder).backend_tokenizer
    assert [piece for piece, _ in backend.pre_tokenizer.pre_tokenize_str("at  12,5")] == pieces
    assert not json.loads((folder / "tokenizer.json").read_text())["model"]["byte_fallback"]
    assert backend.decode(backend.encode("at  12,5 é").ids) == "at  12,5 é"


@pytest.mark.usefixtures("same_process")
@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (
            {"architecture": "nosuch"},
            r"of the architecture 'nosuch', and Transformers reads .*, qwen3, .* only\. Take engine=llama_cpp",
        ),
        ({"template": False}, "has no chat template; take one that is trained to follow a chat"),
        ({"scaling": "yarn"}, r"stretches its positions \(rope scaling\), .* Take engine=llama_cpp"),
        ({"extra": "rope_freqs.weight"}, r"stretches its positions \(rope scaling\)"),
        ({"without": "blk.0.ffn_up.weight"}, r"weights, and the model .* without model\.layers\.0\.mlp\.up_proj\.weight: "),
        (
            {"extra": "blk.0.unheard_of.weight"},
            r"holds [\d,]+ weights, and the model that Transformers makes of it has [\d,]+: ",
        ),
        ({"architecture": "llama", "division": "tekken"}, "divides texts in the way 'tekken' .* Take engine=llama_cpp"),
        (
            {"in_parts": True},
            r"other-00001-of-00003\.gguf is the first of 3 parts of a model, which only llama\.cpp reads as they are; take "
            r"engine=llama_cpp, or join them first \(llama-gguf-split --merge .*-00001-of-00003\.gguf .*/other\.gguf\)",
        ),
    ],
)
def test_one_that_cannot_be_used_says_why(tmp_path: Path, cache: Path, settings: dict[str, Any], told: str) -> None:
    with pytest.raises((MissingError, EngineError), match=told):
        fetch(resolve(model(write_gguf(tmp_path / "other.gguf", **settings))))
    assert not list(cache.glob("har_llm/*"))


def test_a_folder_with_a_file_stands_for_it_and_one_with_several_says_so(file: Path) -> None:
    found = resolve(model(file.parent))
    assert (found.gguf, found.revision) == (file, resolve(model(file)).revision)
    other = file.with_name("other.gguf")
    other.write_bytes(b"")
    try:
        with pytest.raises(MissingError, match=r"folder with 2 GGUF files \(other\.gguf, tiny\.gguf\); set model\.id to"):
            resolve(model(file.parent))
    finally:
        other.unlink()


@pytest.fixture
def first(tmp_path: Path) -> Path:
    """The first part of a file in three."""
    return write_gguf(tmp_path / "parts" / "tiny.gguf", in_parts=True)


def test_the_parts_of_a_file_are_one_model(first: Path, file: Path) -> None:
    found, whole = resolve(model(first)), read_header(file)
    parts = sorted(first.parent.iterdir())
    assert found.gguf == first == parts[0] and len(parts) == 3
    assert read_header(first).parameters == whole.parameters and read_header(first).chat_template == whole.chat_template
    assert found.footprint is not None and found.footprint.file == sum(one.stat().st_size for one in parts)
    assert template_digest(found) == template_digest(resolve(model(file)))
    for other in (first.parent, parts[1]):
        assert (resolve(model(other)).gguf, resolve(model(other)).revision) == (first, found.revision)
    with parts[2].open("r+b") as stream:
        stream.seek(-1, 2)
        stream.write(b"\1")
    assert resolve(model(first)).revision != found.revision, "each part makes the version"


@pytest.mark.parametrize("missing", [0, 1])
def test_a_part_that_is_missing_is_named(first: Path, missing: int) -> None:
    lost = sorted(first.parent.iterdir())[missing]
    lost.unlink()
    with pytest.raises(MissingError, match=rf"is one of 3 parts of a model, and {lost.name} is not beside it; put it there"):
        resolve(model(first.parent))


def test_parts_that_do_not_belong_together_are_refused(first: Path, tmp_path: Path) -> None:
    second, third = sorted(first.parent.iterdir())[1:]
    second.write_bytes(third.read_bytes())
    with pytest.raises(MissingError, match=r"tiny-00002-of-00003\.gguf is not part 2 of 3, whatever its name says"):
        resolve(model(first))
    renamed = first.rename(tmp_path / "model.gguf")
    with pytest.raises(
        MissingError, match=r"model\.gguf is one of 3 parts of a model, .* by their names, .*-00001-of-00003"
    ):
        resolve(model(renamed))


def test_damaged_files_are_refused(file: Path, tmp_path: Path) -> None:
    whole = file.read_bytes()
    for content, told in (
        (b"PK" + whole[2:], "is no GGUF file, whatever its name says"),
        (whole[:100], r"is cut short or damaged \(.*\); download it again"),
        (whole[:4] + struct.pack("<I", 9) + whole[8:], "its version is 9, not 2 or 3"),
        (b"", "is cut short or damaged"),
        (b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 0) + struct.pack("<I", 9) + 5000 * struct.pack("<IQ", 9, 1), "damaged"),
    ):
        (tmp_path / "bad.gguf").write_bytes(content)
        with pytest.raises(MissingError, match=told):
            resolve(model(tmp_path / "bad.gguf"))


def test_settings_that_do_not_fit_a_file_are_refused(file: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match=r"model\.revision is 'v1', but model\.id is a file, which has one version"):
        resolve(model(file, revision="v1"))
    with monkeypatch.context() as patched:
        patched.setattr("har_llm.models.room.shutil.disk_usage", lambda path: type("Usage", (), {"free": 10.0}))
        with pytest.raises(MissingError, match=r"tiny\.gguf in float32 takes about .*, but .* make room, or set HF_HOME"):
            fetch(resolve(model(file)))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingError, match=r"with the package gguf, .*`pip install -e '\.\[gguf\]'`"):
        fetch(resolve(model(file)))
