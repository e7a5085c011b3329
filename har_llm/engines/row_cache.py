"""A key-value cache whose rows can be taken out and put in. Imports torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from transformers import Cache
from transformers.cache_utils import DynamicLayer

GROWTH = 128
"""Tokens for which room is made at once: Transformers' own layer copies itself for each token."""


class RoomyLayer(DynamicLayer):  # type: ignore[misc]
    """The keys and values of a layer, [rows, heads, tokens, width], in tensors with room for further tokens."""

    def update(self, key_states: torch.Tensor, value_states: torch.Tensor, *_: Any, **__: Any) -> tuple[Any, Any]:
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
            self.fill(key_states, value_states)
        else:
            before, added = self.keys.shape[-2], key_states.shape[-2]
            if before + added > self._room[0].shape[-2]:
                self.fill(self.keys, self.values, added)
            self._show(before + added)
            self.keys[..., before:, :] = key_states
            self.values[..., before:, :] = value_states
        return self.keys, self.values

    def fill(self, keys: torch.Tensor, values: torch.Tensor, more: int = 0) -> None:
        """Hold these, with room for `more` tokens and some."""
        rows, heads, tokens, _ = keys.shape
        self._room = [one.new_empty(rows, heads, tokens + more + GROWTH, one.shape[-1]) for one in (keys, values)]
        self.dtype, self.device, self.is_initialized = keys.dtype, keys.device, True
        self._show(tokens)
        self.keys.copy_(keys)
        self.values.copy_(values)

    def _show(self, tokens: int) -> None:
        self.keys, self.values = (one[..., :tokens, :] for one in self._room)


@dataclass(frozen=True)
class Rows:
    """Rows of a cache, each padded on the left, perhaps also after its beginning."""

    cache: Cache
    mask: torch.Tensor
    """1 for a token and 0 for padding, [rows, tokens]."""

    def __len__(self) -> int:
        return len(self.mask)

    def chosen(self, places: Sequence[int]) -> Rows:
        """These rows, without the padding that all of them have on the left."""
        mask = self.mask[list(places)]
        start: int = mask.argmax(-1).min().item() if len(places) else mask.shape[-1]
        cache = empty_cache()
        for number, layer in enumerate(self.cache.layers if places else ()):
            cache.update(*(one[list(places)][..., start:, :] for one in (layer.keys, layer.values)), number)
        return Rows(cache, mask[:, start:])

    def joined(self, other: Rows) -> Rows:
        """These rows and then those of the other, padded on the left to the same number of tokens."""
        if not len(self) or not len(other):
            return self if len(self) else other
        tokens = max(self.mask.shape[-1], other.mask.shape[-1])
        cache = empty_cache()
        for number, (mine, theirs) in enumerate(zip(self.cache.layers, other.cache.layers, strict=True)):
            pairs = ((mine.keys, theirs.keys), (mine.values, theirs.values))
            cache.update(*(torch.cat([_padded(one, tokens, -2) for one in pair]) for pair in pairs), number)
        return Rows(cache, torch.cat([_padded(one.mask, tokens, -1) for one in (self, other)]))


def empty_cache() -> Cache:
    return Cache(layer_class_to_replicate=RoomyLayer)


def _padded(tensor: torch.Tensor, size: int, dimension: int) -> torch.Tensor:
    """Zeros before the tensor's content in this dimension, so that it has this size."""
    shape = list(tensor.shape)
    shape[dimension] = size - shape[dimension]
    return torch.cat([tensor.new_zeros(shape), tensor], dimension)
