"""Collects the prompts and generations of all runs in chunks, which the page unpacks one at a time.

Each chunk is written as soon as it is full, so memory does not grow with the runs. Equal values are kept once.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO, Generic, TypeVar

from har_llm.common.text import common_start
from har_llm.report.page.blocks import as_json, packed_block
from har_llm.report.page.content import Generation, Prompts
from har_llm.runs.result import WindowGeneration, WindowRow

CHUNK = 256_000
"""Characters after which a chunk is full: few enough to unpack quickly, enough to compress well."""
PROMPTS_A_CHUNK = 64
LEFT_OUT = (-1, -1)

Place = tuple[int, int]
"""The number of a chunk, and the position in it."""
Messages = Sequence[Mapping[str, str]]
Value = TypeVar("Value")


class WindowChunks:
    """The prompts and generations of a page, up to a number of bytes. Further windows are left out."""

    def __init__(self, stream: BinaryIO, *, most_bytes: int, runs: int):
        self._generations, self._prompts = GenerationChunks("generation", stream), PromptChunks("prompt", stream)
        self._most_bytes, self._runs_left = most_bytes, runs
        self._until = 0

    @property
    def written(self) -> int:
        return self._generations.written + self._prompts.written

    def begin_run(self) -> None:
        """Give the run an equal share of the bytes that earlier runs have left."""
        self._until = self.written + max(0, self._most_bytes - self.written) // self._runs_left
        self._runs_left -= 1

    def end_run(self) -> None:
        self._generations.close_chunk()
        self._prompts.close_chunk()

    def add(self, window: WindowRow) -> list[Place]:
        """The places of a window's prompt and of its generations, in order; only LEFT_OUT if the run has used its share."""
        if self.written >= self._until:
            return [LEFT_OUT]
        return [
            self._prompts.add(window.messages),
            *(self._generations.add(_content_of(generation)) for generation in window.generations),
        ]


class Chunks(ABC, Generic[Value]):
    """Values in numbered chunks; equal values are kept once."""

    def __init__(self, kind: str, stream: BinaryIO):
        self._kind, self._stream = kind, stream
        self._places: dict[bytes, Place] = {}
        self._open: list[Value] = []
        self._size = 0
        self._count = 0
        self.written = 0

    def add(self, value: Value) -> Place:
        text = as_json(value)
        key = hashlib.blake2b(text.encode("ascii"), digest_size=16).digest()
        if key not in self._places:
            self._places[key] = (self._count, len(self._open))
            self._open.append(value)
            self._size += self._weight(text)
            if self._size >= CHUNK:
                self.close_chunk()
        return self._places[key]

    def close_chunk(self) -> None:
        if self._open:
            content = as_json(self._content(self._open))
            self.written += self._stream.write(packed_block(f"{self._kind}-{self._count}", content))
            self._open, self._size = [], 0
            self._count += 1

    @abstractmethod
    def _weight(self, text: str) -> int:
        """How many of CHUNK's characters a value counts for, given its JSON."""

    @abstractmethod
    def _content(self, values: Sequence[Value]) -> Any:
        """The content of a chunk with these values."""


class GenerationChunks(Chunks[Generation]):
    def _weight(self, text: str) -> int:
        return len(text)

    def _content(self, values: Sequence[Generation]) -> Sequence[Generation]:
        return values


class PromptChunks(Chunks[Messages]):
    def _weight(self, text: str) -> int:
        return CHUNK // PROMPTS_A_CHUNK  # prompts differ little, so their length does not matter

    def _content(self, values: Sequence[Messages]) -> Prompts:
        longest = max(len(messages) for messages in values)
        begins = [
            common_start([messages[at]["content"] for messages in values if at < len(messages)]) for at in range(longest)
        ]
        prompts = [
            [(message["role"], message["content"][len(begin) :]) for message, begin in zip(messages, begins, strict=False)]
            for messages in values
        ]
        return Prompts(begins, prompts)


def _content_of(generation: WindowGeneration) -> Generation:
    return Generation(
        reasoning=generation.reasoning,
        answer=generation.answer,
        finish_reason=generation.finish_reason,
        prompt_tokens=generation.prompt_tokens,
        completion_tokens=generation.completion_tokens,
        seconds=generation.seconds,
        key=generation.key,
    )
