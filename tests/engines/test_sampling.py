"""Sampling: the right distribution, and independent of the batch."""

from __future__ import annotations

from collections import Counter

import pytest
import torch
from transformers import LogitsProcessorList, MinPLogitsWarper, TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

from har_llm.engines.transformers_engine import SeededSampling, _draw
from har_llm.models.config import Sampling

SETTINGS = [
    Sampling(temperature=1.0, top_p=1.0, top_k=0),
    Sampling(temperature=0.6, top_p=0.95, top_k=20),
    Sampling(temperature=0.7, top_p=0.5, top_k=0),
    Sampling(temperature=1.5, top_p=1.0, top_k=3),
    Sampling(temperature=1.0, top_p=1.0, top_k=0, min_p=0.2),
]


def probabilities_of_transformers(scores: torch.Tensor, sampling: Sampling) -> torch.Tensor:
    warpers = LogitsProcessorList([TemperatureLogitsWarper(sampling.temperature)])
    if sampling.top_k:
        warpers.append(TopKLogitsWarper(sampling.top_k))
    if sampling.top_p < 1:
        warpers.append(TopPLogitsWarper(sampling.top_p))
    if sampling.min_p:
        warpers.append(MinPLogitsWarper(sampling.min_p))
    return torch.softmax(warpers(torch.zeros(1, 1, dtype=torch.long), scores[None].clone()), dim=-1)[0]


@pytest.mark.parametrize("sampling", SETTINGS, ids=str)
def test_tokens_are_drawn_as_transformers_would_draw_them(sampling: Sampling) -> None:
    scores = torch.randn(40, generator=torch.Generator().manual_seed(3)) * 2
    count = 20_000
    points = (torch.arange(count, dtype=torch.float64) + 0.5) / count
    drawn = Counter(_draw(scores.expand(count, -1), sampling, points).tolist())
    expected = probabilities_of_transformers(scores, sampling)
    shares = torch.tensor([drawn[token] / count for token in range(40)])
    assert torch.allclose(shares, expected.float(), atol=2e-3)


def test_a_row_does_not_depend_on_the_others() -> None:
    sampling = Sampling(temperature=1.0, top_p=0.9, top_k=10)
    scores = torch.randn(6, 50, generator=torch.Generator().manual_seed(1))
    ids = torch.zeros(6, 1, dtype=torch.long)
    together = SeededSampling(sampling, range(6))
    first, second = together(ids, scores).argmax(-1), together(ids, scores).argmax(-1)
    for row in range(6):
        alone = SeededSampling(sampling, [row])
        assert alone(ids[:1], scores[row : row + 1]).argmax(-1) == first[row]
        assert alone(ids[:1], scores[row : row + 1]).argmax(-1) == second[row]
    assert not torch.equal(first, SeededSampling(sampling, range(10, 16))(ids, scores).argmax(-1))


@pytest.mark.parametrize("point", [0.0, 0.5, 1 - 1e-12])
def test_the_ends_of_the_range_are_tokens_that_may_be_drawn(point: float) -> None:
    scores = torch.tensor([[5.0, 1.0, 0.0, float("-inf")]])
    token = _draw(scores, Sampling(temperature=1.0, top_p=0.99, top_k=0), torch.tensor([point], dtype=torch.float64))
    assert token.item() in (0, 1)
