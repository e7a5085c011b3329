"""An outputs folder with every kind of file that we read back, and everything that reads one, in this process."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, field, replace
from io import StringIO
from pathlib import Path

import pytest

from har_llm.common.files import make_folder, remove
from har_llm.common.lock import Lock
from har_llm.common.provenance import recorded
from har_llm.config.settings import Settings
from har_llm.config.tracker import WandbTracker
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
from har_llm.runs.directory import read_run
from har_llm.runs.find import chosen_runs, two_runs
from har_llm.runs.load import load_runs
from har_llm.runs.prepare import prepare
from har_llm.runs.recipe import AdapterRecipe, StudentRun
from har_llm.runs.result import PredictionRow
from har_llm.runs.run import PreparedRun
from har_llm.runs.store import Record
from har_llm.sweep import execute
from har_llm.sweep.callbacks import Callback
from har_llm.sweep.estimates import estimate
from har_llm.sweep.generate import generate
from har_llm.sweep.job import Job
from har_llm.sweep.plan import Load, make_plan
from har_llm.sweep.read_once import Stores
from har_llm.sweep.throughput import STEPS, Rate, note_rate
from har_llm.sweep.train import steps_so_far
from har_llm.tracking.content import run_content
from har_llm.tracking.live import read_training, teachers_generations
from har_llm.tracking.outcomes import Online, Published, PublishedNotes
from tests.composing import experiment
from tests.scripted_runs import SMALL, gold_script
from tests.sweep.distilled_jobs import SMALL as STUDENT
from tests.sweep.distilled_jobs import keep, stand_in

OF_A_DEAD_PROCESS = (
    f"filelock/2\npid={2**22 + 1}\nhost={socket.gethostname()}\nmode=lease\ntoken={'0' * 32}\nduration=180.0\nstart=1\n"
)
"""What filelock writes; Linux has no process of such a number."""


@dataclass(frozen=True)
class Outputs:
    folder: Path
    """What is damaged and read."""
    whole: Path
    """A copy of it as it was."""
    runs: Sequence[PreparedRun]
    """Two scored runs, a scored student, one whose adapter is trained, and one whose is not. Prepared once, as no damage
    changes that."""
    records: Mapping[str, Record]
    """Every generation that one of the scored runs wants, by key."""
    predictions: list[list[PredictionRow]] = field(default_factory=list)
    """Of the scored runs."""

    @property
    def files(self) -> list[Path]:
        """Within the folder."""
        return sorted(path.relative_to(self.whole) for path in self.whole.rglob("*") if path.is_file())

    @property
    def settings(self) -> Settings:
        return self.runs[0].experiment.settings

    def restore(self) -> None:
        remove(self.folder)
        shutil.copytree(self.whole, self.folder)

    def scored(self) -> list[Job]:
        """The first three, run."""
        jobs = [Job(run.name, run.experiment, run) for run in self.runs[:3]]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(execute, "generate", self._generate)
            execute.run_jobs(jobs, Callback())
        return jobs

    def _generate(self, load: Load, callback: Callback, stores: Stores) -> None:
        """In place of an engine: the same generations as ever."""
        for key, run in load.asked_by.items():
            with run.open_writer() as writer:
                writer.add(self.records[key])


def make_outputs(folder: Path) -> Outputs:
    small = (*SMALL, "limit=3", "baselines=none", f"paths.outputs={folder}")
    student = [f"++{one}" if one.startswith(("lora.", "dataset.")) else one for one in STUDENT]
    scripts = [gold_script(folder.with_name(f"wrong{wrong}.jsonl"), wrong=wrong) for wrong in (0, 2)]
    composed = [experiment(*small, f"engine.path={path}") for path in scripts]
    composed += [
        experiment(*student, "baselines=none", f"paths.outputs={folder}", f"++lora.training.seed={seed}")
        for seed in (1, 2, 3)
    ]
    runs = first, second, scored, trained, untrained = [prepare(one) for one in composed]
    for run in (first, second):
        _answer(run)
    assert isinstance(scored, StudentRun) and isinstance(trained, StudentRun) and isinstance(untrained, StudentRun)
    assert scored.recipe.teacher is not None
    keep(scored.recipe.teacher)  # the same for all of them
    keep(scored, adapter_weights=stand_in(scored.recipe))
    stand_in(trained.recipe)
    _being_trained(untrained.recipe)
    stores = [run.open_store() for run in (first, second, scored)]
    records = {record.key: record for store in stores for record in store.get_many(store.keys())}
    outputs = Outputs(folder, folder.with_name("whole"), runs, records)
    assert [job.error for job in outputs.scored()] == [None] * 3
    note_rate(folder / "store", make_plan([trained], Stores()).loads[0].identity, Rate(1.0, 2.0, 3))
    note_rate(folder / "store", untrained.recipe.work, Rate(1.0, 2.0, 3, STEPS))
    _published(outputs).write(Published("id", "a run"), Online("https://example.org/run"))
    (folder / "lock").write_text(OF_A_DEAD_PROCESS)
    report(outputs)
    outputs.predictions.extend(list(read_run(run.folder).predictions()) for run in runs[:3])
    shutil.copytree(folder, outputs.whole)
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
    runs, stores = outputs.runs, Stores()
    made = make_plan([run for run in runs if not run.finished], stores)
    with redirect_stdout(StringIO()):
        show_plan(made, estimate(made, stores), 0)


def report(outputs: Outputs) -> None:
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(StringIO()):
        patch.setattr(build, "make_charts", lambda *_, **__: [])  # drawing takes seconds, and reads no file
        build.report_runs(outputs.settings)


def compare(outputs: Outputs) -> None:
    names = [str(run.folder) for run in outputs.runs[:2]]
    paired = pair(*two_runs(replace(outputs.settings, runs=names)), "strict")
    make_tables(comparison.compare(paired, "f1_weighted"), paired)


def compare_event(outputs: Outputs) -> None:
    runs = chosen_runs(replace(outputs.settings, runs=[str(run.folder) for run in outputs.runs[:2]]))
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
        teachers_generations(folder, read_training(folder))


def use_adapter(outputs: Outputs) -> None:
    """As lora=adapter does."""
    for folder in (outputs.folder / "store" / "adapters").glob("[!.]*"):
        resolve_adapter(ReadyAdapter(path=str(folder)))
        check_whole(folder)
        recorded(folder)


def resume(outputs: Outputs) -> None:
    recipe = outputs.runs[-1].recipe
    assert recipe is not None and recipe.teacher is not None
    steps_so_far(recipe)
    staging = recipe.folder.with_name(f".{recipe.folder.name}")
    make_folder(staging)  # as a training begins
    resume_point(staging / "checkpoints", "adamw_torch")
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


READERS: Mapping[str, Sequence[Callable[[Outputs], None]]] = {
    "runs": (plan, report, compare, compare_event, notebook, track, show),
    "store": (plan, track_training, use_adapter, resume, show),
    "report": (report,),
    "wandb": (track,),
    "lock": (hold,),
}
"""By the place of what they read in the folder."""
