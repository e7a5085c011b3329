"""The client of a server: it sends a home's events to one address only, and reads no more than an answer may have.

Imports openai.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import httpx2
import openai

from har_llm.engines.base import Request
from har_llm.engines.openai_config import NO_KEY, OpenaiEngineConfig
from har_llm.engines.openai_protocol import Fault

BYTES_OF_TOKEN = 256
"""Most bytes of a response for a token of a generation, on average. A token of English has 4, others up to 30 with escapes;
some servers send the reasoning twice."""
BYTES_OF_REST = 2**16
"""Most bytes of what surrounds the generation."""


def open_client(config: OpenaiEngineConfig, key: str | None, requests: Sequence[Request]) -> openai.AsyncOpenAI:
    """A client for these requests. It follows no redirection: another server would be sent the home's events.

    Its calls also raise Fault, for a response that is larger than the longest of the generations can be, or packed, which
    may be of any size once it is unpacked.
    """
    tokens = max((request.decoding.sampling.max_new_tokens for request in requests), default=0)
    most = BYTES_OF_REST + BYTES_OF_TOKEN * tokens

    async def bound(response: httpx2.Response) -> None:
        packed = response.headers.get("content-encoding", "identity")
        if packed.lower() != "identity":
            raise Fault(f"a response packed with {packed[:20]!r}, though an unpacked one was asked for", passing=False)
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        response.stream = _Bounded(response.stream, most)

    timeout = openai.Timeout(config.timeout, connect=config.connect_s)
    return openai.AsyncOpenAI(
        base_url=config.base_url,
        api_key=key or NO_KEY,
        max_retries=0,  # the engine makes all retries
        timeout=timeout,
        default_headers={"Accept-Encoding": "identity"},
        http_client=openai.DefaultAsyncHttpxClient(
            timeout=timeout,
            follow_redirects=False,
            event_hooks={"response": [bound]},
            # A proxy named in the environment cannot reach a server on this machine.
            trust_env=not config.local,
        ),
    )


class _Bounded(httpx2.AsyncByteStream):
    """The body of a response, up to so many bytes."""

    def __init__(self, stream: httpx2.AsyncByteStream, most: int):
        self._stream, self._most = stream, most

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for part in self._stream:
            size += len(part)
            if size > self._most:
                words = f"a response of over {self._most:,} bytes, more than model.sampling.max_new_tokens can take"
                raise Fault(words, passing=False)
            yield part

    async def aclose(self) -> None:
        await self._stream.aclose()
