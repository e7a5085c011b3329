"""Renders chat messages as a model's prompt, in text and in tokens. Transformers is imported when a tokenizer is loaded."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from har_llm.common.errors import EngineError, HarError, first_line
from har_llm.common.limits import limits
from har_llm.data.records import Message
from har_llm.engines.base import LoadedModel, Request
from har_llm.models import resolve
from har_llm.models.config import PROMPT_DATE, ModelConfig

DEFAULT_CONTEXT = 4096
"""For models whose configuration names no number of tokens, where model.context is not set either."""
LONGEST_RENDERING_S = 20.0
"""A template takes milliseconds; one with loops in loops may take years."""
MOST_RENDERING_MEMORY = 2**29
"""Bytes; a template takes as much as its text."""
LONGEST_PROMPT = 2**22
"""Characters; a tokenizer takes hundreds of bytes for each, and no context holds as many."""
PANIC = "PanicException"
"""How libraries that are written in Rust (tokenizers, safetensors) fail on what they do not expect. It derives from
BaseException and is known only by its name."""


@contextlib.contextmanager
def loading(failure: str) -> Iterator[None]:
    """Raise EngineError, which begins with `failure`, for whatever a library raises inside the block: files may be missing,
    damaged, of an unknown kind, or need another package."""
    try:
        yield
    except HarError:
        raise
    except BaseException as error:
        if not isinstance(error, Exception) and type(error).__name__ != PANIC:
            raise
        kind = "" if isinstance(error, OSError | ValueError | RuntimeError | ImportError) else f"{type(error).__name__}: "
        raise EngineError(f"{failure}: {kind}{first_line(error)}") from error


def rendering_limits() -> contextlib.AbstractContextManager[None]:
    """The limits on a chat template's time and memory, also when it is compiled. TimeoutError and MemoryError say so."""
    return limits(LONGEST_RENDERING_S, MOST_RENDERING_MEMORY)


def rendered(owner: str, render: Callable[[], str], hint: str = "") -> str:
    """The text that a chat template makes of a prompt, within limits of time, memory and length. `owner`: whose it is.

    Raises EngineError, which ends with `hint`, if the template fails or goes beyond them: it is a program of the model's
    makers.
    """
    try:
        with rendering_limits():
            text = render()
        if len(text) > LONGEST_PROMPT:
            raise ValueError(f"it makes {len(text):,} characters of it, and at most {LONGEST_PROMPT:,} are read")
    except Exception as error:
        raise EngineError(f"The chat template of {owner} does not take this prompt: {first_line(error)}.{hint}") from None
    return text


class ChatTokenizer:
    """A model's tokenizer with its chat template, used for generation, for training and to show prompts."""

    def __init__(self, path: str | Path, *, trust_remote_code: bool):
        """Raises EngineError when `path` holds no tokenizer, or one without a chat template. Downloads nothing."""
        from transformers import AutoTokenizer

        self._path, self._trusts = path, trust_remote_code
        with loading(f"The tokenizer in {path} cannot be loaded"):
            self.tokenizer: Any = AutoTokenizer.from_pretrained(
                path, trust_remote_code=trust_remote_code, local_files_only=True
            )
        if self.tokenizer.chat_template is None:
            raise EngineError(f"The model in {path} has no chat template; take one that is trained to follow a chat.")

    def render(self, messages: Sequence[Message], template_options: Mapping[str, Any]) -> str:
        """The prompt as text, up to the token after which the model begins. A template that asks for today's date gets
        PROMPT_DATE. Raises EngineError if the template fails, as some do for a system message, or does not end."""
        own = {"strftime_now": PROMPT_DATE.strftime, **template_options}
        system = any(message["role"] == "system" for message in messages)
        return rendered(
            f"the model in {self._path}",
            lambda: self.tokenizer.apply_chat_template(list(messages), tokenize=False, add_generation_prompt=True, **own),
            " If it takes no system message, set prompt.system='' of a prompt chosen by name, as in prompt=direct."
            if system
            else "",
        )

    def tokens(self, text: str) -> list[int]:
        """The token ids of a text; no special token is added before or after it."""
        with loading(f"The tokenizer in {self._path} cannot divide a text into tokens"):
            ids: list[int] = self.tokenizer(text, add_special_tokens=False)["input_ids"]
        return ids

    @cached_property
    def ends(self) -> list[int]:
        """The tokens that end a generation, in every engine. Training examples end with the first of them.

        The tokenizer's comes first, then those of generation_config.json or, where that names none, of config.json. Raises
        EngineError if there is none at all.
        """
        from transformers import GenerationConfig

        own = self.tokenizer.eos_token_id
        named = None
        with loading(f"The generation_config.json in {self._path} cannot be read"), contextlib.suppress(OSError):  # no file
            named = GenerationConfig.from_pretrained(self._path, local_files_only=True).eos_token_id
        if named is None:
            named = getattr(_text_config(self._path, self._trusts), "eos_token_id", None)
        others = [] if named is None else named if isinstance(named, list) else [named]
        if not all(type(end) is int for end in others):
            raise EngineError(
                f"eos_token_id of the model in {self._path} is {named!r}; it must be a token's number, or several."
            )
        ends = list(dict.fromkeys([own, *others] if own is not None else others))
        if not ends:
            raise EngineError(
                f"The model in {self._path} names no token that ends a generation; set eos_token in its "
                f"tokenizer_config.json."
            )
        return ends


def readable_tokens(path: str | Path, *, trust_remote_code: bool) -> int | None:
    """Most tokens of a model's context, as its own configuration says. Raises EngineError if there is no model in `path`."""
    return getattr(_text_config(path, trust_remote_code), "max_position_embeddings", None) or None


def _text_config(path: str | Path, trust_remote_code: bool) -> Any:
    from transformers import AutoConfig

    with loading(f"The model in {path} cannot be loaded"):
        config = AutoConfig.from_pretrained(path, trust_remote_code=trust_remote_code, local_files_only=True)
        return config.get_text_config()


class PromptEncoder:
    """Turns requests into tokens for a loaded model, and says how many tokens it may add to them."""

    def __init__(self, model: LoadedModel):
        """Raises EngineError when the model's tokenizer or configuration cannot be loaded."""
        self._chat = ChatTokenizer(model.path, trust_remote_code=model.trust_remote_code)
        self.tokenizer, self.ends = self._chat.tokenizer, self._chat.ends
        own = readable_tokens(model.path, trust_remote_code=model.trust_remote_code)
        self.context: int = model.context or own or DEFAULT_CONTEXT

    def encode(self, request: Request) -> list[int]:
        """The prompt's tokens. Raises EngineError for one that is too long."""
        ids = self._chat.tokens(self._chat.render(request.messages, request.decoding.template_options))
        if not ids:
            raise EngineError("The model's tokenizer makes no token of a prompt; get the model's files again.")
        if len(ids) >= self.context:
            raise EngineError(
                f"A prompt has {len(ids)} tokens, but the model's context is {self.context}; use smaller windows "
                f"(window.events) or a shorter prompt."
            )
        return ids

    def tokens(self, text: str) -> list[int]:
        """The token ids of a text."""
        return self._chat.tokens(text)

    def encode_all(self, requests: Sequence[Request]) -> tuple[list[tuple[Request, list[int]]], EngineError | None]:
        """The requests with their tokens, and the error of those that are too long, to be raised after the rest."""
        pairs, refused = [], None
        for request in requests:
            try:
                pairs.append((request, self.encode(request)))
            except EngineError as error:
                refused = refused or error
        return pairs, refused

    def new_tokens(self, request: Request, prompt_tokens: int) -> int:
        """Most tokens that may be generated after a prompt of this length."""
        return min(request.decoding.sampling.max_new_tokens, self.context - prompt_tokens)

    def longest(self, pairs: Sequence[tuple[Request, list[int]]], most: int | None) -> int:
        """Most tokens of a prompt and its generation together.

        Raises EngineError if they are more than `most` (engine.max_model_len), which would cut generations unnoticed: no
        key has it.
        """
        lengths = [(len(ids), self.new_tokens(request, len(ids))) for request, ids in pairs]
        prompt, new = max(lengths, key=sum)
        if most is not None and prompt + new > most:
            raise EngineError(
                f"engine.max_model_len is {most}, which would cut generations: a prompt has {prompt} tokens and its "
                f"generation may have {new}. Set engine.max_model_len to {prompt + new} or more, or to null, or lower "
                f"model.sampling.max_new_tokens."
            )
        return prompt + new


class RenderedPrompt(NamedTuple):
    text: str
    length: str
    """ "345 tokens of NAME", or why the tokens are not known."""


def rendered_prompt(model: ModelConfig, messages: Sequence[Message]) -> RenderedPrompt:
    """The messages in the model's own template if its tokenizer is on this machine, else as they are. Downloads nothing.

    Raises EngineError for a tokenizer that is there and cannot be used.
    """
    try:
        found = resolve.resolve(model)
        path, reason = found.path, "it is not on this machine" if found.absent else "its GGUF file is read at its first run"
    except HarError as error:
        path, reason = None, str(error).split("\n")[0]
    if path is None:
        text = "\n\n".join(f"[{message['role']}]\n{message['content']}" for message in messages)
        return RenderedPrompt(text, f"tokens unknown, without {model.name}'s chat template: {reason}")
    chat = ChatTokenizer(path, trust_remote_code=model.trust_remote_code)
    text = chat.render(messages, model.template_options())
    return RenderedPrompt(text, f"{len(chat.tokens(text)):,} tokens of {model.name}")
