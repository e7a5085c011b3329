"""The engine that runs a GGUF file with llama.cpp; imports llama_cpp. `llama_cpp_config` has its settings.

One window at a time. What a prompt has in common with the one before, which is all but its events, is not computed again.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from inspect import signature
from pathlib import Path
from typing import Any

import llama_cpp
from llama_cpp.llama_chat_format import Jinja2ChatFormatter
from llama_cpp.llama_grammar import LlamaGrammar

from har_llm.common.environment import cores
from har_llm.common.errors import EngineError
from har_llm.common.extra_args import with_extra
from har_llm.engines.base import Generation, LoadedModel, Request
from har_llm.engines.chat import loading, rendered, rendering_limits
from har_llm.engines.llama_cpp_config import LlamaCppEngineConfig
from har_llm.engines.prompt_lookup import PromptLookup
from har_llm.engines.stop_strings import STOP_TOKENS, first_of
from har_llm.models.config import PROMPT_DATE
from har_llm.models.gguf import Header, read_header
from har_llm.models.reasoning import marks_of

DEFAULT_CONTEXT = 4096
"""For files that name no number of tokens, where model.context is not set either."""
STEP = 256
"""llama.cpp makes room for a multiple of so many tokens."""
SEEDS = 2**32 - 1
"""llama.cpp's seeds are below; this one stands for any."""


class LlamaCppEngine:
    """Reads the file's vocabulary when it is made, and its weights when it knows how long the texts may be.

    Raises EngineError if it cannot be loaded.
    """

    def __init__(self, config: LlamaCppEngineConfig, model: LoadedModel):
        self._config, self._files = config, model
        header = read_header(Path(model.path))
        self._context = model.context or header.values.get(f"{header.architecture}.context_length") or DEFAULT_CONTEXT
        self._marks = marks_of(model.reasoning_marks)
        _check_templates(model.path, header)
        self._llama: Any = self._opened(vocab_only=True)
        self._format = _formatter(header, self._llama)
        self._held: list[int] = []
        """The tokens whose keys and values are kept."""
        self._room = 0
        """Most tokens of a text for which the weights are loaded."""

    def generate(self, requests: Sequence[Request]) -> Iterator[Generation]:
        pairs, refused = [], None
        for request in requests:
            try:
                pairs.append((request, self._encode(request)))
            except EngineError as error:
                refused = refused or error
        if pairs:
            self._make_room(max(len(prompt) + self._new_tokens(request, len(prompt)) for request, prompt in pairs))
        for request, prompt in pairs:
            yield self._written(request, prompt)
        if refused is not None:
            raise refused

    def close(self) -> None:
        self._llama.close()

    def _opened(self, **settings: Any) -> Any:
        config = self._config
        own = {
            "model_path": self._files.path,
            "n_threads": config.n_threads or cores(),
            "n_batch": config.n_batch,
            "n_gpu_layers": config.n_gpu_layers,
            "verbose": False,
            **settings,
        }
        own["n_threads_batch"] = own["n_threads"]
        if config.num_pred_tokens and "vocab_only" not in settings:
            own["draft_model"] = PromptLookup(config.max_ngram_size, config.num_pred_tokens, self._text_of)
        arguments = with_extra(
            own, config.extra_args, signature(llama_cpp.Llama).parameters, "llama_cpp.Llama", "engine.extra_args"
        )
        with loading(f"The model in {self._files.path} cannot be loaded by llama.cpp"):
            return _Llama(**arguments)

    def _make_room(self, tokens: int) -> None:
        """Load the weights, with room for texts of so many tokens."""
        if tokens > self._room:
            self._llama.close()
            self._llama = self._opened(n_ctx=STEP * math.ceil(tokens / STEP))
            self._held, self._room = [], tokens

    def _encode(self, request: Request) -> list[int]:
        """The prompt's tokens. Raises EngineError for one that is too long, or that the chat template does not take."""
        options = request.decoding.template_options
        text = rendered(self._files.path, lambda: self._format(messages=list(request.messages), **options).prompt)
        ids: list[int] = self._llama.tokenize(text.encode(), add_bos=False, special=True)
        if len(ids) >= self._context:
            raise EngineError(
                f"A prompt has {len(ids)} tokens, but the model's context is {self._context}; use smaller windows "
                f"(window.events) or a shorter prompt."
            )
        return ids

    def _new_tokens(self, request: Request, prompt_tokens: int) -> int:
        return min(request.decoding.sampling.max_new_tokens, self._context - prompt_tokens)

    def _written(self, request: Request, prompt: list[int]) -> Generation:
        if not self._config.cache_prompt:
            self._llama.reset()
            self._held = []
        started, cached = time.monotonic(), _common(self._held, prompt)
        ids, text, reason = self._text(request, prompt)
        self._held = prompt + ids
        seconds = time.monotonic() - started
        return Generation(request.key, text, reason, len(prompt), len(ids) + (reason == "stop"), seconds, cached)

    def _text(self, request: Request, prompt: list[int]) -> tuple[list[int], str, str]:
        """The tokens, without the one that ends them, the text and the finish reason of a generation."""
        ids: list[int] = []
        for token in self._tokens(request, prompt, ids):
            if llama_cpp.llama_vocab_is_eog(llama_cpp.llama_model_get_vocab(self._llama.model), token):
                return ids, self._decoded(ids), "stop"
            ids.append(token)
            if request.stop and (cut := first_of(request.stop, self._decoded(ids[-STOP_TOKENS:]))) is not None:
                text = self._decoded(ids)
                return ids, text[: len(text) - len(self._decoded(ids[-STOP_TOKENS:])) + cut], "ran_on"
            if len(ids) == self._new_tokens(request, len(prompt)):
                break
        return ids, self._decoded(ids), "length"

    def _tokens(self, request: Request, prompt: list[int], written: list[int]) -> Iterator[int]:
        """The tokens as they are drawn. `written`: what the caller has kept of them. A grammar holds for the answer alone:
        from where the reasoning is closed."""
        self._llama.set_seed(request.seed % SEEDS)
        if request.grammar is None or request.decoding.template_options.get("enable_thinking"):
            for token in self._drawn(request, prompt):
                yield token
                if request.grammar is not None and self._marks.closes.search(self._decoded(written[-STOP_TOKENS:])):
                    break
            else:
                return
        if request.grammar is not None:
            grammar = LlamaGrammar.from_string(request.grammar, verbose=False)
            yield from self._drawn(request, prompt + written, grammar)

    def _drawn(self, request: Request, tokens: list[int], grammar: Any = None) -> Iterator[int]:
        sampling = request.decoding.sampling
        return iter(
            self._llama.generate(
                tokens,
                top_k=sampling.top_k,
                top_p=sampling.top_p,
                min_p=sampling.min_p,
                temp=sampling.temperature,
                repeat_penalty=1.0,
                grammar=grammar,
            )
        )

    def _text_of(self, token: int) -> str:
        return self._decoded([token])

    def _decoded(self, ids: list[int]) -> str:
        text: bytes = self._llama.detokenize(ids, special=True)
        return text.decode("utf-8", errors="replace")


class _Llama(llama_cpp.Llama):  # type: ignore[misc]
    def eval(self, tokens: Sequence[int]) -> None:
        """Compute tokens. With a draft model Llama itself asks for the logits after every token of a prompt too, and keeps a
        copy: much time and memory of a small model. They are read after guesses only."""
        self._ctx.kv_cache_seq_rm(-1, self.n_tokens, -1)
        guessed = self.draft_model is not None and len(tokens) <= self.draft_model.most + 1
        for start in range(0, len(tokens), self.n_batch):
            batch = tokens[start : start + self.n_batch]
            self._batch.set_batch(batch=batch, n_past=self.n_tokens, logits_all=guessed)
            self._ctx.decode(self._batch)
            self.input_ids[self.n_tokens : self.n_tokens + len(batch)] = batch
            self.n_tokens += len(batch)
            self._requires_eval = False


class _Formatter(Jinja2ChatFormatter):  # type: ignore[misc]
    """The template as Transformers renders it, with one date on every day."""

    strftime_now = staticmethod(PROMPT_DATE.strftime)


def _check_templates(path: str, header: Header) -> None:
    """Raise EngineError for a chat template that fails, or goes beyond the limits, when it is compiled, as llama_cpp.Llama
    does with all of a file: constants such as 'x' * 10**10 are computed then."""
    for name, template in header.values.items():
        if name.startswith("tokenizer.chat_template"):
            with loading(f"The chat template of {path} cannot be read"), rendering_limits():
                _Formatter(str(template), "", "")


def _formatter(header: Header, llama: Any) -> _Formatter:
    eos, bos = (
        "" if token < 0 else llama.detokenize([token], special=True).decode("utf-8", errors="replace")
        for token in (llama.token_eos(), llama.token_bos())
    )
    return _Formatter(header.chat_template or "", eos, bos)


def _common(one: Sequence[int], other: Sequence[int]) -> int:
    """How many tokens two sequences begin with alike."""
    pairs = zip(one, other, strict=False)
    return next((place for place, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))
