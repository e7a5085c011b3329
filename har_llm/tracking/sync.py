"""The task sync, and the publishing of runs: which, where and as what, each once, after the training of its adapter.

Also the messages about the outcome: a sentence for each kind, with the next command.
"""

from __future__ import annotations

import dataclasses
import os
import re
import shlex
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from har_llm.common.errors import HarError, ServiceError
from har_llm.common.numbers import counted
from har_llm.common.provenance import MANIFEST
from har_llm.common.text import visible
from har_llm.config.experiment import Experiment
from har_llm.config.tracker import OFFLINE_MODES, WandbTracker
from har_llm.models.adapters import NO_ADAPTER
from har_llm.runs.directory import RunResult, read_run
from har_llm.runs.find import chosen_folders
from har_llm.runs.recipe import find_adapter
from har_llm.runs.result import Metrics
from har_llm.tracking.content import about, run_id
from har_llm.tracking.live import training_id
from har_llm.tracking.outcomes import Failed, Offline, Online, Published
from har_llm.tracking.publisher import Publisher

KEPT = ("project", "entity", "tags", "samples", "artifacts")
"""The settings of a run's own tracker that count when it is published later; so does its group."""
OFFLINE_RUNS = "offline-run-*"
"""The folders of W&B runs that are kept."""
MANY = 4
PLAIN_VALUE = re.compile(r"[\w./+-]+", re.ASCII)
"""A value that needs no quotes on Hydra's command line."""


@dataclass(frozen=True)
class Teacher:
    name: str


@dataclass(frozen=True)
class Lora:
    name: str
    teacher: Teacher | None = None
    """The teacher of the run's student, also of a student without an adapter (lora.train_sessions=0)."""
    trainer: str | None = None
    """None if no adapter is to be trained."""


@dataclass(frozen=True)
class RunSettings:
    """The settings of a run's config that tracking uses."""

    lora: Lora
    tracker: WandbTracker | None = None


def sync(experiment: Experiment) -> None:
    """Publish the chosen runs. Raises ConfigError if there are none, ServiceError if some are damaged or did not arrive.

    Without tracker=wandb, each run goes to the W&B project of its own config.
    """
    places: dict[str, tuple[WandbTracker, list[Path]]] = {}
    for folder in chosen_folders(experiment.settings):
        tracker = experiment.tracker if isinstance(experiment.tracker, WandbTracker) else kept_tracker(folder)
        places.setdefault(repr(tracker), (tracker, []))[1].append(folder)
    asked: list[Published] = []
    for tracker, folders in places.values():
        with closing(Publisher(tracker, experiment.settings.paths.outputs)) as publisher:
            publish_runs(publisher, folders)
            publisher.wait()
        for text in sentences(publisher):
            print(visible(text))
        asked += publisher.asked
    failed = [one for one in asked if isinstance(one.outcome, Failed)]
    if failed:
        raise ServiceError(f"{len(failed)} of {counted(len(asked), 'run')} not published to W&B; the reason is above.")


def kept_tracker(folder: Path) -> WandbTracker:
    """The tracker of a run's own config, which says where and how to publish it; the default one if it had none."""
    try:
        kept = read_run(folder).settings(RunSettings).tracker or WandbTracker()
        tracker = WandbTracker(**{name: getattr(kept, name) for name in KEPT})
        tracker.check()
    except HarError:  # publish_runs reports it
        return WandbTracker()
    return tracker


def publish_runs(publisher: Publisher, folders: Sequence[Path]) -> None:
    """Publish each run once, after the training of its adapter. A damaged directory does not affect the others."""
    runs: list[tuple[RunResult, RunSettings]] = []
    for folder in dict.fromkeys(folder.resolve() for folder in folders):
        with _damage_noted(publisher, folder):
            result = read_run(folder)
            runs.append((result, result.settings(RunSettings)))
    teachers = {settings.lora.teacher.name for _, settings in runs if settings.lora.teacher is not None}
    for result, settings in runs:
        with _damage_noted(publisher, result.folder):
            _publish_run(publisher, result, settings, teachers)


@contextmanager
def _damage_noted(publisher: Publisher, folder: Path) -> Iterator[None]:
    try:
        yield
    except HarError as error:
        publisher.asked.append(Published("", folder.name, [folder], Failed(str(error))))


def _publish_run(publisher: Publisher, result: RunResult, settings: RunSettings, teachers: Collection[str]) -> None:
    """In the group that the command names, or else the run's own config, or else that of a single run."""
    folder, kept = result.folder, settings.tracker
    group = publisher.tracker.group or (kept and kept.group) or group_alone(result.metrics)
    adapter = _publish_adapter(publisher, result, group)
    kind = job_type(result.metrics.model, settings.lora, teachers) if result.metrics.baseline is None else BASELINE
    asked_for = publisher.tracker.run_id if kind not in (BASELINE, TEACHER) else None  # not what is published beside it
    id = asked_for or run_id(folder)
    about = {"id": id, "folder": str(folder), "group": group, "job_type": kind, "adapter": adapter and str(adapter)}
    publisher.ask_once(Published(id, folder.name, [folder]), "run", **about)


def group_alone(metrics: Metrics) -> str:
    """The W&B group of a run outside a sweep; runs that differ only in their seed share it."""
    return "-".join(about(metrics))


BASELINE, TEACHER = "baseline", "teacher"
"""Job types."""


def job_type(model: str, lora: Lora, teachers: Collection[str]) -> str:
    """student (distilled, or without an adapter for comparison), adapter, teacher (of published students), or run."""
    if lora.trainer is not None:
        return "student"
    if lora.name != NO_ADAPTER:
        return "adapter"
    return TEACHER if model in teachers else "run"


def _publish_adapter(publisher: Publisher, result: RunResult, group: str) -> Path | None:
    """Publish the training of a run's adapter, unless that was done live or with another run. Returns the adapter's folder,
    if there is one."""
    adapter = result.metrics.adapter
    if adapter is None or adapter.distillation is None:
        return None
    folder = find_adapter(result.folder.parent.parent / "store", adapter.revision)
    if folder is None or not (folder / MANIFEST).is_file():
        publisher.without_adapter.append(result.folder)
        return None
    id = training_id(adapter.revision)
    for one in publisher.asked:
        if one.id == id:
            one.runs.append(result.folder)
            return folder
    if not publisher.notes.online(id):
        publisher.ask_once(Published(id, folder.name, [result.folder]), "adapter", folder=str(folder), group=group)
    return folder


def sentences(publisher: Publisher) -> list[str]:
    """A sentence for each kind of outcome."""
    done = [one for one in publisher.asked if one.reported]
    found = []
    if online := [one.outcome for one in done if isinstance(one.outcome, Online)]:
        found.append(_online(online))
    # Also what nobody is told of otherwise: `wandb sync` has to be given its folder.
    if offline := [one.outcome for one in publisher.asked if isinstance(one.outcome, Offline)]:
        found.append(_offline(offline, publisher))
    if failed := [(one.runs, one.outcome) for one in done if isinstance(one.outcome, Failed)]:
        found.append(_failed(failed, publisher))
    if publisher.without_adapter:
        names = ", ".join(folder.name for folder in publisher.without_adapter)
        found.append(
            f"No training is shown for {names}: its adapter is not in store/adapters, beside the folder of the runs."
        )
    return found


def _online(outcomes: Sequence[Online]) -> str:
    again = " already" if all(one.again for one in outcomes) else ""
    urls = list(dict.fromkeys(one.url for one in outcomes))
    if len(urls) == 1:
        return f"W&B has the run{again}: {urls[0]}"
    return f"W&B has all {counted(len(urls), 'run')}{again}: {urls[0].partition('/runs/')[0]}"


def _offline(outcomes: Sequence[Offline], publisher: Publisher) -> str:
    folders = list(dict.fromkeys(shown(publisher.folder / one.folder) for one in outcomes))
    why = "this machine is not logged in to W&B"
    if publisher.tracker.mode == "offline":
        why = "tracker.mode is offline"
    elif os.environ.get("WANDB_MODE") in OFFLINE_MODES:
        why = f"WANDB_MODE is {os.environ['WANDB_MODE']}"
    runs = "The W&B run is" if len(folders) == 1 else f"{counted(len(folders), 'W&B run')} are"
    command = _sync_command(folders)
    return f"{runs} kept here, because {why}; after `wandb login`, this sends what is kept: {command}"


def _sync_command(folders: Sequence[str]) -> str:
    """What sends these folders: all of them by a pattern, where they are many and no others match it."""
    parent = Path(folders[0]).parent
    if len(folders) >= MANY and {str(path) for path in parent.glob(OFFLINE_RUNS)} == {*folders}:
        return f"wandb sync {shlex.quote(str(parent))}/{OFFLINE_RUNS}"
    return shlex.join(["wandb", "sync", *folders])


def _failed(failures: Sequence[tuple[Sequence[Path], Failed]], publisher: Publisher) -> str:
    """`failures`: each with the run directories that it concerns."""
    reasons = list(dict.fromkeys(failed.why for _, failed in failures))
    why = reasons[0].rstrip(".") + (f", and {counted(len(reasons) - 1, 'other reason')}" if len(reasons) > 1 else "")
    runs = list(dict.fromkeys(str(run) for concerned, _ in failures for run in concerned))
    what = f"{counted(len(failures), 'run')} are" if len(failures) > 1 else "The run is"
    start = f"{what} not published to W&B ({why}). "
    if not runs:
        return f"{start}The adapter is complete; its training is published together with the first run that uses it."
    command = sync_command(publisher.tracker, publisher.outputs, runs)
    return f"{start}The results are complete; publish them later with: {command}"


def sync_command(tracker: WandbTracker, outputs: str, runs: Sequence[str]) -> str:
    """The command line that publishes these runs with the same settings."""
    default = WandbTracker()
    changed = [
        f"tracker.{one.name}={_value(getattr(tracker, one.name))}"
        for one in dataclasses.fields(tracker)
        if getattr(tracker, one.name) != getattr(default, one.name)
    ]
    options = [*(["tracker=wandb"] if changed else []), *changed]
    if outputs != "outputs":
        options.append(f"paths.outputs={_value(outputs)}")
    names = _value([shown(Path(run)) for run in runs])
    return shlex.join(["python", "-m", "har_llm", "task=sync", *options, f"runs={names}"])


def _value(value: object) -> str:
    """The value, quoted for Hydra's command line."""
    if isinstance(value, list | tuple):
        return "[" + ",".join(_value(one) for one in value) + "]"
    if isinstance(value, bool | int | float) or value is None:
        return "null" if value is None else str(value).lower()
    text = str(value)
    # Hydra takes a backslash literally, except before a quote.
    return text if PLAIN_VALUE.fullmatch(text) else "'" + re.sub(r"(\\*)('|$)", _escape_quote, text) + "'"


def _escape_quote(found: re.Match[str]) -> str:
    backslashes, quote = found.groups()
    return backslashes * 2 + ("\\'" if quote else "")


def shown(path: Path) -> str:
    """The path, relative to the working folder if it is below that."""
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative
