"""Requests to a server and the settings of its engine."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from har_llm.common.errors import EngineError
from har_llm.data.answer_form import AnswerForm, AnswerKeys
from har_llm.engines.base import Decoding, Generation, LoadedModel, Request
from har_llm.engines.openai_config import OpenaiEngineConfig
from har_llm.models.config import Sampling
from har_llm.scoring.answer_format import answer_grammar, answer_pattern, answer_schema

MODEL = LoadedModel(path="", served_name="served", dtype="float32", context=None, trust_remote_code=False)


MOST = 50


GREEDY = Decoding(Sampling(temperature=0.0, max_new_tokens=MOST), {"enable_thinking": True})


SAMPLED = Decoding(Sampling(temperature=0.6, top_p=0.95, top_k=20, min_p=0.1, max_new_tokens=50), {"enable_thinking": True})


KEYS = AnswerKeys()
HOME = {3: "cooking", 14: "eating (alone)"}
FORM: dict[str, Any] = {
    "schema": answer_schema([1, 2], HOME, AnswerForm(keys=KEYS)),
    "pattern": answer_pattern([1, 2], HOME, AnswerForm()),
    "grammar": answer_grammar([1, 2], HOME, AnswerForm()),
}


KEY = "sk-secret-0123456789"


def request(prompt: str, decoding: Decoding = GREEDY, **changes: Any) -> Request:
    return Request(f"key of {prompt}", ({"role": "user", "content": prompt},), 5, decoding)._replace(**changes)


def config(url: str, **changes: Any) -> OpenaiEngineConfig:
    made = OpenaiEngineConfig(
        **{"base_url": url, "backoff_s": 0.01, "timeout": 5.0, "max_retries": 3, "concurrency": 8, **changes}
    )
    made.check()
    return made


def collect(stream: Iterator[Generation]) -> tuple[list[str], str]:
    """The keys that came, and the words of the error after them."""
    came: list[str] = []
    with pytest.raises(EngineError) as failure:
        came.extend(one.key for one in stream)
    return came, str(failure.value)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def map_requests(*prompts: str) -> list[Request]:
    return [request(prompt) for prompt in prompts]
