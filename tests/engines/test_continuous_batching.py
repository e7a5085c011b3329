"""Rows that come and go give what `generate` gives for each prompt alone, and are written as they should be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from transformers import (
    AutoModelForCausalLM,
    DogeConfig,
    DogeForCausalLM,
    Gemma3ForCausalLM,
    Gemma3TextConfig,
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    MptConfig,
    MptForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
)

from har_llm.engines.continuous_batching import ContinuousBatch, Row, fits

pytestmark = pytest.mark.slow

SHAPE = {"vocab_size": 60, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 3, "num_attention_heads": 4}
SHAPES = {**SHAPE, "num_key_value_heads": 2, "max_position_embeddings": 400}
END = 7
CPU = torch.device("cpu")


@pytest.fixture(scope="module", params=["llama", "qwen3"])
def model(request: pytest.FixtureRequest) -> Any:
    torch.manual_seed(0)
    if request.param == "llama":
        return LlamaForCausalLM(LlamaConfig(**SHAPES)).eval()
    return Qwen3ForCausalLM(Qwen3Config(**SHAPES, head_dim=8)).eval()


def prompts(shared: int) -> list[list[int]]:
    """Ten prompts of 5 to 50 further tokens, which begin with the same ones."""
    chance = torch.Generator().manual_seed(shared)

    def tokens(count: int) -> list[int]:
        return torch.randint(10, 60, (count,), generator=chance).tolist()

    beginning = tokens(shared)
    return [beginning + tokens(5 * number) for number in range(1, 11)]


def row(place: int, prompt: Sequence[int]) -> Row:
    return Row(place, prompt, limit=4 + 9 * (place % 5), ended=lambda ids: ids[-1] == END, chance=None)


def greedy(scores: torch.Tensor, rows: Sequence[Row]) -> torch.Tensor:
    return scores.argmax(-1)


def alone(model: Any, one: Row) -> list[int]:
    output = model.generate(
        torch.tensor([one.prompt]), max_new_tokens=one.limit, do_sample=False, eos_token_id=END, pad_token_id=0
    )
    ids: list[int] = output[0, len(one.prompt) :].tolist()
    return ids


@pytest.mark.parametrize("shared", [0, 100])
@pytest.mark.parametrize("most", [1, 3, 10])
def test_each_row_is_written_as_if_it_were_alone(model: Any, shared: int, most: int) -> None:
    asked = prompts(shared)
    rows = [row(place, prompt) for place, prompt in enumerate(asked)]
    batch = ContinuousBatch(model, greedy, asked, CPU)
    assert batch.shared == shared
    written = {one.place: one.ids for one in batch.run(rows, most)}
    assert written == {place: alone(model, row(place, prompt)) for place, prompt in enumerate(asked)}
    assert all(one.seconds > 0 for one in rows)


def test_a_row_that_has_ended_makes_room_for_one_that_waits(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that the model computes few rows more than those whose tokens are kept, and the common beginning once."""
    computed = [0, 0]  # tokens of prompts and of generations, padding and rows that have ended included
    original = type(model).forward

    def counting(self: Any, input_ids: torch.Tensor, **arguments: Any) -> Any:
        computed[input_ids.shape[-1] == 1] += input_ids.numel()
        return original(self, input_ids=input_ids, **arguments)

    monkeypatch.setattr(type(model), "forward", counting)
    asked = prompts(100)
    finished = list(ContinuousBatch(model, greedy, asked, CPU).run([row(*one) for one in enumerate(asked)], 4))
    kept = sum(len(one.ids) for one in finished)
    assert computed[0] < 100 + 2 * sum(len(prompt) - 100 for prompt in asked)
    assert computed[1] < 1.4 * kept


@pytest.mark.parametrize(
    "other",
    [
        lambda: MistralForCausalLM(MistralConfig(**SHAPES, sliding_window=16)),
        lambda: Gemma3ForCausalLM(Gemma3TextConfig(**SHAPES, head_dim=8, sliding_window=16)),
        lambda: AutoModelForCausalLM.from_config(LlamaConfig(**SHAPES), attn_implementation="flex_attention"),
        lambda: MptForCausalLM(MptConfig(vocab_size=60, d_model=32, n_heads=4, n_layers=3, max_seq_len=400)),
        lambda: DogeForCausalLM(DogeConfig(**SHAPES)),
    ],
    ids=["sliding windows", "some of them sliding", "another attention", "places counted with padding", "some tokens only"],
)
def test_models_whose_rows_cannot_change_are_told_apart(model: Any, other: Any) -> None:
    assert fits(model, CPU) and fits(MistralForCausalLM(MistralConfig(**SHAPES, sliding_window=None)).eval(), CPU)
    assert not fits(other().eval(), CPU)
