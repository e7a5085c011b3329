"""The engine that runs a model with vLLM; imports vllm. Its settings are in `vllm_config`.

vLLM starts with the first requests, because they say how long a sequence may become and which adapters there are.
"""

from __future__ import annotations

import dataclasses
import json
import os
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from har_llm.common.errors import EngineError, LoggedError, first_line
from har_llm.common.extra_args import with_extra
from har_llm.common.hardware import has_gpu
from har_llm.common.process import log_so_far
from har_llm.engines.base import FINISH_REASONS, Adapter, Generation, LoadedModel, Request
from har_llm.engines.chat import PromptEncoder
from har_llm.engines.time_shares import TimeShares
from har_llm.engines.vllm_config import VllmEngineConfig
from har_llm.engines.vllm_failures import is_memory, reason
from har_llm.engines.weights import Outline
from har_llm.models.adapters import ADAPTER_FILES
from har_llm.models.chat_template import chat_template
from har_llm.models.checkpoint import OF_IMAGES
from har_llm.models.reasoning import marks_of

# Read when vLLM is imported. What the user has set stays.
os.environ.setdefault("VLLM_NO_USAGE_STATS", "1")
if not has_gpu():
    os.environ.setdefault("VLLM_ENABLE_V1_MULTIPROCESSING", "0")

from vllm import SamplingParams
from vllm.config import LoRAConfig, StructuredOutputsConfig
from vllm.engine.arg_utils import EngineArgs
from vllm.exceptions import VLLMClientError, VLLMServerError
from vllm.lora.peft_helper import PEFTHelper
from vllm.lora.request import LoRARequest
from vllm.sampling_params import RepetitionDetectionParams, RequestOutputKind, StructuredOutputsParams
from vllm.usage.usage_lib import UsageContext
from vllm.v1.engine.core_client import SyncMPClient
from vllm.v1.engine.llm_engine import LLMEngine

from har_llm.engines import vllm_reasoning

ADAPTER_RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)
"""The values that vLLM's max_lora_rank takes."""
CPU_STEP_TOKENS = 4096
"""Most tokens computed in one step of a CPU."""
WATCH_S = 1.0
"""Seconds between looks at the process of vLLM's core."""
QUEUED = 2
"""Requests in vLLM's queue, as a multiple of those that it works on at once."""


class VllmEngine:
    """Loads the tokenizer when it is made and the model with the first requests. Raises EngineError if that fails."""

    def __init__(self, config: VllmEngineConfig, model: LoadedModel):
        self._config, self._model = config, model
        self._chat = PromptEncoder(model)
        self._outline = Outline(model.path, trust_remote_code=model.trust_remote_code)
        self._engine: Any = None
        self._longest = 0
        self._refusals: dict[str, None] = {}
        self._adapters: dict[Adapter, Any] = {}

    def generate(self, requests: Sequence[Request]) -> Iterator[Generation]:
        requests, unfit = self._outline.fitting(requests, _check_usable)
        pairs, refused = self._chat.encode_all(requests)
        if pairs:
            self._start(pairs)
        # Not in one batch: on a CPU, vLLM 0.32 applies the adapters of a batch also to its requests without an adapter.
        yield from self._generate(pair for pair in pairs if pair[0].adapter is None)
        yield from self._generate(pair for pair in pairs if pair[0].adapter is not None)
        if error := unfit or refused:
            raise error
        if self._refusals:
            raise EngineError("\n".join(self._refusals))

    def _generate(self, pairs: Iterable[tuple[Request, list[int]]]) -> Iterator[Generation]:
        waiting, most = deque(pairs), self._config.sequences_at_once()
        begun: dict[str, Request] = {}
        queued: deque[str] = deque()  # at vLLM, which begins them in this order, but for one whose grammar is not ready yet
        shares = TimeShares()
        while waiting or begun:
            while waiting and len(begun) < QUEUED * most:
                request, ids = waiting.popleft()
                if not self._add(request, ids):
                    continue
                begun[request.key] = request
                queued.append(request.key)
            while queued and len(shares) < most:
                shares.begin(queued.popleft())
            outputs = self._step() if begun else []  # with none, which vLLM may all have refused, it would wait for ever
            finished = [(output, shares.end(output.request_id)) for output in outputs if output.finished]
            for output, seconds in finished:
                if output.request_id in queued:
                    queued.remove(output.request_id)
                yield _generation(begun.pop(output.request_id), output, seconds)

    def close(self) -> None:
        """Nothing to do: the memory is freed when the worker process ends."""

    def _start(self, pairs: Sequence[tuple[Request, list[int]]]) -> None:
        requests = [request for request, _ in pairs]
        longest = self._chat.longest(pairs, self._config.max_model_len)
        adapters = list(dict.fromkeys(request.adapter for request in requests if request.adapter is not None))
        if self._engine is not None:  # further rounds have requests of the kinds of the first
            if longest > self._longest or not self._adapters.keys() >= set(adapters):
                raise EngineError("vLLM was started for shorter texts, or without the adapter; run the same command again.")
            return
        self._longest = longest
        self._adapters = {
            adapter: LoRARequest(adapter.name, number, adapter.path) for number, adapter in enumerate(adapters, 1)
        }
        arguments = self._arguments(requests)
        try:
            self._engine = LLMEngine.from_engine_args(
                EngineArgs(**arguments),
                usage_context=UsageContext.LLM_CLASS,  # else a step computes 2,048 tokens at most, where a GPU takes 8,192
            )
        except Exception as error:  # vLLM and the libraries below it raise errors of many kinds
            raise _failure(
                f"vLLM cannot start with {self._model.path} (up to {longest} tokens of a prompt and its generation)", error
            ) from error
        _watch(self._engine.engine_core)

    def _step(self) -> Any:
        try:
            return self._engine.step()
        except Exception as error:  # as above
            raise self._stopped(error) from error

    def _stopped(self, error: Exception) -> LoggedError:
        return _failure("vLLM stopped while it was generating", error, str(_ended(self._engine.engine_core)))

    def _arguments(self, requests: Sequence[Request]) -> dict[str, Any]:
        config, model = self._config, self._model
        on_gpu = has_gpu()
        arguments: dict[str, Any] = {
            "model": model.path,
            "dtype": model.dtype,
            "trust_remote_code": model.trust_remote_code,
            "quantization": config.quantization,
            "kv_cache_dtype": config.kv_cache_dtype,
            "max_model_len": self._longest,
            "max_num_seqs": config.sequences_at_once(),
            "tensor_parallel_size": int(os.environ.get("HAR_LLM_TENSOR_PARALLEL", "1")),
            "enforce_eager": not on_gpu if config.enforce_eager is None else config.enforce_eager,
            "enable_prefix_caching": True,
            "generation_config": "vllm",  # sampling comes from conf/model
            "seed": 0,  # the engine's; each request has its own
        }
        # Without such files vLLM 0.32 would not start a model that also reads images. They are not needed for text.
        text_alone = not any((Path(model.path) / name).is_file() for name in OF_IMAGES)
        defaults: dict[str, Any] = {"language_model_only": text_alone}
        if on_gpu:
            arguments["gpu_memory_utilization"] = float(os.environ.get("HAR_LLM_GPU_MEMORY", config.gpu_memory_utilization))
        else:
            os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", str(config.cpu_kvcache_space))
            # vLLM 0.32 fails on a CPU when a prompt with a seed of its own is computed in chunks.
            defaults |= {"enable_chunked_prefill": False, "max_num_batched_tokens": max(CPU_STEP_TOKENS, self._longest)}
        if any(request.pattern for request in requests):
            arguments["structured_outputs_config"] = StructuredOutputsConfig(backend="xgrammar")
        if any(_reasons(request) for request in requests):
            self._check_budgets(requests)
            os.environ[vllm_reasoning.MARKS] = json.dumps(self._marks)
            arguments |= {
                "reasoning_parser": vllm_reasoning.NAME,
                "reasoning_parser_plugin": vllm_reasoning.__name__,
            }
        if self._adapters:
            arguments |= {
                "enable_lora": True,
                "max_lora_rank": max(_rank(adapter) for adapter in self._adapters),
                "max_loras": min(len(self._adapters), config.max_loras),
                "max_cpu_loras": len(self._adapters),
            }
        known = [one.name for one in dataclasses.fields(EngineArgs)]
        return defaults | with_extra(arguments, config.extra_args, known, "vLLM's EngineArgs", "engine.extra_args")

    @cached_property
    def _marks(self) -> tuple[str, str]:
        """What opens and what closes the model's reasoning."""
        return marks_of(self._model.reasoning_marks).in_template(chat_template(Path(self._model.path)) or "")

    def _check_budgets(self, requests: Sequence[Request]) -> None:
        """Raise EngineError for a thinking budget where vLLM could overlook that a model has ended its reasoning itself."""
        budget = next((one.decoding.thinking_token_budget for one in requests if one.decoding.thinking_token_budget), None)
        several = [mark for mark in self._marks if len(self._chat.tokens(mark)) != 1]
        if budget is not None and several:
            raise EngineError(
                f"decoding.thinking_token_budget is {budget}, but vLLM can limit only reasoning between marks that are "
                f"single tokens, and in the vocabulary of {self._model.path} {several[0]} is not; use decoding=plain."
            )

    def _add(self, request: Request, ids: list[int]) -> bool:
        """Give vLLM a request; whether it takes it."""
        try:
            adapter = None if request.adapter is None else self._adapters[request.adapter]
            prompt = {"prompt_token_ids": ids}
            self._engine.add_request(request.key, prompt, self._parameters(request, ids), lora_request=adapter)
        except (ValueError, VLLMClientError) as error:
            self._refusals[f"vLLM refuses a request: {first_line(error)}"] = None
            return False
        except VLLMServerError as error:
            raise self._stopped(error) from error
        return True

    def _parameters(self, request: Request, ids: list[int]) -> Any:
        decoding, sampling = request.decoding, request.decoding.sampling
        repeated = decoding.repetition_detection
        return SamplingParams(
            temperature=sampling.temperature,
            top_p=1.0 if sampling.greedy else sampling.top_p,
            top_k=0 if sampling.greedy else sampling.top_k,
            min_p=0.0 if sampling.greedy else sampling.min_p,
            seed=None if sampling.greedy else request.seed,
            max_tokens=self._chat.new_tokens(request, len(ids)),
            stop_token_ids=self._chat.ends,
            stop=list(request.stop),
            skip_special_tokens=False,  # the marks of reasoning may be special tokens
            spaces_between_special_tokens=False,
            output_kind=RequestOutputKind.FINAL_ONLY,
            thinking_token_budget=decoding.thinking_token_budget,
            repetition_detection=repeated
            and RepetitionDetectionParams(min_count=repeated[0], max_pattern_size=repeated[1], min_pattern_size=1),
            structured_outputs=request.pattern and StructuredOutputsParams(regex=request.pattern),
        )


def _failure(what: str, error: Exception, ended: str = "") -> LoggedError:
    """`what`: what vLLM could not do. `ended`: the exit codes of its processes."""
    told = reason(error, log_so_far(), ended)
    relief = "engine.tensor_parallel_size" if has_gpu() else "engine.cpu_kvcache_space"
    advice = f" Lower model.sampling.max_new_tokens or engine.max_num_seqs, or raise {relief}." if is_memory(told) else ""
    return LoggedError(f"{what}: {told}{advice}")


def _ended(core: Any) -> dict[str, int]:
    """The exit codes of vLLM's core processes that have ended; none where the core runs in this process."""
    found: dict[str, int] = core.resources.engine_manager.finished_procs() if isinstance(core, SyncMPClient) else {}
    return found


def _watch(core: Any) -> None:
    """Let `step` raise when the process of vLLM's core is killed: vLLM 0.32 would wait for its answer for ever."""

    def wait() -> None:
        while not _ended(core):
            time.sleep(WATCH_S)
        core.outputs_queue.put(RuntimeError("The engine core has ended."))

    if isinstance(core, SyncMPClient):
        threading.Thread(target=wait, daemon=True).start()


def _reasons(request: Request) -> bool:
    """Whether the engine must recognise where the reasoning of a request ends."""
    constrained = request.pattern is not None or request.decoding.thinking_token_budget is not None
    return constrained and bool(request.decoding.template_options.get("enable_thinking"))


def _check_usable(adapter: Adapter) -> None:
    """Raise EngineError for an adapter with what PEFT has and vLLM has not, such as DoRA or whole layers beside LoRA."""
    try:
        PEFTHelper.from_local_dir(adapter.path, None).validate_legal(LoRAConfig(max_lora_rank=ADAPTER_RANKS[-1]))
    except ValueError as error:
        raise EngineError(
            f"vLLM cannot use the adapter {Path(adapter.path) / ADAPTER_FILES[0]}: {first_line(error)} Use "
            f"engine=transformers, or merge it into its model with PEFT and name that (model=custom model.id=FOLDER)."
        ) from error


def _rank(adapter: Adapter) -> int:
    """The largest rank of the adapter's layers, or the next one that vLLM takes."""
    settings = PEFTHelper.from_local_dir(adapter.path, None)
    rank = max([settings.r, *settings.rank_pattern.values()])
    return next(allowed for allowed in ADAPTER_RANKS if allowed >= rank)


def _generation(request: Request, output: Any, seconds: float) -> Generation:
    (completion,) = output.outputs
    if completion.finish_reason not in FINISH_REASONS:
        raise EngineError(f"vLLM aborted a generation ({completion.finish_reason}); run the same command again.")
    return Generation(
        request.key,
        completion.text,
        "ran_on" if completion.stop_reason in request.stop else completion.finish_reason,
        len(output.prompt_token_ids),
        len(completion.token_ids),
        seconds,
        output.num_cached_tokens or 0,
    )
