"""The prompts and texts of all runs, in chunks that the page unpacks one at a time.

Chunks are written as they fill, so memory does not grow with the runs. What occurs more than once is kept once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, BinaryIO

from har_llm.report.page.blocks import as_json, packed_block
from har_llm.runs.result import WindowGeneration

CHUNK = 256_000
"""Characters after which a chunk is closed: quickly unpacked, and still well compressed."""
PROMPTS_A_CHUNK = 64
LEFT_OUT = (-1, -1)

Place = tuple[int, int]
"""Number of the chunk, and place in it."""


class Chunks:
    """Values in numbered chunks, each value once."""

    def __init__(self, kind: str, stream: BinaryIO):
        self._kind, self._stream = kind, stream
        self._places: dict[bytes, Place] = {}
        self._open: list[Any] = []
        self._size = 0
        self._count = 0
        self.written = 0

    def add(self, value: Any) -> Place:
        text = as_json(value)
        key = hashlib.blake2b(text.encode("ascii"), digest_size=16).digest()
        if key not in self._places:
            self._places[key] = (self._count, len(self._open))
            self._open.append(self._kept(value, text))
            self._size += self._weight(text)
            if self._size >= CHUNK:
                self.close_chunk()
        return self._places[key]

    def close_chunk(self) -> None:
        if self._open:
            self.written += self._stream.write(packed_block(f"{self._kind}-{self._count}", self._content(self._open)))
            self._open, self._size = [], 0
            self._count += 1

    def _kept(self, value: Any, text: str) -> Any:
        return text

    def _weight(self, text: str) -> int:
        return len(text)

    def _content(self, values: Sequence[Any]) -> str:
        return "[" + ",".join(values) + "]"


class PromptChunks(Chunks):
    """Prompts, of which a chunk keeps their common beginning once: it is all but the window's events."""

    def _kept(self, value: Any, text: str) -> Any:
        return value

    def _weight(self, text: str) -> int:
        return CHUNK // PROMPTS_A_CHUNK  # however long they are, they differ little

    def _content(self, values: Sequence[Any]) -> str:
        longest = max(len(messages) for messages in values)
        begins = [
            _common_start([messages[at]["content"] for messages in values if at < len(messages)]) for at in range(longest)
        ]
        prompts = [
            [[message["role"], message["content"][len(begin) :]] for message, begin in zip(messages, begins, strict=False)]
            for messages in values
        ]
        return as_json({"begins": begins, "prompts": prompts})


class Texts:
    """All prompts and texts of a page, up to a weight. What is beyond it is counted for each run."""

    def __init__(self, stream: BinaryIO, *, limit: int, runs: int):
        self._texts, self._prompts = Chunks("text", stream), PromptChunks("prompt", stream)
        self._limit, self._runs_left = limit, runs
        self._until = 0

    @property
    def written(self) -> int:
        return self._texts.written + self._prompts.written

    def begin_run(self) -> None:
        """A run may use its equal share of what the runs before it have left."""
        self._until = self.written + max(0, self._limit - self.written) // self._runs_left
        self._runs_left -= 1

    def end_run(self) -> None:
        self._texts.close_chunk()
        self._prompts.close_chunk()

    def add(self, messages: Sequence[Mapping[str, str]], texts: Iterable[WindowGeneration]) -> list[Place]:
        """The places of a window's prompt and of its texts, in order."""
        if self.written >= self._until:
            return [LEFT_OUT]
        return [self._prompts.add(list(messages)), *(self._texts.add(_text(text)) for text in texts)]


def _common_start(texts: Sequence[str]) -> str:
    first, last = min(texts), max(texts)  # whatever these two share, all between them do
    differ = (at for at, (one, other) in enumerate(zip(first, last, strict=False)) if one != other)
    return first[: next(differ, len(first))]


def _text(generation: WindowGeneration) -> dict[str, Any]:
    """The whole text is its reasoning and its answer."""
    names = ("reasoning", "answer", "finish_reason", "prompt_tokens", "completion_tokens", "seconds")
    return {**{name: getattr(generation, name) for name in names}, "generation": generation.key}
