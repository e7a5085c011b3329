"""An outputs folder with every kind of file that we read back, and everything that reads one, in this process."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from har_llm.common.lock import Lock
from har_llm.common.provenance import recorded
from har_llm.config import Experiment, WandbTracker
from har_llm.distill.checkpoints import CHECKPOINT_FILES, OPTIMIZER_FILE, resume_point, seal_checkpoint
from har_llm.models.adapters import ReadyAdapter, resolve_adapter
from har_llm.models.checkpoint import check_whole
from har_llm.report import build
from har_llm.report.compare import comparison
from har_llm.report.compare.one_event import event_table
from har_llm.report.compare.pairing import pair
from har_llm.report.compare.tables import make_tables
from har_llm.report.terminal.plan import show_plan
from har_llm.report.terminal.run import show_job
from har_llm.runs.adapter_files import select_examples
from har_llm.runs.find import chosen_runs, two_runs
from har_llm.runs.load import load_runs
from har_llm.runs.prepare import prepare
from har_llm.runs.run import AdapterRecipe, PreparedRun
from har_llm.runs.store import Record
from har_llm.sweep import execute
from har_llm.sweep.callbacks import Callback
from har_llm.sweep.estimates import estimate
from har_llm.sweep.generate import generate
from har_llm.sweep.job import Job
from har_llm.sweep.plan import Load, make_plan
from har_llm.sweep.read_once import Stores
from har_llm.sweep.throughput import Rate, note_rate
from har_llm.sweep.train import losses_so_far
from har_llm.tracking.content import read_training, run_content
from har_llm.tracking.outcomes import Online, Published, PublishedNotes
from tests.composing import experiment
from tests.scripted_runs import SMALL, gold_script
from tests.sweep.distilled_jobs import SMALL as STUDENT
from tests.sweep.distilled_jobs import keep, stand_in

READY = (OSError, ValueError)
"""What a reader of a file may raise where its caller turns it into a sentence."""


@dataclass(frozen=True)
class Outputs:
    folder: Path
    experiments: Sequence[Experiment]
    """Two scored runs, a scored student, one whose adapter is trained, and one whose is not."""
    records: dict[str, Record]
    """Every generation that one of them wants, by key."""

    def at(self, folder: Path) -> Outputs:
        """A copy of it."""
        shutil.copytree(self.folder, folder)
        return replace(self, folder=folder, experiments=[_in(folder, one) for one in self.experiments])

    @property
    def files(self) -> list[Path]:
        return sorted(path.relative_to(self.folder) for path in self.folder.rglob("*") if path.is_file())

    @property
    def settings(self) -> Any:
        return self.experiments[0].settings

    def runs(self) -> list[PreparedRun]:
        return [prepare(one) for one in self.experiments]

    def scored(self) -> list[Job]:
        """The first three, run."""
        jobs = [Job(f"job {number}", one) for number, one in enumerate(self.experiments[:3])]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(execute, "generate", self._generate)
            execute.run_jobs(jobs, Callback())
        return jobs

    def _generate(self, load: Load, callback: Callback, stores: Stores) -> None:
        """In place of an engine: the same generations as ever."""
        for key, run in load.asked_by.items():
            with run.open_writer() as writer:
                writer.add(self.records[key])


def _in(folder: Path, one: Experiment) -> Experiment:
    paths = replace(one.settings.paths, outputs=str(folder))
    return replace(one, settings=replace(one.settings, paths=paths))


def make_outputs(folder: Path) -> Outputs:
    folder.mkdir()
    small = (*SMALL, "limit=3", "baselines=none")
    scripts = [gold_script(folder.with_name(f"wrong{wrong}.jsonl"), wrong=wrong) for wrong in (0, 2)]
    student = [f"++{one}" if one.startswith(("lora.", "dataset.")) else one for one in (*STUDENT, "baselines=none")]
    composed = [experiment(*small, f"engine.path={path}") for path in scripts]
    composed += [experiment(*student, f"++lora.training.seed={seed}") for seed in (1, 2, 3)]
    outputs = Outputs(folder, [_in(folder, one) for one in composed], {})
    first, second, scored, trained, untrained = outputs.runs()
    for run in (first, second):
        _answer(run)
    assert scored.recipe is not None and trained.recipe is not None and untrained.recipe is not None
    keep(scored.recipe.teacher)  # the same for all of them
    keep(scored, adapter_weights=stand_in(scored.recipe))
    stand_in(trained.recipe)
    _being_trained(untrained.recipe)
    for run in (first, second, scored):
        store = run.open_store()
        outputs.records.update({record.key: record for record in store.get_many(store.keys())})
    assert [job.error for job in outputs.scored()] == [None] * 3
    note_rate(folder / "store", make_plan([trained], Stores()).loads[0].identity, Rate(1.0, 2.0, 3))
    note_rate(folder / "store", untrained.recipe.work, Rate(1.0, 2.0, 3))
    _published(outputs).write(Published("id", "a run"), Online("https://example.org/run"))
    (folder / "lock").write_text("{}")
    report(outputs)
    return outputs


def _answer(run: PreparedRun) -> None:
    for load in make_plan([run], Stores()).loads:
        generate(load, Callback(), Stores())


def _being_trained(recipe: AdapterRecipe) -> None:
    """What a training leaves that was killed after four steps."""
    staging = recipe.folder.with_name(f".{recipe.folder.name}")
    (staging / "checkpoints" / "checkpoint-2").mkdir(parents=True)
    (staging / "loss.jsonl").write_text("".join(f"[{step}, {1 / step}]\n" for step in range(1, 5)))
    (staging / "checkpoints" / OPTIMIZER_FILE).write_text("adamw_torch\n")
    for name in CHECKPOINT_FILES:
        (staging / "checkpoints" / "checkpoint-2" / name).write_text("{}")
    seal_checkpoint(staging / "checkpoints", 2)


def _published(outputs: Outputs) -> PublishedNotes:
    return PublishedNotes(outputs.folder / "wandb", WandbTracker())


# What reads the files. Each may raise HarError, which is one sentence for the user, and nothing else.


def plan(outputs: Outputs) -> None:
    runs, stores = outputs.runs(), Stores()
    made = make_plan([run for run in runs if not run.finished], stores)
    with redirect_stdout(StringIO()):
        show_plan(made, estimate(made, stores), 0)


def report(outputs: Outputs) -> None:
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(StringIO()):
        patch.setattr(build, "make_charts", lambda _: [])  # drawing takes seconds, and reads no file
        build.report_runs(outputs.settings)


def compare(outputs: Outputs) -> None:
    names = [str(run.folder) for run in outputs.runs()[:2]]
    paired = pair(*two_runs(replace(outputs.settings, runs=names)), "strict")
    make_tables(comparison.compare(paired, "f1_weighted"), paired)


def compare_event(outputs: Outputs) -> None:
    runs = chosen_runs(replace(outputs.settings, runs=[str(run.folder) for run in outputs.runs()[:2]]))
    row = next(runs[0].predictions())
    event_table(runs, f"{row.session}/{row.id}", "strict")


def notebook(outputs: Outputs) -> None:
    runs = load_runs(outputs.folder)
    repr(runs[0])
    runs.scores()
    runs.predictions()


def track(outputs: Outputs) -> None:
    for run in chosen_runs(outputs.settings):
        run_content(run, job_type="run", group="group", tags=[], samples=3)
    _published(outputs).online("id")
    _published(outputs).waiting("id")


def track_training(outputs: Outputs) -> None:
    for folder in (outputs.folder / "store" / "adapters").glob("[!.]*"):
        read_training(folder)


def use_adapter(outputs: Outputs) -> None:
    """As lora=adapter does."""
    for folder in (outputs.folder / "store" / "adapters").glob("[!.]*"):
        resolve_adapter(ReadyAdapter(path=str(folder)))
        check_whole(folder)
        recorded(folder)


def resume(outputs: Outputs) -> None:
    recipe = outputs.runs()[-1].recipe
    assert recipe is not None and recipe.teacher is not None
    losses_so_far(recipe)
    resume_point(recipe.folder.with_name(f".{recipe.folder.name}") / "checkpoints", "adamw_torch")
    if not recipe.teacher.owed(store := recipe.teacher.open_store()):
        select_examples(recipe, store)


def hold(outputs: Outputs) -> None:
    with Lock(outputs.folder / "lock").held():
        pass


def show(outputs: Outputs) -> None:
    with redirect_stdout(StringIO()):
        for job in outputs.scored():
            if job.error is not None:
                raise job.error
            show_job(job)


READERS: Sequence[Callable[[Outputs], None]] = (
    plan,
    report,
    compare,
    compare_event,
    notebook,
    track,
    track_training,
    use_adapter,
    resume,
    hold,
    show,
)
