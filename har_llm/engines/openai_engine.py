"""The engine that asks a server; imports openai. Its settings are in `openai_config`, its messages in `openai_protocol`.

The event loop runs only while the caller waits for the next generation. Closing the iterator cancels all open requests.
"""

from __future__ import annotations

import asyncio
import itertools
import math
import random
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from email.utils import mktime_tz, parsedate_tz
from typing import Any

import httpx2
import openai

from har_llm.common.errors import EngineError
from har_llm.common.extra_args import with_extra
from har_llm.common.numbers import counted
from har_llm.engines import openai_protocol as wire
from har_llm.engines.base import Generation, LoadedModel, Request
from har_llm.engines.openai_client import open_client
from har_llm.engines.openai_config import LONGEST_TIMEOUT_S, OpenaiEngineConfig
from har_llm.engines.openai_protocol import Fault
from har_llm.engines.time_shares import TimeShares
from har_llm.models.reasoning import marks_of

PASSING = (408, 409, 425, 429)
"""Client errors that may be temporary; so may any server error (5xx)."""
TIMEOUTS = 2
"""Timeouts of one request before it fails. They take long, so fewer are allowed than of other failures."""
LONGEST_PAUSE_S = 60.0
LONGEST_REASON = 400
"""Most characters of a fault that are shown."""


class OpenaiEngine:
    def __init__(self, config: OpenaiEngineConfig, model: LoadedModel):
        self._config = config
        self._model, self._context = model.served_name, model.context
        self._marks = marks_of(model.reasoning_marks)
        self._key = config.api_key()

    def generate(self, requests: Sequence[Request]) -> Iterator[Generation]:
        if not self._config.extensions:
            for request in requests:
                wire.refuse_unsendable(request)
        with asyncio.Runner() as runner:  # leaving it cancels every request that is still in flight
            client = open_client(self._config, self._key, requests)
            round_ = _Round(lambda request: self._ask(client, request), requests, self._config.concurrency)
            try:
                while round_.going_on:
                    yield from runner.run(round_.step())
            finally:
                runner.run(round_.stop())
                runner.run(client.close())
        if round_.faults:
            raise EngineError(self._summary(round_, len(requests)))

    def close(self) -> None:
        """Nothing is held between calls."""

    async def _ask(self, client: openai.AsyncOpenAI, request: Request) -> Generation:
        """The request's generation; the request is repeated as often as the settings allow. Raises Fault."""
        timeouts = 0
        for attempt in itertools.count(1):
            try:
                content = await self._attempt(client, request)
                return wire.read(request, content, self._model, self._context, self._marks)
            except Fault as fault:
                timeouts += fault.timed_out
                if not fault.passing or attempt > self._config.max_retries or timeouts == TIMEOUTS:
                    raise
                pause = self._pause(attempt, fault)
            await asyncio.sleep(pause)
        raise AssertionError  # the loop has no end of its own

    async def _attempt(self, client: openai.AsyncOpenAI, request: Request) -> bytes:
        """Send the request once; the body of a successful response. Raises Fault."""
        body = wire.body(request, self._model, extensions=self._config.extensions)
        body = with_extra(body, self._config.extra_args, (), "a chat completion", "engine.extra_args")
        model, messages = body.pop("model"), body.pop("messages")
        try:
            async with asyncio.timeout(self._config.timeout):  # the client's own limit is for each part of a response
                answer = await client.chat.completions.with_raw_response.create(
                    model=model, messages=messages, extra_body=body
                )
        except (TimeoutError, openai.APITimeoutError) as error:
            raise self._slow(error) from None
        except openai.APIStatusError as error:
            raise self._refused(error, model) from None
        except openai.APIConnectionError as error:
            raise Fault(f"no connection: {error.__cause__ or error}", passing=True) from None
        except UnicodeEncodeError:
            raise Fault("a prompt with half a character (a lone surrogate), which cannot be sent", passing=False) from None
        content: bytes = answer.http_response.content
        return content

    def _slow(self, error: Exception) -> Fault:
        if isinstance(error.__cause__, httpx2.ConnectTimeout):
            return Fault(f"no connection within {self._config.connect_s:g} s", passing=True)
        words = f"no response within {self._config.timeout:g} s; for slow models raise engine.timeout"
        return Fault(words, passing=True, timed_out=True)

    def _refused(self, error: openai.APIStatusError, model: str) -> Fault:
        status = error.status_code
        hint = {
            401: f" (the key is taken from the environment variable {self._config.api_key_env})",
            404: f" (engine.base_url must be the base of the API, often ending in /v1, and {model!r} one of its models)",
        }.get(status, "")
        if error.response.has_redirect_location:
            elsewhere = error.response.headers["location"].partition("?")[0]
            hint = f" (it names another address, {elsewhere!r}, which is not followed; set engine.base_url to the right one)"
        words = f"status {status}{hint}: {_words(error)}"
        wait = _retry_after(error.response.headers.get("retry-after"))
        if wait is not None and wait > self._config.timeout:
            pause = f"the server asks for a pause of {wait:.0f} s, which is longer than engine.timeout"
            words = f"status {status}, and {pause}: {_words(error)}"
            return Fault(words, passing=False)
        return Fault(words, passing=status in PASSING or status >= 500, retry_after=wait)

    def _pause(self, attempt: int, fault: Fault) -> float:
        """Seconds before the next attempt; random, so that requests that failed together are not repeated together."""
        own = min(LONGEST_PAUSE_S, self._config.backoff_s * 2.0 ** (attempt - 1)) * random.uniform(0.5, 1.5)  # noqa: S311
        return max(own, fault.retry_after or 0.0)

    def _summary(self, round_: _Round, count: int) -> str:
        untried = f", and {round_.untried} were given up, because no request succeeded any more" if round_.untried else ""
        return (
            f"{len(round_.faults)} of {counted(count, 'request')} to {self._config.base_url} failed{untried}. The first: "
            f"{self._shown(round_.faults[0])}. What was finished is kept; run the same command again to go on."
        )

    def _shown(self, fault: Fault) -> str:
        """A fault on one line of limited length, without the API key, which some servers repeat."""
        words = str(fault)
        if self._key:
            words = words.replace(self._key, "***")
        line = " ".join(words.split()).removesuffix(".")
        return line if len(line) <= LONGEST_REASON else line[:LONGEST_REASON] + "..."


class _Round:
    """Sends requests, `concurrency` at a time. The others go on when one fails, unless all fail."""

    def __init__(self, ask: Callable[[Request], Awaitable[Generation]], requests: Sequence[Request], concurrency: int):
        self.faults: list[Fault] = []
        self.untried = 0
        self._ask = ask
        self._waiting = deque(requests)
        self._running: dict[asyncio.Future[Generation], str] = {}
        self._concurrency = concurrency
        self._failed_in_a_row = 0
        self._patience = min(concurrency, len(requests))
        self._shares = TimeShares()

    @property
    def going_on(self) -> bool:
        return bool(self._waiting or self._running)

    async def step(self) -> list[Generation]:
        """Wait until a request is finished or has failed; return what is finished."""
        while self._waiting and len(self._running) < self._concurrency:
            request = self._waiting.popleft()
            self._running[asyncio.ensure_future(self._ask(request))] = request.key
            self._shares.begin(request.key)
        done, _ = await asyncio.wait(self._running, return_when=asyncio.FIRST_COMPLETED)
        finished = []
        for task in done:
            seconds = self._shares.end(self._running.pop(task))
            try:
                finished.append(task.result()._replace(seconds=seconds))
            except Fault as fault:
                self.faults.append(fault)
                self._failed_in_a_row += 1
        if finished:
            self._failed_in_a_row = 0
            return finished
        if self._failed_in_a_row >= self._patience:  # the server is dead: further requests would only cost time
            self.untried = len(self._running) + len(self._waiting)
            await self.stop()
        return []

    async def stop(self) -> None:
        """Cancel all open requests and start no more."""
        self._waiting.clear()
        running, self._running = self._running, {}
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


def _words(error: openai.APIStatusError) -> str:
    """What the server says about its refusal."""
    body: Any = error.body
    if isinstance(body, dict):
        said = next((body[name] for name in ("message", "detail", "error") if isinstance(body.get(name), str)), None)
        return (said or str(body))[: wire.LONGEST_QUOTED]
    return str(body or error.response.reason_phrase)[: wire.LONGEST_QUOTED]


def _retry_after(header: str | None) -> float | None:
    """Seconds to wait, from a header that holds a number or a date; None for anything else."""
    try:
        seconds = float(header or "")
    except ValueError:
        seconds = _seconds_until(header)
    return None if math.isnan(seconds) else min(max(0.0, seconds), 2.0 * LONGEST_TIMEOUT_S)


def _seconds_until(date: str | None) -> float:
    parts = parsedate_tz(date)
    try:
        return math.nan if parts is None else mktime_tz(parts) - time.time()
    except (ValueError, OverflowError):  # a year that no calendar has
        return math.inf
