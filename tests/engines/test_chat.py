"""Prompts in a model's own template and in tokens, and how long generations may become: the same for all engines."""

from __future__ import annotations

from pathlib import Path

import pytest

from har_llm.common.errors import EngineError
from har_llm.engines.base import Decoding, LoadedModel, Request
from har_llm.engines.chat import PromptEncoder
from har_llm.models import resolve
from har_llm.models.config import Sampling
from tests.composing import experiment

DECODING = Decoding(Sampling(temperature=0.0, max_new_tokens=300), {"enable_thinking": True})


def student() -> Path:
    path = resolve.resolve(experiment("model=tiny_student").model).path
    assert path is not None
    return path


def encoder(path: Path, context: int | None = None) -> PromptEncoder:
    return PromptEncoder(LoadedModel(str(path), "tiny", "float32", context, False))


def request(text: str, decoding: Decoding = DECODING) -> Request:
    return Request(text, ({"role": "user", "content": text},), 1, decoding)


@pytest.mark.parametrize("context", [None, 310])
def test_a_limit_that_would_cut_a_generation_is_refused_and_says_what_fits(context: int | None) -> None:
    chat = encoder(student(), context)
    pairs, refused = chat.encode_all([request("kitchen"), request("kitchen stove on")])
    assert refused is None
    longest = max(len(ids) for _, ids in pairs) + 300 if context is None else context
    assert chat.longest(pairs, None) == chat.longest(pairs, longest) == longest
    with pytest.raises(EngineError, match=rf"max_model_len is {longest - 1}, which would cut .* to {longest} or"):
        chat.longest(pairs, longest - 1)
