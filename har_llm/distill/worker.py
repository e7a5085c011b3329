"""A training in a process of its own: `python -m har_llm.distill.worker`, which is told its job and tells its progress."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from typing import Any

from har_llm.distill.job import TrainingJob
from har_llm.errors import HarError
from har_llm.process import Caller, JsonProcess


def trained(job: TrainingJob) -> Iterator[dict[str, Any]]:
    """Train, in a process that has ended afterwards. Yields what is trained ("about"), then every step's loss.

    Raises EngineError when it cannot go on; the same job goes on from its last checkpoint.
    """
    process = JsonProcess("har_llm.distill.worker", "The training's process")
    try:
        process.send(job.as_message())
        while "done" not in (message := process.receive()):
            yield message
    finally:
        process.close()


def unsloth_installed() -> bool:
    return importlib.util.find_spec("unsloth") is not None


def main() -> None:
    caller = Caller()
    try:
        job = TrainingJob.from_message(caller.receive())
        if job.trainer == "unsloth":
            from har_llm.distill.unsloth_trainer import train
        else:
            from har_llm.distill.trl_trainer import train
        train(job, caller.reply)
        caller.reply({"done": True})
    except HarError as error:
        caller.reply({"error": str(error)})


if __name__ == "__main__":
    main()
