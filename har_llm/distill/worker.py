"""Runs a training in a process of its own, which gets a job and replies with its progress."""

from __future__ import annotations

import json
from collections.abc import Generator
from functools import cache
from pathlib import Path

from har_llm.common.errors import EngineError
from har_llm.common.hardware import forget_gpus, gpus, roomiest, shows_only
from har_llm.common.process import Caller, JsonProcess
from har_llm.common.typed_json import tagged, untagged
from har_llm.distill.training_job import TrainingJob
from har_llm.distill.training_messages import MESSAGES, TrainingMessage


def trained(job: TrainingJob) -> Generator[TrainingMessage, None, None]:
    """Train in a process, which ends afterwards. Yields what it says: LongExamples, if any; TrainingStart; then every
    TrainingStep.

    Raises EngineError if the training fails; the same job then resumes from its last checkpoint.
    """
    relief = (
        "; lora.training.per_device_train_batch_size=1 needs least" if job.settings.per_device_train_batch_size > 1 else ""
    )
    process = JsonProcess(
        "har_llm.distill.worker:serve",
        "The training's process",
        _environment(job),
        relief,
        logs=Path(job.checkpoints).parent,
    )
    try:
        process.send(job.as_message())
        while "done" not in (message := process.receive()):
            yield untagged(MESSAGES, message)
    finally:
        process.close()


def check_arguments(job: TrainingJob) -> None:
    """Have TRL and PEFT check lora.training.extra_args; nothing else of the job has to be there. Raises EngineError."""
    if job.settings.extra_args and (refusal := _refusal(json.dumps(job.as_message()))):
        raise EngineError(refusal)


@cache
def _refusal(message: str) -> str | None:
    """What is wrong with the arguments of a job. Asked once a command: the libraries take seconds to be imported."""
    process = JsonProcess("har_llm.distill.worker:check", "The process that checks lora.training.extra_args")
    try:
        process.send(json.loads(message))
        return str(refusal) if (refusal := process.receive()["refusal"]) else None
    finally:
        process.close()


def _environment(job: TrainingJob) -> dict[str, str]:
    """Shows the process only the GPU with most free memory: with several, a step would have several times as many examples.

    Unsloth's compiled cache goes beside the checkpoints instead of the working folder, and its usage statistics are off.
    """
    made = {}
    forget_gpus()
    if found := gpus():
        made = shows_only([roomiest(found)])
    if job.trainer == "unsloth":
        folder = Path(job.checkpoints).with_name("unsloth_compiled_cache").resolve()
        made |= {"UNSLOTH_COMPILE_LOCATION": str(folder), "UNSLOTH_DISABLE_STATISTICS": "1"}
    return made


def serve(caller: Caller) -> None:
    """The process's side."""
    job = TrainingJob.from_message(caller.receive())
    if job.trainer == "unsloth":
        from har_llm.distill.unsloth_trainer import train
    else:
        from har_llm.distill.trl_trainer import train
    train(job, lambda message: caller.reply(tagged(message)))
    caller.reply({"done": True})


def check(caller: Caller) -> None:
    """The side of the process that checks arguments."""
    from har_llm.distill.extra_args import does_not_run
    from har_llm.distill.trl_arguments import arguments

    job = TrainingJob.from_message(caller.receive())
    refusal: EngineError | None = None
    try:
        arguments(job)
    except EngineError as error:
        refusal = error
    except (TypeError, ValueError, AttributeError, ImportError) as error:
        refusal = does_not_run(job.settings.extra_args, error)
    caller.reply({"refusal": refusal and str(refusal)})
