"""Making an adapter: the teacher's texts become examples, the student is trained on them, the adapter is put in its place.

Killed at any moment, the same command goes on from the last checkpoint. Several processes do not train one adapter.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from har_llm import rates, weights
from har_llm.adapters import MANIFEST, adapter_digest
from har_llm.distill.card import CURVE, card_title, model_card
from har_llm.distill.examples import Selection
from har_llm.distill.tools import check_tools, chosen_trainer
from har_llm.distill.worker import trained
from har_llm.environment import library_versions, machine
from har_llm.errors import MissingError
from har_llm.lesson import Lesson, manifest, name_base
from har_llm.rates import Rate
from har_llm.run import PreparedRun, check_adapter
from har_llm.store import digest

WAIT_S = 5.0
BEAT_S = 60.0
"""A training that has given no sign of life for ten times as long is taken for dead by other machines."""
SAME_START_S = 2.0
"""By how much the system may differ from itself about when a process was started."""
LOG = "loss.jsonl"
LIBRARIES = ("torch", "transformers", "peft", "trl", "datasets", "unsloth", "bitsandbytes")


class Pupil(Protocol):
    """Who is told how the training goes."""

    def learning(self, lesson: Lesson, selection: Selection, done: int) -> None: ...

    def trains(self, lesson: Lesson, selection: Selection, about: Mapping[str, Any]) -> None:
        """The first step comes next. `about`: trainable_parameters, parameters, tokens (of all examples), optimizer.

        Also anew, which says why, where it cannot go on from what was done before.
        """

    def learned(self, step: int, loss: float) -> None: ...

    def waits(self, lesson: Lesson, done: int) -> None:
        """Another process trains the adapter, and has done so many steps; told again and again."""


class HeldError(MissingError):
    """Another process trains the adapter."""


def check_lesson(run: PreparedRun) -> None:
    """Refuse an adapter that is damaged, or that could not be made here, before its teacher writes. Raises MissingError.

    Also one that was trained anew since the first texts of the run. A run that has all its texts needs none.
    """
    if run.lesson is None or run.complete():
        return
    there = run.lesson.weights()
    if there is None:
        check_tools(run.lesson.lora)
    else:
        store = run.open_store()
        stored = (request.key for request in run.requests if request.key in store)
        check_adapter(run, store.get_many(stored), there)


def learn(lesson: Lesson, watcher: Pupil) -> None:
    """Put the lesson's adapter in its place: train it, or wait for the process that does. Raises HarError."""
    selection = lesson.select()
    while not lesson.folder.exists():
        try:
            _learn_here(lesson, selection, watcher)
        except HeldError:
            watcher.waits(lesson, len(losses_so_far(lesson)))
            time.sleep(WAIT_S)


def _learn_here(lesson: Lesson, selection: Selection, watcher: Pupil) -> None:
    """Raises HeldError while another process does so."""
    aside = _aside(lesson)
    aside.mkdir(parents=True, exist_ok=True)
    with _claimed(aside) as check_claim:
        if lesson.folder.exists():  # another process has just made it
            return
        selection, about, losses = _train(lesson, selection, aside, watcher, check_claim)
        check_claim()
        _put_in_place(lesson, selection, about, losses, aside)
    shutil.rmtree(aside, ignore_errors=True)


def _train(
    lesson: Lesson, selection: Selection, aside: Path, watcher: Pupil, check_claim: Callable[[], None]
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
            check_claim()
            if "too_long" in message:
                unlearnable = lesson.lora.examples.unlearnable
                long, longest, more = message["too_long"], message["longest"], message["more"]
                selection = selection.without_long(long, longest, unlearnable, more)
            elif "about" in message:
                about, began = message["about"], time.monotonic()
                watcher.trains(lesson, selection, about)
                if about.pop("anew", None):
                    stream.truncate(0)
            else:
                stream.write(json.dumps([message["step"], message["loss"]]) + "\n")
                stream.flush()
                watcher.learned(message["step"], message["loss"])
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
def _claimed(aside: Path) -> Iterator[Callable[[], None]]:
    """The training for this process alone; one whose process is dead is taken over. Raises HeldError.

    Yields what raises MissingError once the claim is lost: deleted, or taken over while this process seemed dead.
    """
    claim, mine = _claim(aside)
    lost, done = threading.Event(), threading.Event()

    def check() -> None:
        if lost.is_set():
            raise MissingError(
                f"{claim} is no longer this process's: it was deleted, or another process trains the adapter now. Run the "
                f"same command again once there is none; it goes on from the last checkpoint."
            )

    def beat() -> None:
        while not done.wait(BEAT_S):
            if _read(claim) != mine or _next(aside, mine).exists():
                lost.set()
                return
            with contextlib.suppress(OSError):  # a file system that is away for a while
                os.utime(claim)

    beating = threading.Thread(target=beat, daemon=True)
    beating.start()
    try:
        yield check
    finally:
        done.set()
        beating.join()
        if _read(claim) == mine:
            claim.unlink(missing_ok=True)


def _claim(aside: Path) -> tuple[Path, str]:
    """Put a claim of this process in place, whole or not at all: where, and what it says. Raises HeldError, MissingError.

    The claim of a dead process is left there. Whoever takes over makes the one claim that is named after it, and only one
    can, however many try at once.
    """
    claim = aside / "claim.json"
    while (held := _read(claim)) is not None:
        if not _abandoned(claim, held):
            raise HeldError(f"Another process is training the adapter; {claim} says so.")
        claim = _next(aside, held)
    token = secrets.token_hex(8)
    mine = json.dumps({"host": platform.node(), "pid": os.getpid(), "started": _started(), "token": token})
    written = aside / f".claim-{token}"
    try:
        written.write_text(mine, encoding="utf-8")
        os.link(written, claim)
    except FileExistsError:
        raise HeldError(f"Another process has just begun to train the adapter; {claim} says so.") from None
    except FileNotFoundError:
        raise HeldError(f"Another process has just put the adapter in its place and taken {aside} away.") from None
    except OSError as error:
        raise MissingError(f"{claim} cannot be written ({error.strerror or error}); set paths.outputs otherwise.") from None
    finally:
        written.unlink(missing_ok=True)
    return claim, mine


def _next(aside: Path, claim: str) -> Path:
    """Where the claim is that takes over from one that says this."""
    return aside / f"claim-{digest(claim)[:16]}.json"


def _read(claim: Path) -> str | None:
    try:
        return claim.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None


def _abandoned(claim: Path, content: str) -> bool:
    """Whether nobody holds the claim any more: its process is gone, or, elsewhere, has been silent for long."""
    try:
        holder = json.loads(content)
        if holder["host"] != platform.node():
            return time.time() - claim.stat().st_mtime > 10 * BEAT_S
        pid, started = int(holder["pid"]), float(holder.get("started") or 0.0)
    except (OSError, ValueError, TypeError, LookupError, AttributeError):
        return True
    alive = _started(pid)
    # A number may be given again: to this very process, in a container that was started anew, or to any other.
    return alive is None or pid == os.getpid() or (started > 0.0 and abs(alive - started) > SAME_START_S)


def _started(pid: int | None = None) -> float | None:
    """When a process, or this one, was started; None when there is none."""
    import psutil

    try:
        return float(psutil.Process(pid).create_time())
    except psutil.Error:
        return None
