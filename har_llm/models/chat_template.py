"""A model's chat template, read from its files without a tokenizer, and whether it knows of reasoning."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from har_llm.common.errors import ConfigError
from har_llm.common.files import read_bounded
from har_llm.models import gguf
from har_llm.models.config import ModelConfig

FILES = ("chat_template.jinja", "chat_template.json", "tokenizer_config.json")
"""The files of a model that may hold its template. Those in a folder, additional_chat_templates, are not used by default."""
TOKENIZER = "tokenizer.json"
OPTION = "enable_thinking"
"""The option of chat templates that asks for reasoning, or for none."""


def chat_template(folder: Path) -> str | None:
    """The text of the template in a model's folder or GGUF file, of several all; None if there is none."""
    if folder.suffix == gguf.ENDING and folder.is_file():
        return gguf.read_header(folder).chat_template
    found = []
    jinja, *held_in = (folder / name for name in FILES)
    with suppress(OSError, ValueError):
        found.append(read_bounded(jinja).decode())
    for file in held_in:
        with suppress(OSError, ValueError, LookupError, TypeError, RecursionError):
            held = json.loads(read_bounded(file))["chat_template"]
            found += [held] if isinstance(held, str) else [one["template"] for one in held]
    return "\n".join(found) or None


def of_its_own(adapter: Path, model: Path) -> str | None:
    """A sentence if an adapter's folder has another chat template or tokenizer than the model's, which engines use."""
    texts = chat_template(adapter), chat_template(model)
    tokens = _tokens(adapter), _tokens(model)
    differs = [
        what for what, (own, its) in (("chat template", texts), ("tokenizer", tokens)) if own is not None and own != its
    ]
    if not differs:
        return None
    return (
        f"the adapter's folder {adapter} has a {' and a '.join(differs)} unlike the model's; the model's is used, as vLLM "
        f"does. For an adapter that was trained with its own, set model.id to a copy of the model's folder with these files."
    )


def _tokens(folder: Path) -> tuple[Any, list[str]] | None:
    """A tokenizer's vocabulary and added tokens; None where there is none."""
    with suppress(OSError, ValueError, LookupError, TypeError, RecursionError):
        held = json.loads(read_bounded(folder / TOKENIZER))
        return held["model"]["vocab"], [one["content"] for one in held["added_tokens"]]
    return None


def check_reasoning(model: ModelConfig, folder: Path) -> None:
    """Raise ConfigError if a model is said to reason whose template knows nothing of it, and no marks of it are set.

    All its answers would be taken for reasoning that never ends. A model that reasons though its template does not say so
    writes both marks itself, and is parsed rightly with model.thinking=false.
    """
    if not model.thinking or model.reasoning_marks is not None:
        return
    template, marks = chat_template(folder), model.marks
    if template is None or OPTION in template or marks.opens.search(template) or marks.closes.search(template):
        return
    raise ConfigError(
        f"model.thinking is true for {model.name}, but its chat template has neither the option {OPTION} nor a mark of "
        f"reasoning such as <think>: it does not reason, and its answers would be taken for reasoning that never ends; set "
        f"model.thinking=false (of a teacher: lora.teacher.thinking=false), or name its marks in model.reasoning_marks."
    )
