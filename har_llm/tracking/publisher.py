"""The command's side of the tracker's process: it sends what is to be published, and waits for the outcomes only at the end.

Threads do all sending and receiving, so that a client that hangs cannot delay an engine or a training.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import math
import os
import queue
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from har_llm.common.digest import digest
from har_llm.common.errors import EngineError
from har_llm.common.files import write_whole
from har_llm.common.paths import expanded
from har_llm.common.process import JsonProcess, ProcessEnded
from har_llm.config import WandbTracker

FOLDER = "wandb"
"""The folder below paths.outputs, under the client's own name."""
START_S = 60.0
"""Seconds for the process to start and to import the client from a slow disk."""
SLOW_S = 10.0
"""Seconds of waiting after which the user is told about it."""
FAILURES = 2
"""Failures in a row after which the fault is W&B's, not a run's, and the other runs are not tried."""


@dataclass
class Published:
    """Something to be published, and its outcome."""

    id: str
    """Id of the W&B run."""
    name: str
    runs: list[Path] = field(default_factory=list)
    """The run directories that it belongs to."""
    outcome: dict[str, Any] = field(default_factory=dict)
    """{"url": ...}, {"folder": ...} (written offline) or {"failed": ...}; empty until it is known."""
    reported: bool = True
    """Whether the user is told the outcome."""


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
        self._replies: queue.Queue[dict[str, Any]] = queue.Queue()
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
        if self.notes.online(published.id):
            note = self.notes.find(published.id) or {}
            published.outcome = {"url": note.get("url", f"sent by wandb sync from {note.get('folder')}"), "again": True}
            self.asked.append(published)
            return
        waiting = self.notes.waiting(published.id)
        self.ask(published, do, waiting=None if waiting is None else waiting.name, **message)

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
                self._replies.put(process.receive())
            except (EngineError, ValueError) as error:
                self._replies.put({"over": error.how if isinstance(error, ProcessEnded) else str(error)})
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
                    f"Still publishing, at most {patience:g} s for each run; the results are complete even after Ctrl-C.",
                    file=sys.stderr,
                )
                slow = math.inf
            elif reply is None:
                self._give_up(f"W&B did not answer within {patience:g} s (tracker.init_timeout and tracker.finish_timeout)")
            elif "over" in reply:
                self._give_up(reply["over"])
            else:
                self._settle(reply)
                failures = failures + 1 if "failed" in reply and not reply.get("alone") else 0
                if failures == FAILURES:
                    self._give_up(reply["failed"])
                deadline = time.monotonic() + patience

    def _next_reply(self, deadline: float) -> dict[str, Any] | None:
        with contextlib.suppress(queue.Empty):
            return self._replies.get(timeout=max(0.0, deadline - time.monotonic()))
        return None

    def _settle(self, outcome: dict[str, Any]) -> None:
        published = self._expected.pop(outcome.pop("number"))
        published.outcome = outcome
        if "url" in outcome or "folder" in outcome:
            with contextlib.suppress(OSError):  # on a full disk; a run without a note is only published again
                self.notes.write(published, outcome)

    def _give_up(self, why: str) -> None:
        """Mark everything that has no outcome yet as failed: it would only wait for the same thing."""
        with contextlib.suppress(queue.Empty):
            while "over" not in (reply := self._replies.get_nowait()):
                self._settle(reply)
        for published in self._expected.values():
            published.outcome = {"failed": why}
        self._expected.clear()

    def close(self) -> None:
        """End the process. May be called twice."""
        self._unsent.put(None)
        if self._process is not None:
            self._process.close()


@dataclass(frozen=True)
class PublishedNotes:
    """Notes of what was published: a file for each W&B run. Run directories themselves never change."""

    folder: Path
    tracker: WandbTracker

    def _file(self, id: str) -> Path:
        place = [os.environ.get("WANDB_BASE_URL"), self.tracker.entity, self.tracker.project, id]
        return self.folder / "published" / f"{id}-{digest(place)[:10]}.json"

    def find(self, id: str) -> dict[str, Any] | None:
        """The note of a W&B run: "url" if it is online, "folder" if it waits for `wandb sync`."""
        try:
            note: dict[str, Any] = json.loads(self._file(id).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return note

    def online(self, id: str) -> bool:
        """Whether W&B has the run, uploaded by us or by `wandb sync`."""
        note = self.find(id)
        return note is not None and ("url" in note or self._synced(note))

    def waiting(self, id: str) -> Path | None:
        """The folder of a run that was written offline and waits for `wandb sync`."""
        note = self.find(id)
        if note is None or "folder" not in note or self._synced(note):
            return None
        folder = self.folder / note["folder"]
        return folder if folder.is_dir() else None

    def _synced(self, note: dict[str, Any]) -> bool:
        return any((self.folder / note.get("folder", ".nowhere")).glob("*.wandb.synced"))

    def write(self, published: Published, outcome: dict[str, Any]) -> None:
        """Write a note. `outcome`: the url, or the folder. Several processes may publish, so the write is atomic."""
        file = self._file(published.id)
        place = {"project": self.tracker.project, "entity": self.tracker.entity}
        content = {"name": published.name, "id": published.id, **place, **outcome}
        content["at"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        write_whole(file, json.dumps(content, indent=1) + "\n")
