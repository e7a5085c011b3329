"""Continuous batching with Transformers: rows that have ended leave, and waiting prompts take their places.

`generate` computes every row of a batch until the longest has ended, and the beginning that prompts share once for each of
them. Most of the time goes there where texts differ in length. Imports torch.
"""

from __future__ import annotations

import inspect
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch.nn.functional import pad

from har_llm.engines.row_cache import Rows, empty_cache

FULL = 0.75
"""A batch of which at most this share is still being written is put together anew; that copies its cache."""
SHORTEST_PREFIX = 32
"""Fewer tokens are not worth a computation of their own."""


@dataclass(eq=False)
class Row:
    """A generation that is being made."""

    place: int
    """Its number among the requests."""
    prompt: Sequence[int]
    limit: int
    """Most new tokens."""
    ended: Callable[[Sequence[int]], bool]
    """Whether these tokens are a whole generation, with the last of them."""
    chance: torch.Generator | None
    """Its own source of chance; None for greedy search."""
    ids: list[int] = field(default_factory=list)
    finished: bool = False
    seconds: float = 0.0
    """Its share of the time of the steps that it took part in."""

    def add(self, token: int) -> None:
        self.ids.append(token)
        self.finished = len(self.ids) >= self.limit or self.ended(self.ids)


Choose = Callable[[torch.Tensor, Sequence[Row]], torch.Tensor]
"""Takes scores of the next token, [rows, vocabulary], and gives the token of each row, [rows]."""


WINDOWED = ("sliding_window", "keep_window_size")
"""Settings of models of which a layer attends to some tokens only."""
ALIKE = 0.05
"""Most difference of scores that the same computation may have in another order, as a share of their range (16 bits)."""


def fits(model: Any, device: torch.device) -> bool:
    """Whether rows of a model's cache can be taken out and put in: by its kind, and by a trial."""
    return _attends_to_all(model) and _writes_the_same(model, device)


def _attends_to_all(model: Any) -> bool:
    """Whether all layers attend to all tokens before.

    Not so with sliding windows, with states that stand for all tokens before, and with positions of pictures.
    """
    config = model.config
    if config.get_text_config() is not config or config._attn_implementation not in ("sdpa", "eager"):
        return False
    if not getattr(config, "num_attention_heads", None) or any(getattr(config, name, None) for name in WINDOWED):
        return False
    kinds = set(getattr(config, "layer_types", None) or ["full_attention"])
    return kinds == {"full_attention"} and "logits_to_keep" in inspect.signature(model.forward).parameters


def common_beginning(prompts: Sequence[Sequence[int]]) -> int:
    """The number of tokens with which all prompts begin, without the last token of any: it gives its row's first scores."""
    shortest = min(len(prompt) for prompt in prompts) - 1
    return next((place for place in range(shortest) if len({prompt[place] for prompt in prompts}) > 1), shortest)


@torch.inference_mode()  # type: ignore[untyped-decorator]
def _writes_the_same(model: Any, device: torch.device) -> bool:
    """Whether two rows of unlike length with a common beginning get the scores that each gets alone.

    A model may count places of the cache, padding included, as MPT does.
    """
    beginning = [place % 8 for place in range(SHORTEST_PREFIX)]
    prompts = [[*beginning, *range(1, 8), *range(8)], [*beginning, 1, 2]]
    rows = [Row(place, prompt, 2, lambda ids: False, None) for place, prompt in enumerate(prompts)]
    seen: dict[int, torch.Tensor] = {}

    def choose(scores: torch.Tensor, writing: Sequence[Row]) -> torch.Tensor:
        seen.update({row.place: one for row, one in zip(writing, scores, strict=True)})
        return scores.argmax(-1)

    for _ in ContinuousBatch(model, choose, prompts, device).run(rows, len(rows)):
        pass
    for row in rows:
        whole = model(input_ids=torch.tensor([[*row.prompt, row.ids[0]]], device=device), logits_to_keep=1)
        alone = whole.logits[0, -1].float()
        if (seen[row.place] - alone).abs().max() > ALIKE * (alone.max() - alone.min()):
            return False
    return True


class ContinuousBatch:
    def __init__(self, model: Any, choose: Choose, prompts: Sequence[Sequence[int]], device: torch.device):
        """`prompts`: those of all rows that will be written."""
        self._model, self._choose, self._device = model, choose, device
        shared = common_beginning(prompts)
        self.shared = shared if len(prompts) > 1 and shared >= SHORTEST_PREFIX else 0
        """Number of tokens with which all prompts begin, which are computed once."""
        self._prefix = list(prompts[0][: self.shared])
        self._before: Rows | None = None
        self._rows: list[Row] = []
        self._cached = self._none()

    def run(self, rows: Sequence[Row], most: int) -> Iterator[Row]:
        """Write the rows in this order, at most `most` at a time; each is given as soon as it is finished."""
        waiting = deque(rows)
        while waiting or self._rows:
            writing = self._writing()
            if len(writing) <= FULL * len(self._rows):
                self._keep(writing)
                yield from self._admit([waiting.popleft() for _ in range(min(len(waiting), most - len(writing)))])
            else:
                yield from self._step()

    def _writing(self) -> list[int]:
        """The places of the rows that are not finished."""
        return [place for place, row in enumerate(self._rows) if not row.finished]

    def _keep(self, places: Sequence[int]) -> None:
        self._cached = self._cached.chosen(places)
        self._rows = [self._rows[place] for place in places]

    def _admit(self, new: Sequence[Row]) -> list[Row]:
        """Compute the prompts of these rows and their first tokens. Returns those that are finished already."""
        if not new:
            return []
        started = time.monotonic()
        longest = max(len(row.prompt) for row in new) - self.shared
        ids, mask = torch.zeros(len(new), longest, dtype=torch.long), torch.zeros(len(new), longest, dtype=torch.long)
        for number, row in enumerate(new):
            own = torch.tensor(row.prompt[self.shared :])
            ids[number, longest - len(own) :], mask[number, longest - len(own) :] = own, 1
        begun = self._begun(len(new))
        cached = Rows(begun.cache, torch.cat([begun.mask, mask.to(self._device)], -1))
        scores = self._scores(ids, cached)
        self._cached, self._rows = self._cached.joined(cached), [*self._rows, *new]
        return self._take(scores, new, started)

    def _step(self) -> list[Row]:
        """Write the next token of each row. Returns the rows that this has finished."""
        started = time.monotonic()
        last = torch.tensor([[row.ids[-1]] for row in self._rows])
        self._cached = Rows(self._cached.cache, pad(self._cached.mask, (0, 1), value=1))
        scores = self._scores(last, self._cached)
        writing = self._writing()
        return self._take(scores[writing], [self._rows[place] for place in writing], started)

    def _take(self, scores: torch.Tensor, rows: Sequence[Row], started: float) -> list[Row]:
        for row, token in zip(rows, self._choose(scores, rows).tolist(), strict=True):
            row.add(token)
        share = (time.monotonic() - started) / len(rows)
        for row in rows:
            row.seconds += share
        return [row for row in rows if row.finished]

    @torch.inference_mode()  # type: ignore[untyped-decorator]
    def _scores(self, ids: torch.Tensor, cached: Rows) -> torch.Tensor:
        """The scores after the last of these tokens, [rows, vocabulary]; their keys and values go into the cache."""
        positions = (cached.mask.cumsum(-1) - 1).clamp(min=0)[:, -ids.shape[-1] :]
        output = self._model(
            input_ids=ids.to(self._device),
            attention_mask=cached.mask,
            position_ids=positions,
            past_key_values=cached.cache,
            use_cache=True,
            logits_to_keep=1,
        )
        scores: torch.Tensor = output.logits[:, -1].float()
        return scores

    def _begun(self, count: int) -> Rows:
        """The common beginning of the prompts, for this many rows."""
        if not self.shared:
            return self._none(count)
        if self._before is None:
            self._before = Rows(empty_cache(), torch.ones(1, self.shared, dtype=torch.long, device=self._device))
            self._scores(torch.tensor([self._prefix]), self._before)
        return self._before.chosen([0] * count)

    def _none(self, count: int = 0) -> Rows:
        return Rows(empty_cache(), torch.zeros(count, 0, dtype=torch.long, device=self._device))
