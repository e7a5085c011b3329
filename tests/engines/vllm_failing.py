"""vLLM failing in every way, in one process, as on a GPU: its core is a process of its own."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import psutil

from har_llm.common.errors import EngineError, LoggedError
from har_llm.common.process import Caller
from har_llm.engines.base import Decoding, LoadedModel, Request
from har_llm.engines.vllm_config import VllmEngineConfig
from har_llm.engines.worker import open_engine
from har_llm.models import resolve
from har_llm.models.config import Sampling
from tests.composing import experiment

SHORT = Decoding(Sampling(temperature=0.0, max_new_tokens=4), {"enable_thinking": True})
LONG = Decoding(Sampling(temperature=0.0, max_new_tokens=400_000), {})
SLOW = Decoding(Sampling(temperature=1.0, max_new_tokens=2000), {"enable_thinking": True})
REQUEST = Request("plain", ({"role": "user", "content": "hello"},), 1, SHORT)
KILLED = {"core killed": "VLLM::EngineCor", "worker killed": "VLLM::Worker"}
REFUSED = [
    REQUEST._replace(key="regex", decoding=SHORT._replace(template_options={}), pattern="["),
    REQUEST._replace(key="budget", decoding=SHORT._replace(template_options={}, thinking_token_budget=3)),
]


def teacher() -> LoadedModel:
    path = resolve.resolve(experiment("model=tiny_teacher").model).path
    return LoadedModel(str(path), "tiny", "float32", None, False)


def _kill(name: str) -> None:
    """Kill the process below this one whose title, which is cut after 15 characters, begins so."""
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if child.name().startswith(name):
                child.kill()


def _failing(kind: str) -> Iterator[str]:
    """The keys of the generations until it fails."""
    settings: dict[str, Any] = {}
    model, requests = teacher(), [REQUEST]
    if kind == "refused":
        requests = REFUSED
    elif kind == "memory":
        model, requests = replace(model, context=500_000), [REQUEST._replace(decoding=LONG)]
    elif kind in KILLED:
        settings, requests = {"max_num_seqs": 1}, [*REFUSED, REQUEST, REQUEST._replace(key="second", seed=2, decoding=SLOW)]
    else:
        settings = {"quantization": kind}
    for one in open_engine(VllmEngineConfig(cpu_kvcache_space=1, **settings), model).generate(requests):
        yield one.key
        if kind in KILLED:
            _kill(KILLED[kind])


def serve(caller: Caller) -> None:
    """Fail in the way that the caller asks for, again and again; after the last, the process ends as an engine's does."""
    while True:
        asked = caller.receive()
        os.ftruncate(2, os.lseek(2, 0, os.SEEK_SET))  # an engine's process has a log of its own
        made: list[str] = []
        try:
            made.extend(_failing(asked["kind"]))
        except EngineError as error:
            if asked["last"]:
                raise
            caller.reply({"made": made, "told": str(error), "logged": isinstance(error, LoggedError)})
