"""Shows the progress of a command."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from har_llm.common.console import plain
from har_llm.common.numbers import counted, percent
from har_llm.common.text import visible
from har_llm.engines.base import Generation
from har_llm.sweep.callbacks import Callback

if TYPE_CHECKING:
    from har_llm.distill.examples import Selection
    from har_llm.distill.training_messages import TrainingStart, TrainingStep
    from har_llm.models.resolve import ResolvedModel
    from har_llm.runs.recipe import AdapterRecipe
    from har_llm.sweep.job import Job
    from har_llm.sweep.plan import Load, Plan

PLAIN_REPORT_EVERY_S = 10.0


class LiveProgress(Callback):
    """Shows the progress of a command on standard error: a bar on a terminal, elsewhere a line now and then.

    The bar counts the generations of the whole command, a line those of the model that it names. It shows nothing until
    something is to be made.
    """

    def __init__(self) -> None:
        self._total = self._done = self._tokens = self._loads = 0
        self._load_total = self._load_done = 0
        self._load_number, self._what, self._rate, self._steps = 0, "", "", 0
        self._waiting = ("", "")
        self._started = self._reported = time.monotonic()
        self._bar: Progress | None = None
        self._quiet = False
        self._selection: Selection | None = None
        self._failed: dict[str, list[str]] = {}
        """By error: the titles of the jobs that have failed with it."""

    def __enter__(self) -> LiveProgress:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._bar is not None:
            self._bar.stop()
        for first, *more in self._failed.values():
            if more:
                self._say(f"error: {len(more)} more with the error of {first}: {'; '.join(more)}")

    def failed(self, job: Job) -> None:
        if not job.title:
            return  # a single job's error ends the command, which shows it
        titles = self._failed.setdefault(str(job.error), [])
        titles.append(job.title)
        if len(titles) == 1:  # one cause of many failures is told once
            self._say(f"error: {job.title}: {job.error}")

    def noticed(self, what: str) -> None:
        self._say(f"note: {what}")

    def planned(self, plan: Plan) -> None:
        self._total, self._loads = plan.wanted, sum(not load.is_baseline for load in plan.loads)
        self._done, self._load_number = self._total - plan.owed, 0

    def loading(self, load: Load) -> None:
        self._quiet = load.is_baseline  # it is there in seconds
        self._load_number += not load.is_baseline
        self._started, self._tokens = time.monotonic(), 0
        self._load_total, self._load_done = len(load.requests), 0
        reason = load.runs[0].engine_reason
        self._what = f"{load.model.config.name} on " + ", ".join(
            dict.fromkeys(run.experiment.dataset.name for run in load.runs)
        )
        title = self._what + next((run.provenance.suffix for run in load.runs if run.provenance.label), "")
        title += f"; engine: {reason}" if reason else f"; engine: {load.engine.engine_name}"
        if self._loads > 1:
            title = f"model {self._load_number} of {self._loads}: {title}"
        server = load.engine.about().get("server")
        doing = f"asking {server}" if server else "loading the model"
        if not self._quiet:
            self._say(f"{title}; {counted(self._load_total, 'generation')} to make, {doing}")
        for note in load.notes:
            self._say(f"{load.model.config.name}: {note}")
        self._show("loading")

    def generated(self, generation: Generation) -> None:
        self._done += 1
        self._load_done += 1
        self._tokens += generation.completion_tokens
        rate = self._tokens / max(1e-9, time.monotonic() - self._started)
        self._rate = f"{rate:,.{0 if rate >= 10 else 1}f} tokens/s"
        self._show("generations")

    def generation_waits(self, load: Load, holder: str) -> None:
        if self._waiting != (load.model.config.name, holder):
            self._waiting = load.model.config.name, holder
            self._say(f"{load.model.config.name}: waiting for generations of a command that was started before: {holder}")

    def further(self, load: Load) -> None:
        more = len(load.requests)
        self._total, self._load_total = self._total + more, self._load_total + more
        if self._bar is not None:
            self._bar.update(self._task, total=self._total)
        self._say(f"{self._what}: {counted(more, 'more generation')} to make, for windows of which none is right yet")

    def training_starts(self, recipe: AdapterRecipe, selection: Selection, done: int) -> None:
        training = recipe.lora.training
        self._what, self._steps = f"{recipe.experiment.model.name} {recipe.lora.label()}", training.max_steps
        self._say(
            f"{self._what}{recipe.provenance.suffix}: {selection.summary()}; {training.extent(len(selection.examples))}"
            + (f"; it resumes near step {done}" if done else "")
        )
        self._selection = selection

    def training_described(self, recipe: AdapterRecipe, selection: Selection, start: TrainingStart) -> None:
        if selection != self._selection:  # the student's tokenizer has found examples that are too long
            extent = recipe.lora.training.extent(len(selection.examples))
            self._say(f"{self._what}: {selection.summary()}; {extent}")
        if start.note is not None:
            self._say(f"{self._what}: {start.note}")
        trainable, total = start.trainable_parameters, start.parameters
        self._say(
            f"{self._what}: {trainable:,} of {total:,} parameters are trained ({percent(trainable / total)} %), on "
            f"{start.tokens:,} tokens"
        )

    def training_step(self, step: TrainingStep) -> None:
        at_once = step.number == self._steps
        self._tell_step(f"training, step {step.number} of {self._steps}, loss {step.loss:.3f}", at_once=at_once)

    def training_ends(self, recipe: AdapterRecipe) -> None:
        self._say(f"{self._what}: its adapter is in {recipe.folder}, for lora.path")

    def training_waits(self, recipe: AdapterRecipe, done: int, holder: str) -> None:
        self._what, steps = f"{recipe.experiment.model.name} {recipe.lora.label()}", recipe.lora.training.max_steps
        if self._waiting != (recipe.key, holder):
            self._waiting = recipe.key, holder
            self._say(f"{self._what}: waiting for its adapter: {holder}")
        self._tell_step(f"waiting for its adapter, step {done} of {steps}", at_once=False)

    def _tell_step(self, text: str, *, at_once: bool) -> None:
        if self._bar is not None:
            self._bar.update(self._task, description=text, rate="")
        elif at_once or self._is_time_to_report():
            self._reported = time.monotonic()
            self._say(f"{self._what}: {text}")

    def fetched(self, model: ResolvedModel, folder: Path) -> None:
        self._say(f"{model.config.name}: {model.config.id} is in {folder}")

    def _show(self, what: str) -> None:
        if sys.stderr.isatty():
            self._show_bar(what)
        elif not self._quiet and self._load_done and (self._load_done == self._load_total or self._is_time_to_report()):
            self._reported = time.monotonic()
            self._say(f"{self._what}: {self._load_done} of {counted(self._load_total, 'generation')}, {self._rate}")

    def _is_time_to_report(self) -> bool:
        return time.monotonic() - self._reported > PLAIN_REPORT_EVERY_S

    def _show_bar(self, what: str) -> None:
        if self._bar is None:
            columns = (
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.fields[rate]}"),
            )
            terminal = Console(stderr=True, highlight=False)
            self._bar = Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=terminal)
            self._task = self._bar.add_task(what, total=self._total, completed=self._done, rate="")
            self._bar.start()
        description = f"model {self._load_number} of {self._loads}" if self._loads > 1 else what
        self._bar.update(self._task, completed=self._done, description=description, rate=self._rate)

    def _say(self, text: str) -> None:
        """Print a line, above the bar if there is one."""
        if self._bar is not None:
            self._bar.console.print(plain(text), soft_wrap=True)
        else:
            print(visible(text), file=sys.stderr, flush=True)
