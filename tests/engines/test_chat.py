"""Prompts in a model's own template and in tokens, and how long generations may become: the same for all engines."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from har_llm.common.errors import EngineError
from har_llm.engines.base import Decoding, LoadedModel, Request
from har_llm.engines.chat import ChatTokenizer, PromptEncoder
from har_llm.models import resolve
from har_llm.models.config import Sampling
from tests.composing import experiment

pytestmark = pytest.mark.slow  # importing Transformers for the tokenizer

DECODING = Decoding(Sampling(temperature=0.0, max_new_tokens=300), {"enable_thinking": True})


def student() -> Path:
    path = resolve.resolve(experiment("model=tiny_student").model).path
    assert path is not None
    return path


def encoder(path: Path, context: int | None = None) -> PromptEncoder:
    return PromptEncoder(LoadedModel(str(path), "tiny", "float32", context, False))


def request(text: str, decoding: Decoding = DECODING) -> Request:
    return Request(text, ({"role": "user", "content": text},), 1, decoding)


@pytest.mark.parametrize("context", [None, 310])
def test_a_limit_that_would_cut_a_generation_is_refused_and_says_what_fits(context: int | None) -> None:
    chat = encoder(student(), context)
    pairs, refused = chat.encode_all([request("kitchen"), request("kitchen stove on")])
    assert refused is None
    longest = max(len(ids) for _, ids in pairs) + 300 if context is None else context
    assert chat.longest(pairs, None) == chat.longest(pairs, longest) == longest
    with pytest.raises(EngineError, match=rf"max_model_len is {longest - 1}, which would cut .* to {longest} or"):
        chat.longest(pairs, longest - 1)


TODAY = {
    "llama": "{% if not date_string is defined %}{% set date_string = strftime_now('%d %b %Y') %}{% endif %}"
    "{{ date_string }}",
    "others": "{{ strftime_now('%d %b %Y') }}",
}


@pytest.mark.parametrize("template", TODAY.values(), ids=TODAY)
def test_a_template_that_writes_todays_date_writes_the_same_one_every_day(tmp_path: Path, template: str) -> None:
    shutil.copytree(student(), tmp_path / "model")
    (tmp_path / "model" / "chat_template.jinja").write_text(f"Today: {template}")
    chat = ChatTokenizer(tmp_path / "model", trust_remote_code=False)
    model = experiment("model=tiny_student").model
    options: list[dict[str, Any]] = [model.template_options(), {"enable_thinking": True}]
    for given in options:
        assert chat.render([{"role": "user", "content": "x"}], given) == "Today: 26 Jul 2024"


def test_a_template_gets_the_options_of_its_model(tmp_path: Path) -> None:
    shutil.copytree(student(), tmp_path / "model")
    (tmp_path / "model" / "chat_template.jinja").write_text("Effort: {{ reasoning_effort }}, {{ enable_thinking }}")
    model = experiment("model=tiny_student", "model.chat_template_kwargs={reasoning_effort:low}").model
    chat = ChatTokenizer(tmp_path / "model", trust_remote_code=False)
    assert chat.render([{"role": "user", "content": "x"}], model.template_options()) == "Effort: low, True"


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("{{ raise_exception('System role not supported') }}", "System role not supported. If it takes no system message"),
        ("{% for m in messages %}{{ m.content }", "unexpected '}'"),
        ("{{ nobody.knows.this }}", "'nobody' is undefined"),
        ("{{ messages.__class__.__mro__ }}", "unsafe"),
        ("{{ 1 // 0 }}", "integer division or modulo by zero"),
    ],
)
def test_a_template_that_fails_is_one_sentence(tmp_path: Path, template: str, reason: str) -> None:
    shutil.copytree(student(), tmp_path / "model")
    (tmp_path / "model" / "chat_template.jinja").write_text(template)
    chat = ChatTokenizer(tmp_path / "model", trust_remote_code=False)
    with pytest.raises(EngineError) as failure:
        chat.render([{"role": "system", "content": "x"}], {})
    assert reason in str(failure.value) and "does not take this prompt" in str(failure.value)


def test_a_template_that_does_not_end_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("har_llm.engines.chat.LONGEST_RENDERING_S", 0.2)
    shutil.copytree(student(), tmp_path / "model")
    template = "{% for a in range(90000) %}{% for b in range(90000) %}{% endfor %}{% endfor %}"
    (tmp_path / "model" / "chat_template.jinja").write_text(template)
    chat = ChatTokenizer(tmp_path / "model", trust_remote_code=False)
    with pytest.raises(EngineError, match=r"does not take this prompt: it takes longer than 0\.2 s\."):
        chat.render([{"role": "user", "content": "x"}], {})


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("{{ 'x' * 2**28 }}", "it takes more than 512 MiB of memory"),  # computed when it is compiled
        ("{{ messages[0].content * 10**12 }}", "it takes more than 512 MiB of memory"),
        (
            "{% set n = namespace(text='x') %}{% for _ in range(99) %}{% set n.text = n.text ~ n.text %}{% endfor %}",
            "it takes more than 512 MiB of memory",
        ),
        ("{{ 'x' * 2**24 }}y", "it makes 16,777,217 characters of it, and at most 4,194,304 are read"),
    ],
)
def test_a_template_that_writes_without_end_is_one_sentence(tmp_path: Path, template: str, reason: str) -> None:
    shutil.copytree(student(), tmp_path / "model")
    (tmp_path / "model" / "chat_template.jinja").write_text(template)
    chat = ChatTokenizer(tmp_path / "model", trust_remote_code=False)
    with pytest.raises(EngineError, match=f"does not take this prompt: {reason}."):
        chat.render([{"role": "user", "content": "x"}], {})


@pytest.mark.parametrize(
    ("tokenizer", "generation", "config", "ends"),
    [
        ("<|im_end|>", [0], 3, [2, 0]),
        ("<|im_end|>", 2, 3, [2]),
        ("<|im_end|>", None, 0, [2, 0]),
        ("<|im_end|>", "no file", [2, 0], [2, 0]),
        (None, [0, 2], 3, [0, 2]),
    ],
)
def test_both_end_tokens_end_a_generation(
    tmp_path: Path, tokenizer: str | None, generation: object, config: object, ends: list[int]
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(student(), folder)
    change(folder / "tokenizer_config.json", eos_token=tokenizer)
    change(folder / "config.json", eos_token_id=config)
    if generation == "no file":
        (folder / "generation_config.json").unlink()
    else:
        change(folder / "generation_config.json", eos_token_id=generation)
    assert ChatTokenizer(folder, trust_remote_code=False).ends == encoder(folder).ends == ends


def test_a_model_without_any_end_token_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(student(), folder)
    change(folder / "tokenizer_config.json", eos_token=None)
    for name in ("config.json", "generation_config.json"):
        change(folder / name, eos_token_id=None)
    with pytest.raises(EngineError, match=r"model names no token that ends a generation; set eos_token in its tokenizer_"):
        encoder(folder)


@pytest.mark.parametrize(
    ("file", "changes", "message"),
    [
        # makes tokenizers panic, with an exception that is no Exception
        (
            "tokenizer.json",
            {"normalizer": {"type": "Precompiled", "precompiled_charsmap": "AAAA"}},
            "The tokenizer in .* cannot be loaded: PanicException: Precompiled",
        ),
        ("tokenizer.json", {"added_tokens": 1}, "The tokenizer in .* cannot be loaded: "),
        (
            "generation_config.json",
            {"eos_token_id": "x"},
            "eos_token_id of the model in .* is 'x'; it must be",
        ),
        ("config.json", {"num_hidden_layers": "x"}, "The (tokenizer|model) in .* cannot be loaded: "),
    ],
)
def test_files_that_a_library_cannot_take_are_one_sentence(
    tmp_path: Path, file: str, changes: dict[str, object], message: str
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(student(), folder)
    change(folder / file, **changes)
    with pytest.raises(EngineError, match=message):
        encoder(folder)


def change(file: Path, **values: object) -> None:
    file.write_text(json.dumps({**json.loads(file.read_text()), **values}))
