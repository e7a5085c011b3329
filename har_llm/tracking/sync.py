"""The tasks sync and dashboard, and the publishing of runs: each once, after the training of its adapter."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from har_llm.common.errors import EngineError, HarError
from har_llm.common.text import visible
from har_llm.config import Experiment, WandbTracker
from har_llm.runs.directory import RunResult, read_run
from har_llm.runs.find import chosen_runs
from har_llm.tracking.messages import sentences
from har_llm.tracking.publisher import Published, Publisher
from har_llm.tracking.run_content import group_alone, run_id, run_settings
from har_llm.tracking.training_content import adapter_folder, read_training

KEPT = ("project", "entity", "tags", "samples", "artifacts")
"""The settings of a run's own tracker that count when it is published later; so does its group."""
DASHBOARD = "dashboard"


def sync(experiment: Experiment) -> None:
    """Publish the chosen runs. Raises ConfigError or MissingError if they cannot be read, EngineError if some did not
    arrive.

    Without tracker=wandb, each run goes to the W&B project of its own config.
    """
    places: dict[str, tuple[WandbTracker, list[Path]]] = {}
    for result in chosen_runs(experiment.settings):
        tracker = experiment.tracker if isinstance(experiment.tracker, WandbTracker) else kept_tracker(result)
        places.setdefault(repr(tracker), (tracker, []))[1].append(result.folder)
    asked: list[Published] = []
    for tracker, its_folders in places.values():
        asked += _sync(Publisher(tracker, experiment.settings.paths.outputs), its_folders)
    failed = [one for one in asked if "failed" in one.outcome]
    if failed:
        raise EngineError(f"{len(failed)} of {len(asked)} runs were not published to W&B; the reason is above.")


def _sync(publisher: Publisher, folders: Sequence[Path]) -> list[Published]:
    try:
        publish_runs(publisher, folders)
        publisher.wait()
    finally:
        publisher.close()
    for text in sentences(publisher):
        print(visible(text))
    return publisher.asked


def kept_tracker(result: RunResult) -> WandbTracker:
    """The tracker of a run's own config, which says where and how to publish it; the default one if it had none."""
    try:
        kept = run_settings(result).tracker or WandbTracker()
        tracker = WandbTracker(**{name: getattr(kept, name) for name in KEPT})
        tracker.check()
    except HarError:  # publish_runs reports it
        return WandbTracker()
    return tracker


def publish_runs(publisher: Publisher, folders: Sequence[Path]) -> None:
    """Publish each run once, after the training of its adapter. A damaged directory does not affect the others."""
    folders = list(dict.fromkeys(folder.resolve() for folder in folders))
    teachers = _teachers(folders)
    for folder in folders:
        published = Published("", folder.name, [folder])
        try:
            result = read_run(folder)
            published.id = run_id(folder)
            group = _group(publisher, result)
            _publish_adapter(publisher, result, group)
        except HarError as error:
            published.outcome = {"failed": str(error)}
            publisher.asked.append(published)
        else:
            publisher.ask_once(published, "run", folder=str(folder), group=group, teachers=teachers)


def _teachers(folders: Sequence[Path]) -> list[str]:
    """The names of the teachers of these runs. publish_runs reports a damaged directory."""
    found = set()
    for folder in folders:
        with suppress(HarError):
            found.add(run_settings(read_run(folder)).teacher)
    return sorted(name for name in found if name is not None)


def _group(publisher: Publisher, result: RunResult) -> str:
    """The group that the command names, or else the run's own config, or else that of a single run."""
    kept = run_settings(result).tracker
    return publisher.tracker.group or (kept and kept.group) or group_alone(result.metrics)


def _publish_adapter(publisher: Publisher, result: RunResult, group: str) -> None:
    """Publish the training of a run's adapter, unless that was done live or with another run."""
    folder = adapter_folder(result.folder, result.metrics)
    if folder is None:
        if result.metrics.adapter is not None and result.metrics.adapter.distillation is not None:
            publisher.without_adapter.append(result.folder)
        return
    id = read_training(folder, group, []).id
    for one in publisher.asked:
        if one.id == id:
            one.runs.append(result.folder)
            return
    if not publisher.notes.online(id):
        publisher.ask_once(Published(id, folder.name, [result.folder]), "adapter", folder=str(folder), group=group)


def dashboard(experiment: Experiment) -> None:
    """Make the report that har_llm/tracking/dashboard.yaml describes. Raises EngineError if W&B refuses it."""
    chosen = experiment.tracker
    tracker = chosen if isinstance(chosen, WandbTracker) else WandbTracker()
    publisher = Publisher(tracker, experiment.settings.paths.outputs)
    note = publisher.notes.find(DASHBOARD) or {}
    asked = Published(DASHBOARD, DASHBOARD)
    try:
        publisher.ask(asked, DASHBOARD, id=note.get("report"))
        publisher.wait()
    finally:
        publisher.close()
    if "failed" in asked.outcome:
        raise EngineError(f"The dashboard was not made ({asked.outcome['failed'].rstrip('.')}).")
    print(visible(f"Dashboard: {asked.outcome['url']}"))
