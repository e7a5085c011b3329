"""Making an adapter: the teacher's texts become examples, the student is trained on them, the adapter is put in its place.

Killed at any moment, the same command goes on from the last checkpoint. Several processes do not train one adapter.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

from har_llm import weights
from har_llm.distill.card import model_card
from har_llm.distill.examples import Example, Selection
from har_llm.distill.worker import trained, unsloth_installed
from har_llm.environment import library_versions, machine
from har_llm.errors import MissingError
from har_llm.lesson import MANIFEST, Lesson, manifest
from har_llm.memory import has_gpu
from har_llm.weights import adapter_digest

BEAT_S = 60.0
"""A training that has not told of a step for ten times as long is taken for dead by other machines."""
LOG = "loss.jsonl"
LIBRARIES = ("torch", "transformers", "peft", "trl", "datasets", "unsloth", "bitsandbytes")


class Pupil(Protocol):
    """Who is told how the training goes."""

    def learning(self, lesson: Lesson, selection: Selection, done: int) -> None: ...

    def learned(self, step: int, loss: float) -> None: ...


def learn(lesson: Lesson, watcher: Pupil) -> None:
    """Train the lesson's adapter and put it in place. Raises HarError; what is done is kept."""
    selection = lesson.select()
    aside = _aside(lesson)
    aside.mkdir(parents=True, exist_ok=True)
    with _claimed(aside) as beat:
        if lesson.folder.exists():  # another process has just made it
            return
        _write_rows(aside / "rows.jsonl", selection.examples)
        log = aside / LOG
        watcher.learning(lesson, selection, len(_losses(log)))
        trainer = _trainer(lesson.lora.trainer)
        job = lesson.job(
            weights.obtain(lesson.student), aside / "rows.jsonl", aside / "adapter", aside / "checkpoints", trainer
        )
        about: dict[str, Any] = {}
        started = time.monotonic()
        with log.open("a", encoding="utf-8") as stream:
            for message in trained(job):
                about |= message.get("about", {})
                if "step" in message:
                    stream.write(json.dumps([message["step"], message["loss"]]) + "\n")
                    stream.flush()
                    watcher.learned(message["step"], message["loss"])
                    beat()
        seconds = time.monotonic() - started
        about |= {"trainer": trainer, "seconds_of_last_start": round(seconds, 1)}
        about |= {"versions": library_versions(LIBRARIES), "hardware": machine()}
        _put_in_place(lesson, selection, about, _losses(log), aside)
    shutil.rmtree(aside, ignore_errors=True)


def _put_in_place(
    lesson: Lesson, selection: Selection, about: dict[str, Any], losses: list[list[float]], aside: Path
) -> None:
    folder = aside / "adapter"
    content = {**manifest(lesson, selection, about, losses), "weights": adapter_digest(folder)}
    (folder / MANIFEST).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    (folder / "README.md").write_text(model_card(content), encoding="utf-8")
    try:
        folder.rename(lesson.folder)
    except OSError:
        if not lesson.folder.exists():
            raise


def _trainer(wanted: str) -> str:
    if wanted != "auto":
        return wanted
    return "unsloth" if has_gpu() and unsloth_installed() else "trl"


def _write_rows(path: Path, examples: Iterator[Example] | Any) -> None:
    with path.open("w", encoding="ascii") as stream:
        stream.writelines(json.dumps(example.as_row()) + "\n" for example in examples)


def losses_so_far(lesson: Lesson) -> list[list[float]]:
    """Step and loss of a training that was begun, perhaps by a process that was killed."""
    return _losses(_aside(lesson) / LOG)


def _aside(lesson: Lesson) -> Path:
    """Where an adapter is made, before it is put in its place."""
    return lesson.folder.with_name(f".{lesson.folder.name}")


def _losses(log: Path) -> list[list[float]]:
    """Step and loss, each step once: what was done again after a kill takes the place of what was lost."""
    steps: dict[int, float] = {}
    if log.is_file():
        for line in log.read_text(encoding="utf-8").splitlines():
            with contextlib.suppress(ValueError, TypeError):  # torn by a kill
                step, loss = json.loads(line)
                steps[int(step)] = float(loss)
    return [[step, steps[step]] for step in sorted(steps)]


@contextlib.contextmanager
def _claimed(aside: Path) -> Iterator[Any]:
    """The training for this process alone; one whose process is dead is taken over. Raises MissingError."""
    claim = aside / "claim.json"
    me = {"host": platform.node(), "pid": os.getpid()}
    for _ in range(2):
        try:
            handle = os.open(claim, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
            break
        except FileExistsError:
            if not _abandoned(claim):
                raise MissingError(
                    f"Another process is training the adapter in {aside}; wait for it, or delete {claim} if there is none."
                ) from None
            claim.unlink(missing_ok=True)
    else:
        raise MissingError(f"Another process has just begun to train the adapter in {aside}; wait for it.")
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        json.dump(me, stream)
    try:
        yield lambda: os.utime(claim)
    finally:
        claim.unlink(missing_ok=True)


def _abandoned(claim: Path) -> bool:
    """Whether nobody holds the claim any more: its process is gone, or, elsewhere, has been silent for long."""
    try:
        holder = json.loads(claim.read_text(encoding="utf-8"))
        silent = time.time() - claim.stat().st_mtime
    except (OSError, ValueError):
        return True
    if holder.get("host") != platform.node():
        return silent > 10 * BEAT_S
    import psutil

    return not psutil.pid_exists(int(holder.get("pid", -1)))
