"""How a model is spread over GPUs, and how long a text may then become: weights, overhead, and the rest for the cache.

vLLM starts only if the key-value cache has room for one text of the greatest length.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from har_llm.common.hardware import Gpu
from har_llm.common.numbers import counted

GIB = 2**30
VISIBLE = 0.99
"""Share of a GPU's memory that CUDA has: the driver keeps the rest."""
OVERHEAD = 2.75 * GIB
"""Of a GPU's memory, besides weights and cache: CUDA's context, the activations of a step, compiled graphs. It follows from
the room that vLLM 0.32 has on A100s and cards of 24 GB (read, not measured by us)."""
CONTEXT = 0.75 * GIB
"""Of a GPU's free memory: what CUDA takes before vLLM looks how much is free."""
HEADROOM = 1.25
"""Memory needed, as a multiple of the weights, where the size of the cache is not known."""
LARGEST = 8
"""Most GPUs of one copy of a model."""


class Need(NamedTuple):
    weights: float
    """Bytes, as they are loaded."""
    cache: float | None
    """Bytes for a token; None if unknown."""
    tokens: int
    """Of the longest prompt and its generation."""


class Layout(NamedTuple):
    size: int
    """GPUs of one copy of the model."""
    copies: int
    tokens: int
    """Of the longest prompt and its generation."""
    room: int | None
    """Most tokens that one text may have; None if unknown."""
    impossible: bool
    """Whether there is too little room even without any overhead."""
    remedies: tuple[str, ...] = ()
    """Where it does not start: the settings of which each would let it."""

    @property
    def starts(self) -> bool:
        return self.room is None or self.room >= self.tokens

    def in_words(self) -> str:
        """For a table."""
        if not self.starts:
            return "does not start"
        return f"{self.copies} x {counted(self.size, 'GPU')}"

    def lack(self) -> str:
        """Why it does not start, and what would."""
        remedies = f" It would start with {', or with '.join(self.remedies)}." if self.remedies else ""
        gpus = counted(self.size, "GPU")
        if not self.room:
            return f"does not start: the weights leave no room on {gpus}.{remedies}"
        return (
            f"does not start: a prompt and its generation may have {self.tokens:,} tokens, but beside the weights "
            f"{gpus} would have room for {self.room:,}.{remedies}"
        )


def usable_share(gpus: Sequence[Gpu], wanted: float) -> float:
    """The share of each GPU's memory to use: `wanted`, or less where other programs have taken some."""
    free = min((gpu.free - CONTEXT) / gpu.total for gpu in gpus)
    return max(0.0, min(wanted, int(free * 100) / 100))


def layout(gpus: Sequence[Gpu], wanted: float, need: Need, size: int | None, copies: int | None) -> Layout:
    """The layout with the fewest GPUs for a copy that starts, else with as many as there are.

    `wanted`: the share of each GPU's memory. `size` and `copies`: as the user has set them. Sizes are powers of two, by
    which numbers of attention heads can be divided.
    """
    memory = usable_share(gpus, wanted) * VISIBLE * min(gpu.total for gpu in gpus)
    if size is None:
        size = 1
        while size * 2 <= len(gpus) and not _holds(memory, need, size):
            size *= 2
    room = None if need.cache is None else _room(memory, need, size)
    impossible = need.cache is not None and _room(memory + OVERHEAD, need, size) < need.tokens
    return Layout(size, copies or max(1, len(gpus) // size), need.tokens, room, impossible)


def sizes_that_start(gpus: Sequence[Gpu], wanted: float, need: Need) -> list[int]:
    """The numbers of such GPUs, in powers of two, that would hold one copy."""
    memory = usable_share(gpus, wanted) * VISIBLE * min(gpu.total for gpu in gpus)
    return [size for size in (1, 2, 4, LARGEST) if _holds(memory, need, size)]


def _holds(memory: float, need: Need, size: int) -> bool:
    if need.cache is None:
        return size * memory >= HEADROOM * need.weights
    return _room(memory, need, size) >= need.tokens


def _room(memory: float, need: Need, size: int) -> int:
    """Tokens of cache on `size` GPUs of which each has this memory; weights and cache are divided among them."""
    assert need.cache is not None
    return max(0, int(((memory - OVERHEAD) * size - need.weights) / need.cache))
