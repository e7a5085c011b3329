from __future__ import annotations

import json
from pathlib import Path

import pytest

from har_llm.common.errors import ConfigError
from har_llm.models.chat_template import chat_template, check_reasoning, of_its_own
from har_llm.models.config import ModelConfig

PLAIN = "{% for message in messages %}<|im_start|>{{ message.content }}{% endfor %}"
REASONING = {
    "an option": PLAIN + "{% if enable_thinking is false %}x{% endif %}",
    "a mark that opens": PLAIN + "<think>\\n",
    "a mark that closes": "{{ message.content.split('</think>')[-1] }}",
    "other marks": PLAIN + "[THINK]",
}


def written(folder: Path, template: str, kind: str) -> Path:
    if kind.endswith("jinja"):
        (folder / kind).write_text(template)
    else:
        (folder / kind).write_text(json.dumps({"chat_template": template}))
    return folder


FILES = ("chat_template.jinja", "chat_template.json", "tokenizer_config.json")


@pytest.mark.parametrize("kind", FILES)
def test_a_model_whose_template_knows_no_reasoning_is_said_not_to_reason(tmp_path: Path, kind: str) -> None:
    folder = written(tmp_path, PLAIN, kind)
    with pytest.raises(
        ConfigError, match=r"model\.thinking is true for custom, but .*; set model\.thinking=false \(of a teacher"
    ):
        check_reasoning(ModelConfig(name="custom", id=str(folder)), folder)
    check_reasoning(ModelConfig(name="custom", id=str(folder), thinking=False), folder)
    check_reasoning(ModelConfig(name="custom", id=str(folder), reasoning_marks=["<scratch>", "</scratch>"]), folder)


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize("template", REASONING.values(), ids=REASONING)
def test_a_template_that_knows_of_reasoning_is_believed(tmp_path: Path, template: str, kind: str) -> None:
    folder = written(tmp_path, template, kind)
    check_reasoning(ModelConfig(name="custom", id=str(folder)), folder)


def test_templates_that_are_not_used_by_default_say_nothing(tmp_path: Path) -> None:
    """They are not known before a model of the hub is downloaded, so keys would be others afterwards."""
    folder = written(tmp_path, PLAIN, "chat_template.jinja")
    (folder / "additional_chat_templates").mkdir()
    (folder / "additional_chat_templates" / "reasoning.jinja").write_text("<think>")
    assert chat_template(folder) == PLAIN


def test_of_several_templates_one_may_know(tmp_path: Path) -> None:
    several = [{"name": "default", "template": PLAIN}, {"name": "reasoning", "template": "<think>"}]
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"chat_template": several}))
    assert chat_template(tmp_path) == f"{PLAIN}\n<think>"


@pytest.mark.parametrize("content", [None, "{", "[]", "{}", '{"chat_template": 3}', '{"chat_template": null}'])
def test_without_a_template_nothing_is_said(tmp_path: Path, content: str | None) -> None:
    """A tokenizer that has none is refused by the engines."""
    if content is not None:
        (tmp_path / "tokenizer_config.json").write_text(content)
    assert chat_template(tmp_path) is None
    check_reasoning(ModelConfig(name="custom", id=str(tmp_path)), tmp_path)


def tokenizer(folder: Path, *added: str, indent: int | None = None) -> None:
    held = {"model": {"vocab": {"a": 0, "b": 1}}, "added_tokens": [{"id": 2, "content": one} for one in added]}
    (folder / "tokenizer.json").write_text(json.dumps(held, indent=indent))


@pytest.mark.parametrize(
    ("template", "added", "told"),
    [
        (None, None, None),
        (PLAIN, ["<end>"], None),
        ("other", None, "a chat template unlike the model's; the model's is used"),
        (PLAIN, ["<end>", "<new>"], "a tokenizer unlike the model's; the model's is used"),
        ("other", ["<new>"], "a chat template and a tokenizer unlike the model's"),
    ],
)
def test_what_an_adapters_folder_has_of_its_own_is_said(
    tmp_path: Path, template: str | None, added: list[str] | None, told: str | None
) -> None:
    model, adapter = tmp_path / "model", tmp_path / "adapter"
    for folder in (model, adapter):
        folder.mkdir()
    written(model, PLAIN, "tokenizer_config.json")
    tokenizer(model, "<end>")
    if template is not None:
        written(adapter, template, "chat_template.jinja")
    if added is not None:
        tokenizer(adapter, *added, indent=1)  # as another version writes it
    said = of_its_own(adapter, model)
    assert said is None if told is None else said is not None and told in said
