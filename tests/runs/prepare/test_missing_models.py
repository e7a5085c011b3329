"""A model that is not here, with a teacher that may not be here either."""

from __future__ import annotations

import pytest

from har_llm.common.errors import MissingError
from har_llm.runs.prepare import prepare
from tests.composing import experiment

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("chosen", "told"),
    [
        (("model=qwen3_0.6b", "model@lora.teacher=qwen3_1.7b"), ["Qwen3-0.6B is not", "Its teacher is not here either: ",
                                                                  "Qwen3-1.7B is not"]),
        (("model=qwen3_0.6b", "model@lora.teacher=tiny_teacher"), ["Qwen3-0.6B is not"]),
        (("model=tiny_student", "model@lora.teacher=qwen3_1.7b"), ["Qwen3-1.7B is not"]),
        (("model=qwen3_0.6b", "model@lora.teacher=qwen3_0.6b"), ["Qwen3-0.6B is not"]),
    ],
)  # fmt: skip
def test_all_that_is_to_be_fetched_is_named_at_once(chosen: tuple[str, ...], told: list[str]) -> None:
    with pytest.raises(MissingError) as raised:
        prepare(experiment("lora=distilled", "lora.train_sessions=1", "limit=1", *chosen))
    said = str(raised.value)
    assert all(one in said for one in told)
    assert said.count("is not on this machine") == sum("is not" in one and "either" not in one for one in told)
