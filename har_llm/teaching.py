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
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from har_llm import rates, weights
from har_llm.distill.card import CURVE, card_title, model_card
from har_llm.distill.examples import Selection
from har_llm.distill.tools import check_tools, chosen_trainer
from har_llm.distill.worker import trained
from har_llm.environment import library_versions, machine
from har_llm.errors import MissingError
from har_llm.lesson import MANIFEST, Lesson, manifest, name_base
from har_llm.rates import Rate
from har_llm.weights import adapter_digest

BEAT_S = 60.0
"""A training that has not told of a step for ten times as long is taken for dead by other machines."""
LOG = "loss.jsonl"
LIBRARIES = ("torch", "transformers", "peft", "trl", "datasets", "unsloth", "bitsandbytes")


class Pupil(Protocol):
    """Who is told how the training goes."""

    def learning(self, lesson: Lesson, selection: Selection, done: int) -> None: ...

    def trains(self, lesson: Lesson, selection: Selection, about: Mapping[str, Any]) -> None:
        """The first step comes next. `about`: trainable_parameters, parameters, tokens (of all examples), optimizer."""

    def learned(self, step: int, loss: float) -> None: ...


def check_lesson(lesson: Lesson | None) -> None:
    """Refuse an adapter that is damaged, or that could not be made here, before its teacher writes. Raises MissingError."""
    if lesson is not None and not lesson.learned():
        check_tools(lesson.lora)


def learn(lesson: Lesson, watcher: Pupil) -> None:
    """Train the lesson's adapter and put it in place. Raises HarError; what is done is kept."""
    selection = lesson.select()
    aside = _aside(lesson)
    aside.mkdir(parents=True, exist_ok=True)
    with _claimed(aside) as beat:
        if lesson.folder.exists():  # another process has just made it
            return
        selection, about, losses = _train(lesson, selection, aside, watcher, beat)
        _put_in_place(lesson, selection, about, losses, aside)
    shutil.rmtree(aside, ignore_errors=True)


def _train(
    lesson: Lesson, selection: Selection, aside: Path, watcher: Pupil, beat: Callable[[], None]
) -> tuple[Selection, dict[str, Any], list[list[float]]]:
    """What was learned from, what is to be said of it, and the losses; the adapter is in `aside`."""
    log, trainer = aside / LOG, chosen_trainer(lesson.lora.trainer)
    _write_lines(aside / "rows.jsonl", (example.as_row() for example in selection.examples))
    done = _losses(log)
    _write_lines(log, done)  # without what a kill has torn
    watcher.learning(lesson, selection, len(done))
    base = weights.obtain(lesson.student)
    job = lesson.job(base, aside / "rows.jsonl", aside / "adapter", aside / "checkpoints", trainer)
    about: dict[str, Any] = {}
    steps, started, began = 0, time.monotonic(), 0.0
    with log.open("a", encoding="utf-8") as stream, contextlib.closing(trained(job)) as messages:
        for message in messages:
            if "too_long" in message:
                unlearnable = lesson.lora.examples.unlearnable
                selection = selection.without_long(message["too_long"], message["longest"], unlearnable)
            elif "about" in message:
                about, began = message["about"], time.monotonic()
                watcher.trains(lesson, selection, about)
            else:
                stream.write(json.dumps([message["step"], message["loss"]]) + "\n")
                stream.flush()
                watcher.learned(message["step"], message["loss"])
                beat()
                steps += 1
    ended = time.monotonic()
    if steps:  # none where only the writing of the adapter was owed
        rates.note_rate(lesson.teacher.outputs / "store", lesson.work, Rate(began - started, ended - began, steps, 0))
    about |= {"trainer": trainer, "seconds_of_last_start": round(ended - started, 1)}
    return selection, {**about, "versions": library_versions(LIBRARIES), "hardware": machine()}, _losses(log)


def _put_in_place(
    lesson: Lesson, selection: Selection, about: dict[str, Any], losses: list[list[float]], aside: Path
) -> None:
    from har_llm.distill.curve import draw_losses  # which imports matplotlib

    folder = aside / "adapter"
    name_base(folder, lesson.student)
    content = {**manifest(lesson, selection, about, losses), "weights": adapter_digest(folder)}
    (folder / MANIFEST).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    draw_losses(losses, card_title(content), lesson.provenance, folder / CURVE)
    (folder / "README.md").write_text(model_card(content), encoding="utf-8")
    try:
        folder.rename(lesson.folder)
    except OSError:
        if not lesson.folder.exists():
            raise


def _write_lines(path: Path, values: Iterable[Any]) -> None:
    with path.open("w", encoding="ascii") as stream:
        stream.writelines(json.dumps(value) + "\n" for value in values)


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
