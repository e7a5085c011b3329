"""A prompt as the text that a model reads: its chat template applied, with the tokens counted where possible."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from har_llm.common.errors import EngineError, HarError
from har_llm.data.records import Message
from har_llm.models import resolve
from har_llm.models.config import ModelConfig


@dataclass(frozen=True)
class RenderedPrompt:
    text: str
    length: str
    """ "345 tokens", or why the tokens are not known."""


def rendered_prompt(model: ModelConfig, messages: Sequence[Message]) -> RenderedPrompt:
    """With the model's own template where its tokenizer is at hand (nothing is downloaded), else the messages."""
    try:
        path = resolve.resolve(model).path
        reason = "it is not on this machine"
    except HarError as error:
        path, reason = None, str(error).split("\n")[0]
    if path is None:
        text = "\n\n".join(f"[{message['role']}]\n{message['content']}" for message in messages)
        return RenderedPrompt(text, f"tokens unknown, without {model.name}'s chat template: {reason}")
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(path, trust_remote_code=model.trust_remote_code, local_files_only=True)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EngineError(f"The tokenizer in {path} cannot be loaded: {str(error).strip().partition(chr(10))[0]}") from error
    if tokenizer.chat_template is None:
        raise EngineError(f"The model in {path} has no chat template; take one that is trained to follow a chat.")
    text = tokenizer.apply_chat_template(
        list(messages), tokenize=False, add_generation_prompt=True, **model.template_options()
    )
    tokens = len(tokenizer(text, add_special_tokens=False)["input_ids"])
    return RenderedPrompt(text, f"{tokens:,} tokens of {model.name}")
