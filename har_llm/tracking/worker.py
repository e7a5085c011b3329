"""The tracker's own process: it publishes what the command asks for, one after the other, and answers what became of it.

W&B's client may hang, die or print here whatever it likes: the command only waits, for as long as it wants to.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from har_llm.common.errors import HarError
from har_llm.common.process import Caller
from har_llm.config import WandbTracker
from har_llm.runs.directory import read_run
from har_llm.tracking.dashboard import save
from har_llm.tracking.run_content import run_content
from har_llm.tracking.training_content import TrainingContent, read_training, training_content
from har_llm.tracking.wandb_client import Client, NotPublished, prepare_environment, reason, warm_up

BEHIND = 5
"""Its niceness: the engine goes first."""


class Worker:
    def __init__(self, tracker: WandbTracker, folder: Path):
        self._tracker = tracker
        self._client = Client(tracker, folder)
        self._open: tuple[Any, TrainingContent] | None = None
        """The training that is going on, unless W&B did not take it."""

    def run(self, message: dict[str, Any]) -> dict[str, Any]:
        if message["waiting"] is not None and self._client.mode == "offline":
            return {"folder": message["waiting"], "again": True}
        content = run_content(
            read_run(Path(message["folder"])),
            group=message["group"],
            tags=self._tracker.tags,
            samples=self._tracker.samples,
            teachers=message["teachers"],
        )
        return self._client.publish(content)

    def training(self, message: dict[str, Any]) -> None:
        """A training begins. What goes wrong is no matter until it ends: it can be published then, from its adapter."""
        training = training_content(message["manifest"], message["name"], message["group"], self._tracker.tags)
        self._open = None
        with suppress(NotPublished):
            self._open = self._client.begin(training), training

    def loss(self, message: dict[str, Any]) -> None:
        if self._open is not None:
            try:
                self._client.log_loss(self._open[0], message["step"], message["loss"])
            except NotPublished:
                self._open = None

    def trained(self, message: dict[str, Any]) -> dict[str, Any]:
        """A training ended. One that could not be shown as it went on is tried once more, from its adapter."""
        if self._open is None:
            return self._from_adapter(message)
        (run, _), self._open = self._open, None
        folder = Path(message["folder"])
        try:
            done = read_training(folder, message["group"], self._tracker.tags)
        except HarError:
            self._close(run)
            raise
        return self._client.end(run, folder, done)

    def dropped(self, message: dict[str, Any]) -> dict[str, Any]:
        """The training ended without an adapter; gone on with, it is shown as the same W&B run, from its beginning."""
        if self._open is not None:
            (run, _), self._open = self._open, None
            self._close(run)
        return {}

    def _close(self, run: Any) -> None:
        """Without an adapter. One that stays open would be taken for the next that begins."""
        with suppress(NotPublished):
            self._client.end(run, None, None)

    def adapter(self, message: dict[str, Any]) -> dict[str, Any]:
        """A training that is over, from its adapter."""
        if message["waiting"] is not None and self._client.mode == "offline":
            return {"folder": message["waiting"], "again": True}
        return self._from_adapter(message)

    def _from_adapter(self, message: dict[str, Any]) -> dict[str, Any]:
        folder = Path(message["folder"])
        training = read_training(folder, message["group"], self._tracker.tags)
        return self._client.end(self._client.begin(training), folder, training)

    def dashboard(self, message: dict[str, Any]) -> dict[str, Any]:
        if self._client.mode == "offline":
            raise NotPublished("this machine is not logged in to W&B; run `wandb login` first")
        return save(self._tracker, message["id"])

    def answer(self, message: dict[str, Any]) -> dict[str, Any] | None:
        """What became of it; nothing for what needs no answer. "alone": it is no sign for others."""
        try:
            done: dict[str, Any] | None = getattr(self, message["do"])(message)
        except NotPublished as error:
            # A training may have ended long before anybody waits for its outcome: W&B may be well again by then.
            return {"failed": str(error), "alone": message["do"] == "trained"}
        except HarError as error:
            return {"failed": str(error), "alone": True}
        except Exception as error:  # a fault of ours or of a library must not cost the runs that come after
            return {"failed": f"{type(error).__name__}: {reason(error)}", "alone": True}
        return done


def serve(caller: Caller) -> None:
    """The process's side: the first message says where to publish; each further one is something to publish."""
    with suppress(OSError, AttributeError):  # not every system has it
        os.nice(BEHIND)
    first = caller.receive()
    prepare_environment(Path(first["folder"]))
    worker = Worker(WandbTracker(**first["tracker"]), Path(first["folder"]))
    warm_up()
    while True:
        message = caller.receive()
        answer = worker.answer(message)
        if answer is not None:
            caller.reply({"number": message["number"], **answer})
