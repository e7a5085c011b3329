"""The tasks: one function each. --help shows the first line of its docstring.

--help imports this file, so each task imports what it needs when it is called.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext

from har_llm.common.errors import ConfigError, DataError, HarError, system_refusals_told
from har_llm.common.output import drop_output
from har_llm.common.text import visible

TYPE_CHECKING = False  # not typing's, whose import takes a tenth of the time of --help
if TYPE_CHECKING:
    from har_llm.config.experiment import Experiment
    from har_llm.config.settings import Settings
    from har_llm.sweep.callbacks import Callback
    from har_llm.sweep.job import Job
    from har_llm.sweep.slurm.settings import SlurmSettings
    from har_llm.sweep.slurm.submit import Sources


def perform(jobs: Sequence[Job]) -> None:
    """Do the task of these jobs. An error of one job is noted in the job; raises HarError for one that concerns all."""
    from har_llm.common.checks import require

    tasks = sorted({job.experiment.settings.task for job in jobs if job.experiment is not None})
    if len(tasks) > 1:
        raise ConfigError(f"task is {' and '.join(tasks)} in one sweep; all its jobs must have the same task.")
    (task,) = tasks or ["run"]
    require("task", task, TASKS)
    try:
        TASKS[task](jobs)
        sys.stdout.flush()
    except BrokenPipeError:  # before Hydra makes a traceback of it
        drop_output()


def headline(job: Job) -> float | None:
    """The score of a finished run that metrics.headline names."""
    if job.result is None or job.experiment is None:
        return None
    settings = job.experiment.settings.metrics
    return job.result.metrics.headline(settings.headline, settings.parsing).mean


def one_by_one(task: Callable[[Experiment], None]) -> Callable[[Sequence[Job]], None]:
    """Make a task of a function of one experiment: it does one job after the other and prints errors at once."""

    @functools.wraps(task)
    def for_each(jobs: Sequence[Job]) -> None:
        for job in jobs:
            try:
                if job.experiment is not None:
                    with system_refusals_told():
                        task(job.experiment)
            except HarError as error:
                job.error = error
            if job.error is not None and job.title:
                print(visible(f"error: {job.title}: {job.error}"), file=sys.stderr, flush=True)

    return for_each


def run(jobs: Sequence[Job]) -> None:
    """Make the missing generations, score them and show the scores; a finished run is only shown."""
    from har_llm.report.terminal import run as terminal
    from har_llm.report.terminal.progress import LiveProgress
    from har_llm.sweep import execute
    from har_llm.sweep.callbacks import Callbacks
    from har_llm.tracking.session import tracking

    with tracking(jobs) as tracker:
        with LiveProgress() as progress:
            callback = Callbacks(progress, tracker)
            execute.run_jobs(jobs, callback)
            beside = run_beside(jobs, callback)
        tracker.publish([*jobs, *beside])
        # Results are shown while they are being published.
        if len(jobs) == 1 and not jobs[0].title:
            terminal.show_job(jobs[0], [job.result for job in beside if job.result is not None])
        else:
            show_sweep(jobs, beside)


def predict(jobs: Sequence[Job]) -> None:
    """Make the missing generations and show the activities over time, without scores; no labels are needed."""
    from har_llm.report.terminal.predictions import show_jobs
    from har_llm.report.terminal.progress import LiveProgress
    from har_llm.sweep import execute
    from har_llm.sweep.callbacks import Callbacks
    from har_llm.tracking.session import tracking

    with tracking(jobs) as tracker:
        with LiveProgress() as progress:
            execute.run_jobs(jobs, Callbacks(progress, tracker))
        tracker.publish(jobs)
        show_jobs(jobs)


def run_beside(jobs: Sequence[Job], callback: Callback) -> Sequence[Job]:
    """Compute the baselines beside the finished runs of these jobs, and say which are left out."""
    from har_llm.sweep import execute
    from har_llm.sweep.beside import baselines_beside

    beside = baselines_beside([job for job in jobs if job.result is not None])
    execute.run_jobs(beside.jobs, callback)
    failed = (f"A baseline was not computed: {job.error}" for job in beside.jobs if job.error is not None)
    for sentence in [*beside.left_out, *dict.fromkeys(failed)]:
        print(f"note: {sentence}", file=sys.stderr, flush=True)
    return beside.jobs


def show_sweep(jobs: Sequence[Job], beside: Sequence[Job] = ()) -> None:
    """Print a line for each job and for each baseline beside them, then write the report of their runs."""
    from har_llm.report.build import report_sweep
    from har_llm.report.terminal import sweep

    sweep.show_sweep(jobs, [job.result for job in beside if job.result is not None])
    report_sweep([*jobs, *beside])


def run_on_slurm(jobs: Sequence[Job], settings: SlurmSettings) -> None:
    """Like `run`, or `predict`, as Slurm jobs. Raises MissingError if there is no Slurm."""
    from har_llm.report.terminal.predictions import show_jobs
    from har_llm.report.terminal.progress import LiveProgress
    from har_llm.sweep import execute
    from har_llm.sweep.slurm import submit
    from har_llm.tracking.session import tracking

    with tracking(jobs) as tracker:
        with LiveProgress() as callback:
            # Baselines take seconds here, and would wait in a queue for a GPU that they do not use.
            execute.run_jobs([job for job in jobs if job.experiment is not None and job.experiment.baseline], callback)
            submit.run_jobs(jobs, settings, _do_in_slurm, callback)
            predicting = any(job.experiment is not None and job.experiment.settings.task == predict.__name__ for job in jobs)
            beside = () if predicting else run_beside(jobs, callback)
        tracker.publish([*jobs, *beside])
        if predicting:
            show_jobs(jobs)
        else:
            show_sweep(jobs, beside)


def _do_in_slurm(sources: Sources, stage: str) -> None:
    """What a Slurm job calls. Raises RuntimeError if one of its jobs failed, so that Slurm marks the Slurm job as failed."""
    from har_llm.report.terminal.progress import LiveProgress
    from har_llm.sweep import execute
    from har_llm.sweep.callbacks import Callbacks
    from har_llm.sweep.slurm.submit import SCORES
    from har_llm.tracking.session import tracking

    jobs = _read_sources(sources)
    with tracking(jobs, publishing=False) as tracker, LiveProgress() as callback:
        if stage == SCORES:
            execute.prepare_jobs(jobs, callback)
            execute.finish_jobs(jobs, callback)
        else:
            execute.generate_jobs(jobs, Callbacks(callback, tracker), stage)
    failed = [f"{job.title}: {job.error}" for job in jobs if job.error is not None]
    if failed:
        raise RuntimeError("\n".join(failed))


def _read_sources(sources: Sources) -> list[Job]:
    from omegaconf import OmegaConf

    from har_llm.config.read import read_experiment
    from har_llm.sweep.job import Job

    return [Job(title, read_experiment(OmegaConf.create(source))) for title, source in sources]


def plan(jobs: Sequence[Job]) -> None:
    """Show what a run would generate and train, and what that costs; no model is loaded."""
    from har_llm.report.terminal.plan import show_plan
    from har_llm.report.terminal.progress import LiveProgress
    from har_llm.sweep import execute
    from har_llm.sweep.beside import baselines_beside
    from har_llm.sweep.estimates import estimate
    from har_llm.sweep.plan import make_plan
    from har_llm.sweep.read_once import Stores

    with _planned_machine(jobs):
        with LiveProgress() as callback:
            execute.prepare_jobs(jobs, callback, planning=True)
        runs = [job.run for job in [*jobs, *baselines_beside(jobs).jobs] if job.run is not None]
        stores = Stores()
        made = make_plan([run for run in runs if not run.finished], stores)
        finished = sum(run.finished for run in runs)
        if made.runs or finished:  # otherwise every job has failed and shown its error
            show_plan(made, estimate(made, stores), finished)
        for fault in stores.faults():
            print(f"note: {fault}", file=sys.stderr, flush=True)


def _planned_machine(jobs: Sequence[Job]) -> AbstractContextManager[None]:
    """The machine that the jobs are planned for; a plan is about one, the first job's."""
    from har_llm.common.hardware import assumed

    for job in jobs:
        if job.experiment is not None and (given := job.experiment.settings.hardware).gpus is not None:
            assert given.gpu_memory_gb is not None  # checked with the config
            return assumed(given.gpus, given.gpu_memory_gb)
    return nullcontext()


def bench(jobs: Sequence[Job]) -> None:
    """Measure what a window costs on this machine: seconds, memory, energy, beside the score of a finished run."""
    from har_llm.report.terminal.bench import show_bench
    from har_llm.report.terminal.progress import LiveProgress
    from har_llm.sweep import execute
    from har_llm.sweep.bench import measure

    measured = []
    with LiveProgress() as callback:
        execute.prepare_jobs(jobs, callback)
        for job in jobs:
            if job.run is not None and job.error is None:
                with execute.failing([job], callback):
                    measured.append((job.title, job.run, measure(job.run, callback)))
    if measured:
        show_bench(measured)


def watch(jobs: Sequence[Job]) -> None:
    """Recognise activities while events come: from a growing file, MQTT or Home Assistant (watch=NAME)."""
    import signal
    import threading

    from har_llm.report.terminal.watch import ShownOnTerminal
    from har_llm.sweep.live.service import watch as serve

    (job, *others) = jobs
    if others:
        raise ConfigError("task is watch in a sweep, but it watches one home until it is ended; leave out -m.")
    if job.experiment is None:
        raise job.error or ConfigError("the job has no experiment")
    ended_by = (signal.SIGINT, signal.SIGTERM)  # Ctrl-C; as systemd ends a service
    serve(job.experiment, [ShownOnTerminal()], threading.Event(), ended_by)


def prefetch(jobs: Sequence[Job]) -> None:
    """Download the models that are not here yet, for machines without a network."""
    from har_llm.report.terminal.progress import LiveProgress
    from har_llm.sweep import execute

    with LiveProgress() as callback:
        execute.fetch_models(jobs, callback)


@one_by_one
def describe(experiment: Experiment) -> None:
    """Show what a dataset contains."""
    from har_llm.common import console
    from har_llm.data import describe as description
    from har_llm.report.terminal import dataset
    from har_llm.runs import prepare as runs

    recordings = runs.read_recordings(experiment)
    content = description.describe(recordings, runs.divide(experiment, recordings), experiment.window)
    console.console().print(dataset.render(content, recordings.repairs), crop=False)


@one_by_one
def validate(experiment: Experiment) -> None:
    """List every fault of a dataset's files.

    Raises DataError if there is any.
    """
    from har_llm.common import console
    from har_llm.common.numbers import counted
    from har_llm.common.paths import expanded
    from har_llm.report.terminal import dataset

    data = expanded(experiment.settings.paths.data)
    faults = experiment.dataset.faults(data)
    read = None if faults else experiment.dataset.read(data)
    dataset.show_faults(console.console(), faults, *((read.repairs, read.dropped_events) if read else ()))
    if faults:
        count = counted(faults.total, "fault")
        raise DataError(f"{experiment.dataset.name} has {count}; correct and run task=validate again.", ())


@one_by_one
def init(experiment: Experiment) -> None:
    """Draft the file that describes a home of one's own, or add new sensors to it."""
    from har_llm.data.datasets.own.base import OwnHome

    if not isinstance(experiment.dataset, OwnHome):
        raise ConfigError(
            f"task is init, but dataset={experiment.dataset.name} is described in conf/dataset; choose dataset=events or "
            f"dataset=home_assistant, with dataset.path=FILE."
        )
    print(visible(experiment.dataset.draft()))


@one_by_one
def prompt(experiment: Experiment) -> None:
    """Show the exact prompt for the first window, with codes in place of control characters, and its length."""
    from har_llm.common.provenance import Provenance
    from har_llm.engines.chat import rendered_prompt
    from har_llm.runs import prepare as runs

    if experiment.baseline is not None:
        raise ConfigError(f"model={experiment.model.name} is a baseline, which is shown no prompt; choose another model.")
    recordings = runs.read_recordings(experiment)
    parts = runs.divide(experiment, recordings)
    prompts = runs.render(experiment, recordings, parts[experiment.split.part], parts["train"])
    origin = Provenance(home=experiment.dataset.synthetic).suffix
    for shown in prompts[: experiment.settings.limit or 1]:
        rendered = rendered_prompt(experiment.model, shown.messages)
        print(visible(rendered.text))
        about = f"prompt {experiment.prompt.name}, window {shown.window.id}{origin}"
        print(visible(f"--- {about}: {len(rendered.text):,} characters, {rendered.length}"), file=sys.stderr)


@one_by_one
def runs(experiment: Experiment) -> None:
    """List finished runs: when, what, score, and where they are.

    Raises MissingError after the list if some are damaged.
    """
    from har_llm.report.terminal.runs import show_runs

    show_runs(experiment.settings)


@one_by_one
def report(experiment: Experiment) -> None:
    """Make tables, figures and a page of finished runs."""
    from har_llm.report.build import report_runs

    report_runs(experiment.settings)


@one_by_one
def compare(experiment: Experiment) -> None:
    """Compare two finished runs and test their difference, or show what runs say of one event."""
    if experiment.settings.compare.event is not None:
        _compare_event(experiment.settings, experiment.settings.compare.event)
        return
    from har_llm.report.compare import comparison
    from har_llm.report.compare.pairing import pair
    from har_llm.report.compare.tables import make_tables
    from har_llm.report.compare.write import write
    from har_llm.report.terminal.run import show_comparison
    from har_llm.runs.find import two_runs

    settings = experiment.settings
    paired = pair(*two_runs(settings), settings.metrics.parsing)
    compared = comparison.compare(paired, settings.metrics.headline)
    tables = make_tables(compared, paired)
    show_comparison(compared, tables, write(compared, tables, settings))


def _compare_event(settings: Settings, event: str) -> None:
    from har_llm.report.compare.one_event import event_table
    from har_llm.report.compare.write import write_event
    from har_llm.report.terminal.run import show_event
    from har_llm.runs.find import chosen_runs

    runs = chosen_runs(settings)
    table = event_table(runs, event, settings.metrics.parsing)
    show_event(table, write_event(table, event, runs, settings))


@one_by_one
def export(experiment: Experiment) -> None:
    """Write a merged model, or the examples that a student is trained on, to export.path."""
    from har_llm.runs.export import export as write

    path, what = write(experiment)
    print(visible(f"{path}: {what}"))


@one_by_one
def sync(experiment: Experiment) -> None:
    """Publish finished runs to W&B, whichever command made them.

    Raises ServiceError if some could not be published.
    """
    from har_llm.tracking.sync import sync as publish

    publish(experiment)


@one_by_one
def dashboard(experiment: Experiment) -> None:
    """Make or update a W&B report of the project."""
    from har_llm.tracking.dashboard import dashboard as make

    make(experiment)


TASKS: Mapping[str, Callable[[Sequence[Job]], None]] = {
    task.__name__: task
    for task in (
        run,
        predict,
        plan,
        bench,
        watch,
        prefetch,
        init,
        describe,
        validate,
        prompt,
        runs,
        report,
        compare,
        export,
        sync,
        dashboard,
    )
}
