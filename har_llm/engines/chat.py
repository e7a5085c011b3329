"""Chat messages as the tokens that a model is sent; shared by the engines that run models here. Imports Transformers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from transformers import AutoConfig, AutoTokenizer

from har_llm.common.errors import EngineError, first_line
from har_llm.engines.base import LoadedModel, Request

DEFAULT_CONTEXT = 4096
"""For models that do not say how many tokens they can read, where model.context is not set either."""


class ChatTokenizer:
    """A model's tokenizer with its chat template. Raises EngineError when there is none."""

    def __init__(self, model: LoadedModel):
        try:
            self.tokenizer: Any = AutoTokenizer.from_pretrained(
                model.path, padding_side="left", trust_remote_code=model.trust_remote_code
            )
            shape = AutoConfig.from_pretrained(model.path, trust_remote_code=model.trust_remote_code).get_text_config()
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            raise EngineError(f"The model in {model.path} cannot be loaded: {first_line(error)}") from error
        if self.tokenizer.chat_template is None:
            raise EngineError(f"The model in {model.path} has no chat template; take one that is trained to follow a chat.")
        own = getattr(shape, "max_position_embeddings", None) or DEFAULT_CONTEXT
        self.context: int = model.context or own

    def encode(self, request: Request) -> list[int]:
        """The prompt's tokens, with the mark after which the model writes. Raises EngineError for one that is too long."""
        text = self.tokenizer.apply_chat_template(
            list(request.messages), tokenize=False, add_generation_prompt=True, **request.decoding.template_options
        )
        ids: list[int] = self.tokenizer(text, add_special_tokens=False)["input_ids"]
        if len(ids) >= self.context:
            raise EngineError(
                f"A prompt has {len(ids)} tokens, but the model's context is {self.context}; use smaller windows "
                f"(window.events) or a shorter prompt."
            )
        return ids

    def encode_all(self, requests: Sequence[Request]) -> tuple[list[tuple[Request, list[int]]], EngineError | None]:
        """The requests with their tokens, and why some of them cannot be sent: to be raised once the others are done."""
        pairs, refused = [], None
        for request in requests:
            try:
                pairs.append((request, self.encode(request)))
            except EngineError as error:
                refused = refused or error
        return pairs, refused

    def new_tokens(self, request: Request, prompt_tokens: int) -> int:
        """Most tokens that may be written after a prompt of this length."""
        return min(request.decoding.sampling.max_new_tokens, self.context - prompt_tokens)
