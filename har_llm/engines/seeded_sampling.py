"""Draws tokens with a seed for each row, so that no generation depends on what is written beside it. Imports torch."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from transformers import LogitsProcessor

from har_llm.models.config import Sampling


class SeededSampling(LogitsProcessor):  # type: ignore[misc]
    """Draws each row's next token with the row's own seed and leaves only that token, so that greedy search takes it.

    Temperature, top-k, top-p and min-p are those of Transformers and vLLM. Each step uses one number of the row's random
    generator, so that a row does not depend on other rows, on padding or on the vocabulary.
    """

    def __init__(self, sampling: Sampling, seeds: Sequence[int]):
        self._sampling = sampling
        self._generators = [torch.Generator().manual_seed(seed) for seed in seeds]

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor) -> torch.FloatTensor:
        chosen = drawn(scores, self._sampling, self._generators)
        forced = torch.full_like(scores, float("-inf"))
        return forced.scatter_(1, chosen[:, None], 0.0)


def drawn(scores: torch.Tensor, sampling: Sampling, generators: Sequence[torch.Generator]) -> torch.Tensor:
    """The next token of each row, [rows], drawn with one number of the row's generator. `scores`: [rows, vocabulary]."""
    points = torch.cat([torch.rand(1, generator=generator, dtype=torch.float64) for generator in generators])
    return _at(points.to(scores.device), scores, sampling)


def _at(points: torch.Tensor, scores: torch.Tensor, sampling: Sampling) -> torch.Tensor:
    """The token at `points` (from 0 to 1, one a row) of the cumulative distribution, most probable token first."""
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
