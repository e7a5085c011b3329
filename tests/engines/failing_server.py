"""A chat completions server on loopback that fails in every way, as planned for each prompt, and then answers."""

from __future__ import annotations

import asyncio
import gzip
import json
import threading
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from email.utils import formatdate
from types import TracebackType
from typing import Any

PROMPT_TOKENS, CACHED_TOKENS = 7, 3


def completion(text: str, **changes: Any) -> dict[str, Any]:
    """A good answer, or one with other parts."""
    return {
        "object": "chat.completion",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {
            "prompt_tokens": PROMPT_TOKENS,
            "completion_tokens": len(text.split()),
            "prompt_tokens_details": {"cached_tokens": CACHED_TOKENS},
        },
        **changes,
    }


class FailingServer:
    """The first attempts of a prompt get what is planned for it, one after the other: a status ("500", or "429:2" with a
    Retry-After; "429:date" with a date; "307:URL" with a Location), reset, hang, half (of the body), garbage, packed (with
    gzip), endless, or a JSON text that is sent with status 200. Then, and for other prompts, comes "answer to <prompt>"
    after `delay_s`. Plans for None count for all attempts of prompts without a plan.
    """

    def __init__(self, plans: Mapping[str | None, Sequence[str]] | None = None, *, delay_s: float = 0.0, port: int = 0):
        self._plans = dict(plans or {})
        self._delay_s = delay_s
        self._port = port
        self.attempts: dict[str, list[float]] = defaultdict(list)
        """When each prompt was asked for."""
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.in_flight = self.most_in_flight = 0

    def __enter__(self) -> FailingServer:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        listening = asyncio.start_server(self._serve, "127.0.0.1", self._port)
        self._server = asyncio.run_coroutine_threadsafe(listening, self._loop).result(5)
        self._port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}/v1"

    async def _stop(self) -> None:
        self._server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await _head(reader):
                self.headers.append(head)
                body = json.loads(await reader.readexactly(int(head["content-length"])))
                self.bodies.append(body)
                self.in_flight += 1
                self.most_in_flight = max(self.most_in_flight, self.in_flight)
                try:
                    await self._answer(body["messages"][-1]["content"], reader, writer)
                finally:
                    self.in_flight -= 1
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _answer(self, prompt: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.attempts[prompt].append(time.monotonic())
        plan = self._plans.get(prompt, ())
        place = len(self.attempts[prompt]) - 1
        failure = plan[place] if place < len(plan) else next(iter(self._plans.get(None, ())), "")
        if failure == "hang":
            await reader.read()  # until the client goes away
            raise ConnectionError
        if failure == "reset":
            writer.transport.abort()
            raise ConnectionError
        if failure[:3].isdigit():
            status, _, wait = failure.partition(":")
            wait = formatdate(time.time() + 2, usegmt=True) if wait == "date" else wait  # in whole seconds, so 1 to 2
            error = {"error": {"message": f"refused with {status} for {self.headers[-1]['authorization']}"}}
            await _send(writer, error, status, {"Location" if status[0] == "3" else "Retry-After": wait} if wait else {})
        elif failure == "half":
            writer.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n" + b'{"choices": ['
            )
            await writer.drain()
            raise ConnectionError
        elif failure == "garbage":
            await _send(writer, b"<html>at your service</html>")
        elif failure == "packed":
            await _send(writer, gzip.compress(b" " * 10**7), headers={"Content-Encoding": "gzip"})
        elif failure == "endless":
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n")
            while True:
                writer.write(b"[" * 2**16)
                await writer.drain()
        elif failure:
            await _send(writer, json.loads(failure))
        else:
            await asyncio.sleep(self._delay_s)
            await _send(writer, completion(f"answer to {prompt}"))


async def _head(reader: asyncio.StreamReader) -> dict[str, str]:
    """The headers of the next request; empty when there is none any more."""
    try:
        lines = (await reader.readuntil(b"\r\n\r\n")).decode("ascii").split("\r\n")
    except asyncio.IncompleteReadError:
        return {}
    return {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:] if line)}


async def _send(
    writer: asyncio.StreamWriter, content: Any, status: str = "200", headers: Mapping[str, str] | None = None
) -> None:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    lines = [f"HTTP/1.1 {status} Something", "Content-Type: application/json", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    writer.write("\r\n".join([*lines, "", ""]).encode() + body)
    await writer.drain()
