"""The tracker's own process: it publishes what the command sends, one after the other, and replies with the outcomes.

W&B's client may hang, crash or print here: the command only waits, and not longer than its settings say.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from har_llm.common.errors import HarError
from har_llm.common.process import Caller
from har_llm.common.typed_json import tagged, typed
from har_llm.config.tracker import WandbTracker
from har_llm.distill.training_messages import TrainingStep
from har_llm.runs.directory import read_run
from har_llm.tracking.content import run_content
from har_llm.tracking.dashboard import save
from har_llm.tracking.live import (
    Generating,
    GeneratingStep,
    LiveContent,
    Training,
    generating_content,
    read_training,
    teachers_generations,
    training_content,
)
from har_llm.tracking.outcomes import Dropped, Failed, Offline, Outcome
from har_llm.tracking.wandb_client import Client, NotPublished, prepare_environment, reason, warm_up

BEHIND = 5
"""The process's niceness, so that engines have priority."""


class Worker:
    def __init__(self, tracker: WandbTracker, folder: Path):
        self._tracker = tracker
        self._client = Client(tracker, folder)
        self._live: Any = None
        """The open W&B run of what is being shown; None if W&B refused it."""
        self._step: type[TrainingStep | GeneratingStep] = TrainingStep

    def run(self, message: dict[str, Any]) -> Outcome:
        content = run_content(
            read_run(Path(message["folder"])),
            job_type=message["job_type"],
            group=message["group"],
            tags=self._tracker.tags,
            samples=self._tracker.samples,
            adapter=None if message["adapter"] is None else Path(message["adapter"]),
        )
        return self._client.publish(replace(content, id=message["id"]))

    def training(self, message: dict[str, Any]) -> None:
        """Show a training that begins. An error is ignored here: the training can be published from its adapter at the
        end."""
        self._begin(self._content(typed(Training, message["training"]), message["group"]), TrainingStep)

    def generating(self, message: dict[str, Any]) -> None:
        """Show the generations of a model that begin. An error is ignored: what is made is published with the runs."""
        made = generating_content(typed(Generating, message["generating"]), message["group"], self._tracker.tags)
        self._begin(made, GeneratingStep)

    def _begin(self, content: LiveContent, step: type[TrainingStep | GeneratingStep]) -> None:
        self._live, self._step = None, step
        with suppress(NotPublished):
            self._live = self._client.begin(content)

    def step(self, message: dict[str, Any]) -> None:
        if self._live is not None:
            try:
                self._client.log_step(self._live, typed(self._step, message["step"]))
            except NotPublished:
                self._live = None

    def generated(self, message: dict[str, Any]) -> Outcome:
        """End what is shown of a model whose generations are all made."""
        run, self._live = self._live, None
        return Dropped() if run is None else self._client.end(run)

    def trained(self, message: dict[str, Any]) -> Outcome:
        """End a training that succeeded. If it could not be shown live, it is published from its adapter."""
        if self._live is None:
            return self.adapter(message)
        run, self._live = self._live, None
        folder = Path(message["folder"])
        try:
            training = read_training(folder)
        except HarError:
            self._close(run)
            raise
        return self._end_training(run, folder, training, message["group"])

    def dropped(self, message: dict[str, Any]) -> Outcome:
        """End what did not come to its end. When it is resumed, the same W&B run shows it from its first step."""
        if self._live is not None:
            run, self._live = self._live, None
            self._close(run)
        return Dropped()

    def _close(self, run: Any) -> None:
        """Close a W&B run as failed. If it stayed open, the next one would continue it."""
        with suppress(NotPublished):
            self._client.end(run, 1)

    def adapter(self, message: dict[str, Any]) -> Outcome:
        """Publish a finished training from its adapter."""
        folder = Path(message["folder"])
        training = read_training(folder)
        run = self._client.begin(self._content(training, message["group"]))
        return self._end_training(run, folder, training, message["group"])

    def _end_training(self, run: Any, folder: Path, training: Training, group: str) -> Outcome:
        return self._client.end_training(run, folder, self._content(training, group), teachers_generations(folder, training))

    def _content(self, training: Training, group: str) -> LiveContent:
        return training_content(training, group, self._tracker.tags)

    def dashboard(self, message: dict[str, Any]) -> Outcome:
        if self._client.mode == "offline":
            raise NotPublished("this machine is not logged in to W&B; run `wandb login` first")
        return save(self._tracker, message["id"])

    def answer(self, message: dict[str, Any]) -> Outcome | None:
        """The outcome of a message; None for a message without one."""
        try:
            if message.get("waiting") is not None and self._client.mode == "offline":
                return Offline(message["waiting"], again=True)
            outcome: Outcome | None = getattr(self, message["do"])(message)
        except NotPublished as error:
            # A training may have ended long ago, and W&B may be available again by now.
            return Failed(str(error), alone=message["do"] == "trained")
        except HarError as error:
            return Failed(str(error), alone=True)
        except Exception as error:  # a bug of ours or of a library must not stop later runs from being published
            return Failed(f"{type(error).__name__}: {reason(error)}", alone=True)
        return outcome


def serve(caller: Caller) -> None:
    """The process's side: the first message says where to publish, each further one what to publish."""
    with suppress(OSError, AttributeError):  # some systems have no nice
        os.nice(BEHIND)
    first = caller.receive()
    prepare_environment(Path(first["folder"]))
    worker = Worker(WandbTracker(**first["tracker"]), Path(first["folder"]))
    warm_up()
    while True:
        message = caller.receive()
        outcome = worker.answer(message)
        if outcome is not None:
            caller.reply({"number": message["number"], "outcome": tagged(outcome)})
