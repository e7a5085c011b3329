"""What each task does with the experiments of a command."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

from har_llm.common.errors import ConfigError, DataError, HarError
from har_llm.common.paths import expanded
from har_llm.common.provenance import Provenance
from har_llm.config import Experiment
from har_llm.sweep.job import Job


def perform(jobs: Sequence[Job]) -> None:
    """Do the task of these jobs, together where that is what the task is about. What fails is noted in its job."""
    alive = [job for job in jobs if job.experiment is not None]
    tasks = {job.experiment.settings.task for job in alive if job.experiment is not None}
    if len(tasks) > 1:
        raise ConfigError(f"task is {' and '.join(sorted(tasks))} in one sweep; all its jobs must have the same task.")
    task = TOGETHER.get(next(iter(tasks), "run"))
    if task is not None:
        task(jobs)
        return
    for job in jobs:
        try:
            if job.experiment is not None:
                ONE_BY_ONE[job.experiment.settings.task](job.experiment)
        except HarError as error:
            job.error = error
        if job.error is not None and job.title:
            print(f"error: {job.title}: {job.error}", file=sys.stderr, flush=True)


def headline(job: Job) -> float | None:
    """The score that metrics.headline names, of a finished run."""
    if job.folder is None or job.experiment is None:
        return None
    from har_llm.runs.result import read_run

    settings = job.experiment.settings.metrics
    value: float | None = read_run(job.folder).metrics[settings.parsing]["all"]["mean"][settings.headline]["mean"]
    return value


def run(jobs: Sequence[Job]) -> None:
    """Make what is missing, score it, show it; a finished run is only shown."""
    from har_llm.report.terminal import run as terminal
    from har_llm.report.terminal.progress import LiveProgress
    from har_llm.sweep import execute
    from har_llm.tracking.session import tracking

    with tracking(jobs) as tracker:
        with LiveProgress() as callback:
            execute.run_jobs(jobs, tracker.beside(callback))
        tracker.publish(jobs)
        # What was made is shown while it is being published.
        if len(jobs) == 1 and not jobs[0].title:
            terminal.show_job(jobs[0])
        else:
            show_sweep(jobs)


def show_sweep(jobs: Sequence[Job]) -> None:
    """A line for each job, then the report of their runs."""
    from har_llm.report.build import report_sweep
    from har_llm.report.terminal import sweep

    sweep.show_sweep(jobs)
    report_sweep(jobs)


def plan(jobs: Sequence[Job]) -> None:
    """Print what the jobs would have to make, and load nothing."""
    from har_llm.report.terminal.plan import show_plan
    from har_llm.report.terminal.progress import LiveProgress
    from har_llm.sweep import estimates, execute
    from har_llm.sweep.plan import make_plan

    with LiveProgress() as callback:
        execute.prepare_jobs(jobs, callback, planning=True)
    made = make_plan([job.run for job in jobs if job.run is not None and not job.run.finished])
    finished = sum(job.run is not None and job.run.finished for job in jobs)
    if made.runs or finished:  # otherwise each job has said why it failed
        show_plan(made, estimates.estimate(made), estimates.estimate_trainings(made), finished)


def prefetch(jobs: Sequence[Job]) -> None:
    """Fetch every model of the jobs that is not here, for machines without a network."""
    from har_llm.report.terminal.progress import LiveProgress
    from har_llm.sweep import execute

    with LiveProgress() as callback:
        execute.fetch_models(jobs, callback)


def export(experiment: Experiment) -> None:
    """Write a merged model, or the examples of a recipe, to export.path."""
    from har_llm.runs.export import export as write

    path, what = write(experiment)
    print(f"{path}: {what}")


def report(experiment: Experiment) -> None:
    """Tables, figures and the page of the runs that `runs` names."""
    from har_llm.report.build import report_runs

    report_runs(experiment.settings)


def compare(experiment: Experiment) -> None:
    """Say how two finished runs differ, and whether their sessions are enough to tell."""
    from har_llm.report.compare import comparison
    from har_llm.report.compare import write as comparison_files
    from har_llm.report.compare.pairing import pair
    from har_llm.report.terminal import run as terminal
    from har_llm.runs.find import two_runs

    settings = experiment.settings
    made = comparison.build(pair(*two_runs(settings), settings.metrics.parsing), settings.metrics.headline)
    folder = comparison_files.folder_of(settings, made)
    comparison_files.write(made, folder)
    terminal.show_comparison(made, folder)


def prompt(experiment: Experiment) -> None:
    """Print what a model would be sent for the first window, character by character, and how long it is."""
    from har_llm.rendering import rendered_prompt
    from har_llm.runs import run as runs

    recordings = runs.read_recordings(experiment)
    prompts = runs.render(experiment, recordings, runs.divide(experiment, recordings)[experiment.split.part])
    for shown in prompts[: experiment.settings.limit or 1]:
        rendered = rendered_prompt(experiment.model, shown.messages)
        print(rendered.text)
        print(f"--- window {shown.window.id}{Provenance(home=experiment.dataset.synthetic).suffix}: "
              f"{len(rendered.text):,} characters, {rendered.length}", file=sys.stderr)  # fmt: skip


def sync(experiment: Experiment) -> None:
    """Publish finished runs to W&B, whichever command made them. Raises EngineError where some did not arrive."""
    from har_llm.tracking.sync import sync as publish

    publish(experiment)


def dashboard(experiment: Experiment) -> None:
    """Make a W&B report of the project, or bring it up to date."""
    from har_llm.tracking.sync import dashboard as make

    make(experiment)


def describe(experiment: Experiment) -> None:
    from har_llm.common import console
    from har_llm.data import describe as description
    from har_llm.report.terminal import dataset
    from har_llm.runs import run as runs

    recordings = runs.read_recordings(experiment)
    content = description.describe(recordings, runs.divide(experiment, recordings), experiment.window)
    console.console().print(dataset.render(content, recordings.repairs))


def validate(experiment: Experiment) -> None:
    """Every fault of the dataset's files, in one pass. Raises DataError when there is any."""
    from har_llm.common import console
    from har_llm.report.terminal import dataset

    data = expanded(experiment.settings.paths.data)
    faults = experiment.dataset.faults(data)
    repairs = () if faults else experiment.dataset.read(data).repairs
    console.console().print(dataset.render_faults(faults, repairs), soft_wrap=True)
    if faults:
        raise DataError(f"{experiment.dataset.name} has {len(faults)} faults; mend them and run task=validate again.", ())


TOGETHER: dict[str, Callable[[Sequence[Job]], None]] = {"run": run, "plan": plan, "prefetch": prefetch}
ONE_BY_ONE: dict[str, Callable[[Experiment], None]] = {
    "report": report,
    "compare": compare,
    "export": export,
    "prompt": prompt,
    "describe": describe,
    "sync": sync,
    "dashboard": dashboard,
    "validate": validate,
}
