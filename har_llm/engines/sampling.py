"""Sampling that does not depend on the batch: each row draws with a generator of its own."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from transformers import LogitsProcessor

from har_llm.models.config import Sampling


class SeededSampling(LogitsProcessor):  # type: ignore[misc]
    """Draws each row's next token from its own seed and leaves that token alone, so that a greedy search takes it.

    Temperature, top-k, top-p and min-p as in Transformers and vLLM. Each step uses one number of the row's generator,
    which therefore does not depend on the other rows, on padding or on the vocabulary.
    """

    def __init__(self, sampling: Sampling, seeds: Sequence[int]):
        self._sampling = sampling
        self._generators = [torch.Generator().manual_seed(seed) for seed in seeds]

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor) -> torch.FloatTensor:
        points = torch.cat([torch.rand(1, generator=generator, dtype=torch.float64) for generator in self._generators])
        chosen = _draw(scores, self._sampling, points.to(scores.device))
        forced = torch.full_like(scores, float("-inf"))
        return forced.scatter_(1, chosen[:, None], 0.0)


def _draw(scores: torch.Tensor, sampling: Sampling, points: torch.Tensor) -> torch.Tensor:
    """The token at `points` (from 0 to 1, one a row) of the cumulative distribution, likeliest token first."""
    count = min(sampling.top_k or scores.shape[-1], scores.shape[-1])
    best, tokens = torch.topk(scores.double() / sampling.temperature, count, dim=-1)
    shares = torch.softmax(best, dim=-1)
    keep = shares.cumsum(-1) - shares < sampling.top_p  # the token that crosses top_p is kept
    keep &= shares >= sampling.min_p * shares[:, :1]
    keep[:, 0] = True
    cumulative = torch.where(keep, shares, 0.0).cumsum(-1)
    cumulative = cumulative / cumulative[:, -1:]
    place = torch.searchsorted(cumulative, points[:, None], right=True).clamp(max=count - 1)
    return tokens.gather(1, place)[:, 0]
