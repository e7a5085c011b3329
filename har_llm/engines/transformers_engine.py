"""The engine that runs a model with Transformers; imports torch. `transformers_config` has its settings."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import astuple
from functools import partial
from typing import Any

import torch
from peft import PeftModel
from transformers import GenerationConfig, StoppingCriteria
from transformers import logging as transformers_logging

from har_llm.common.errors import EngineError
from har_llm.common.extra_args import with_extra
from har_llm.common.hardware import free_memory
from har_llm.engines.base import Adapter, Generation, LoadedModel, Request
from har_llm.engines.chat import PromptEncoder, loading
from har_llm.engines.continuous_batching import Choose, ContinuousBatch, Row, fits
from har_llm.engines.seeded_sampling import SeededSampling, drawn
from har_llm.engines.stop_strings import STOP_TOKENS, first_of
from har_llm.engines.transformers_config import TransformersEngineConfig
from har_llm.engines.weights import FIXED, Outline, load_model
from har_llm.models.config import DTYPES, Sampling
from har_llm.models.footprint import cache_values_of

Asked = tuple[Request, list[int]]
"""A request, and its prompt in tokens."""


class TransformersEngine:
    """Loads the model when it is made. Raises EngineError if its files cannot be loaded."""

    def __init__(self, config: TransformersEngineConfig, model: LoadedModel):
        transformers_logging.disable_progress_bar()
        self._config, self._files = config, model
        self._device = _device(config.device)
        self._chat = PromptEncoder(model)
        self._tokenizer = self._chat.tokenizer
        with loading(f"The model in {model.path} cannot be loaded"):
            self._model = _load(model, config.extra_args).to(self._device).eval()
        self._ends = self._chat.ends
        # Otherwise `generate` would take defaults such as a repetition penalty from the model's file; conf/model decides.
        self._model.generation_config = GenerationConfig()
        pad = self._tokenizer.pad_token_id
        self._pad: int = pad if pad is not None else self._ends[0]
        # Bytes of the key-value cache for a token.
        self._cache_bytes = cache_values_of(self._model.config.get_text_config()) * DTYPES[model.dtype]
        self._rows_can_change = fits(self._model, self._device)
        self._adapters: set[Adapter] = set()

    def generate(self, requests: Sequence[Request]) -> Iterator[Generation]:
        # All requests of a batch share the active adapter and the sampling settings.
        kinds: dict[Any, list[Request]] = {}
        for request in requests:
            kinds.setdefault((request.adapter, astuple(request.decoding.sampling)), []).append(request)
        errors = []
        for (adapter, _), alike in kinds.items():
            try:  # a prompt that is too long, or an adapter that cannot be loaded, fails only its own requests
                with self._with_adapter(adapter):
                    yield from self._generate(alike)
            except EngineError as error:
                errors.append(error)
        if errors:
            raise errors[0]

    def _generate(self, alike: Sequence[Request]) -> Iterator[Generation]:
        pairs, refused = self._chat.encode_all(alike)
        # Longest first: prompts of similar length share a batch, and a lack of memory shows at once, not after hours.
        left = {request.key: (request, ids) for request, ids in sorted(pairs, key=lambda pair: -len(pair[1]))}
        size = self._config.batch_size
        while left:
            try:
                for generation in self._written(list(left.values()), size):
                    del left[generation.key]
                    yield generation
            except torch.cuda.OutOfMemoryError:
                torch.cuda.empty_cache()
                if size == 1:
                    longest = max(len(ids) for _, ids in left.values())
                    raise EngineError(
                        f"Out of GPU memory with a single prompt of {longest} tokens; lower model.sampling.max_new_tokens "
                        f"or take a smaller model."
                    ) from None
                size //= 2
        if refused is not None:
            raise refused

    def _written(self, asked: Sequence[Asked], most: int) -> Iterator[Generation]:
        """Their generations, at most `most` of them at a time."""
        return self._by_row(asked, most) if self._rows_can_change else self._by_batch(asked, most)

    def _by_row(self, asked: Sequence[Asked], most: int) -> Iterator[Generation]:
        sampling = asked[0][0].decoding.sampling
        batch = ContinuousBatch(self._model, choosing(sampling), [ids for _, ids in asked], self._device)
        rows = [self._row(place, *pair) for place, pair in enumerate(asked)]
        for number, row in enumerate(batch.run(rows, self._fitting(asked[:most], copies=2))):  # the old rows and the new
            request, prompt = asked[row.place]
            text, reason, tokens = self._finished(row.ids, request.stop)
            cached = batch.shared if number else 0
            yield Generation(request.key, text, reason, len(prompt), tokens, row.seconds, cached)

    def _row(self, place: int, request: Request, prompt: Sequence[int]) -> Row:
        chance = None if request.decoding.sampling.greedy else torch.Generator().manual_seed(request.seed)
        ended = partial(self._ended, request.stop)
        return Row(place, prompt, self._chat.new_tokens(request, len(prompt)), ended, chance)

    def _ended(self, stop: Sequence[str], ids: Sequence[int]) -> bool:
        return ids[-1] in self._ends or (
            bool(stop) and first_of(stop, self._tokenizer.decode(ids[-STOP_TOKENS:])) is not None
        )

    def _by_batch(self, asked: Sequence[Asked], most: int) -> Iterator[Generation]:
        while asked:
            batch, started = asked[: self._fitting(asked[:most])], time.monotonic()
            written = self._batch(*zip(*batch, strict=True))
            seconds = (time.monotonic() - started) / len(batch)
            for (request, prompt), (text, reason, tokens) in zip(batch, written, strict=True):
                yield Generation(request.key, text, reason, len(prompt), tokens, seconds)
            asked = asked[len(batch) :]

    def close(self) -> None:
        """Nothing to do: the memory is freed when the worker process ends."""

    @contextmanager
    def _with_adapter(self, adapter: Adapter | None) -> Iterator[None]:
        """Activate this adapter, or none."""
        if adapter is None and not self._adapters:
            yield
        elif adapter is None:
            with self._model.disable_adapter():
                yield
        else:
            self._load_adapter(adapter)
            self._model.set_adapter(adapter.name)
            yield

    def _load_adapter(self, adapter: Adapter) -> None:
        if adapter in self._adapters:
            return
        Outline(self._files.path, trust_remote_code=self._files.trust_remote_code).check_adapter(adapter.path)
        with loading(f"The adapter in {adapter.path} cannot be loaded"):
            if self._adapters:
                self._model.load_adapter(adapter.path, adapter_name=adapter.name)
            else:
                self._model = PeftModel.from_pretrained(self._model, adapter.path, adapter_name=adapter.name).eval()
        self._adapters.add(adapter)

    def _fitting(self, asked: Sequence[Asked], copies: int = 1) -> int:
        """How many of these requests fit into memory together, so many times; at least one."""
        if not self._cache_bytes:
            return len(asked)
        budget = self._config.memory_share * _free(self._device)
        longest = max(len(prompt) + self._chat.new_tokens(request, len(prompt)) for request, prompt in asked)
        return max(1, min(len(asked), int(budget // (copies * longest * self._cache_bytes))))

    @torch.inference_mode()  # type: ignore[untyped-decorator]
    def _batch(self, requests: Sequence[Request], prompts: Sequence[list[int]]) -> list[tuple[str, str, int]]:
        longest = max(len(prompt) for prompt in prompts)
        ids = torch.full((len(prompts), longest), self._pad)
        mask = torch.zeros_like(ids)
        for row, prompt in enumerate(prompts):
            ids[row, longest - len(prompt) :] = torch.tensor(prompt)
            mask[row, longest - len(prompt) :] = 1
        limits = [self._chat.new_tokens(request, len(prompt)) for request, prompt in zip(requests, prompts, strict=True)]
        sampling = requests[0].decoding.sampling
        stops = [request.stop for request in requests]
        processors = [] if sampling.greedy else [SeededSampling(sampling, [request.seed for request in requests])]
        output = self._model.generate(
            input_ids=ids.to(self._device),
            attention_mask=mask.to(self._device),
            generation_config=GenerationConfig(
                do_sample=False,  # SeededSampling draws the token and leaves no other, so greedy search takes it
                max_new_tokens=max(limits),
                eos_token_id=self._ends,
                pad_token_id=self._pad,
            ),
            logits_processor=processors,
            stopping_criteria=[StopStrings(self._tokenizer, stops, longest)] if any(stops) else [],
        )
        rows = output[:, longest:].tolist()
        return [self._finished(row[:limit], stop) for row, limit, stop in zip(rows, limits, stops, strict=True)]

    def _finished(self, ids: list[int], stop: Sequence[str]) -> tuple[str, str, int]:
        """Text, finish reason and token count (the end token included) of one row."""
        end = next((place for place, token in enumerate(ids) if token in self._ends), None)
        text: str = self._tokenizer.decode(ids[:end])
        if (cut := first_of(stop, text)) is not None:
            holding = partial(self._holds, ids, stop)
            return text[:cut], "ran_on", bisect_left(range(len(ids)), True, key=holding)
        return (text, "length", len(ids)) if end is None else (text, "stop", end + 1)

    def _holds(self, ids: list[int], stop: Sequence[str], count: int) -> bool:
        """Whether a stop string is in the text of the first tokens."""
        return first_of(stop, self._tokenizer.decode(ids[:count])) is not None


def choosing(sampling: Sampling) -> Choose:
    if sampling.greedy:
        return lambda scores, rows: scores.argmax(-1)
    return lambda scores, rows: drawn(scores, sampling, [row.chance for row in rows if row.chance is not None])


def _device(name: str) -> torch.device:
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda" and not torch.cuda.is_available():
        raise EngineError("engine.device is 'cuda', but PyTorch finds no GPU here; set engine.device=cpu or auto.")
    return torch.device(name)


def _free(device: torch.device) -> float:
    """Free bytes, including those that PyTorch holds in reserve."""
    if device.type == "cpu":
        return free_memory("cpu")
    return float(torch.cuda.mem_get_info()[0] + torch.cuda.memory_reserved() - torch.cuda.memory_allocated())


def _load(model: LoadedModel, extra_args: Mapping[str, Any]) -> Any:
    own = {**FIXED, "dtype": getattr(torch, model.dtype), "trust_remote_code": model.trust_remote_code}
    try:
        # from_pretrained also takes the fields of the model's configuration, so its arguments cannot be listed.
        arguments = with_extra(own, extra_args, (), "from_pretrained", "engine.extra_args")
        return load_model(model.path, **arguments)
    except TypeError as error:
        if extra_args:
            raise EngineError(
                f"engine.extra_args is {dict(extra_args)}, which from_pretrained does not take: {error}."
            ) from None
        raise


class StopStrings(StoppingCriteria):  # type: ignore[misc]
    """Ends each row at its own stop strings. Transformers' own criterion ends every row at those of all."""

    def __init__(self, tokenizer: Any, stops: Sequence[Sequence[str]], prompt: int):
        """`prompt`: the number of tokens of the padded prompts."""
        self._tokenizer, self._stops, self._prompt = tokenizer, stops, prompt

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor, **kwargs: Any) -> torch.BoolTensor:
        written = input_ids[:, self._prompt :][:, -STOP_TOKENS:].tolist()
        ended = [
            bool(stop) and first_of(stop, self._tokenizer.decode(ids)) is not None
            for ids, stop in zip(written, self._stops, strict=True)
        ]
        return torch.tensor(ended, device=input_ids.device)
