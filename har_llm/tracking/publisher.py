"""The command's side of the tracker's process: it sends what is to be published, and waits for the outcomes only at the end.

Threads do all sending and receiving, so that a client that hangs cannot delay an engine or a training.
"""

from __future__ import annotations

import contextlib
import dataclasses
import math
import queue
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from har_llm.common.errors import EngineError
from har_llm.common.paths import expanded
from har_llm.common.process import JsonProcess, ProcessFailed
from har_llm.common.typed_json import untagged
from har_llm.config.tracker import WandbTracker
from har_llm.tracking.outcomes import OUTCOMES, Failed, Offline, Online, Outcome, Published, PublishedNotes

FOLDER = "wandb"
"""The folder below paths.outputs, under the client's own name."""
START_S = 60.0
"""Seconds for the process to start and to import the client from a slow disk."""
SLOW_S = 10.0
"""Seconds of waiting after which the user is told about it."""
FAILURES = 2
"""Failures in a row after which the fault is W&B's, not a run's, and the other runs are not tried."""


class Reply(NamedTuple):
    number: int
    """Of the message."""
    outcome: Outcome


class Ended(NamedTuple):
    """The process has ended, so there will be no further replies."""

    why: str


class Publisher:
    """Publishes to one project, from one outputs folder."""

    def __init__(self, tracker: WandbTracker, outputs: str):
        self.tracker, self.outputs = tracker, outputs
        self.folder = expanded(outputs).resolve() / FOLDER
        self.notes = PublishedNotes(self.folder, tracker)
        self.asked: list[Published] = []
        self.without_adapter: list[Path] = []
        """Run directories whose adapter is not in the store beside them, so that its training cannot be shown."""
        self._expected: dict[int, Published] = {}
        self._process: JsonProcess | None = None
        self._unsent: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._replies: queue.Queue[Reply | Ended] = queue.Queue()
        self._numbers = 0

    def start(self) -> None:
        """Start the process, which imports the client, unless it is started."""
        if self._process is not None:
            return
        self._process = JsonProcess("har_llm.tracking.worker:serve", "The process that talks to W&B")
        self._put({"tracker": dataclasses.asdict(self.tracker), "folder": str(self.folder)})
        for target in (self._send_all, self._receive_all):
            threading.Thread(target=target, args=(self._process,), daemon=True).start()

    def send(self, do: str, **message: Any) -> None:
        """Send a message that has no outcome."""
        self.start()
        self._put({"do": do, **message})

    def ask(self, published: Published, do: str, **message: Any) -> None:
        """Send a message whose outcome `wait` waits for."""
        self.start()
        self.asked.append(published)
        self._expected[self._put({"do": do, **message})] = published

    def ask_once(self, published: Published, do: str, **message: Any) -> None:
        """Like `ask`, unless W&B has it already."""
        if (online := self.notes.online(published.id)) is not None:
            published.outcome = dataclasses.replace(online, again=True)
            self.asked.append(published)
            return
        waiting = self.notes.waiting(published.id)
        self.ask(published, do, waiting=None if waiting is None else waiting.folder, **message)

    def _put(self, message: Mapping[str, Any]) -> int:
        self._numbers += 1
        self._unsent.put({**message, "number": self._numbers})
        return self._numbers

    def _send_all(self, process: JsonProcess) -> None:
        while (message := self._unsent.get()) is not None:
            try:
                process.send(message)
            except (EngineError, ValueError):  # the process is gone or closed, which the receiver reports
                return

    def _receive_all(self, process: JsonProcess) -> None:
        while True:
            try:
                message = process.receive()
                self._replies.put(Reply(message["number"], untagged(OUTCOMES, message["outcome"])))
            except (EngineError, ValueError) as error:
                self._replies.put(Ended(error.how if isinstance(error, ProcessFailed) else str(error)))
                return

    def wait(self) -> None:
        """Wait until everything asked for has an outcome, at most as long as the tracker's settings say."""
        patience = self.tracker.init_timeout + self.tracker.finish_timeout
        slow, failures = time.monotonic() + SLOW_S, 0
        deadline = time.monotonic() + START_S + patience
        while self._expected:
            reply = self._next_reply(min(slow, deadline))
            if reply is None and slow < deadline:
                print(
                    f"W&B is still at work, at most {patience:g} s a run; the results are complete even after Ctrl-C.",
                    file=sys.stderr,
                )
                slow = math.inf
            elif reply is None:
                self._give_up(f"W&B did not answer within {patience:g} s (tracker.init_timeout and tracker.finish_timeout)")
            elif isinstance(reply, Ended):
                self._give_up(reply.why)
            else:
                self._settle(reply)
                outcome, deadline = reply.outcome, time.monotonic() + patience
                if not isinstance(outcome, Failed) or outcome.alone:
                    failures = 0
                elif (failures := failures + 1) == FAILURES:
                    self._give_up(outcome.why)

    def _next_reply(self, deadline: float) -> Reply | Ended | None:
        with contextlib.suppress(queue.Empty):
            return self._replies.get(timeout=max(0.0, deadline - time.monotonic()))
        return None

    def _settle(self, reply: Reply) -> None:
        published = self._expected.pop(reply.number)
        published.outcome = reply.outcome
        if isinstance(reply.outcome, Online | Offline):
            with contextlib.suppress(OSError):  # on a full disk; a run without a note is only published again
                self.notes.write(published, reply.outcome)

    def _give_up(self, why: str) -> None:
        """Mark everything that has no outcome yet as failed: it would only wait for the same thing."""
        with contextlib.suppress(queue.Empty):
            while isinstance(reply := self._replies.get_nowait(), Reply):
                self._settle(reply)
        for published in self._expected.values():
            published.outcome = Failed(why)
        self._expected.clear()

    def close(self) -> None:
        """End the process. May be called twice."""
        self._unsent.put(None)
        if self._process is not None:
            self._process.close()
