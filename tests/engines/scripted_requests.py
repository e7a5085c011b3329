"""Requests and the model of the scripted engine."""

from __future__ import annotations

from har_llm.engines.base import Decoding, LoadedModel, Request
from har_llm.models.config import Sampling

MODEL = LoadedModel("nowhere", "tiny", "float32", None, False)


DECODING = Decoding(Sampling(), {"enable_thinking": True})


def request(number: int, text: str = "hello") -> Request:
    return Request(f"key{number}", ({"role": "user", "content": text},), number, DECODING)
