"""The tasks sync and dashboard, and which runs are published where: each once, after the training of its adapter."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from har_llm.common.errors import EngineError, HarError
from har_llm.common.text import visible
from har_llm.config import Experiment, WandbTracker
from har_llm.runs.find import chosen_runs
from har_llm.runs.old_result import read_run, understood
from har_llm.tracking.messages import sentences
from har_llm.tracking.publisher import Published, Publisher
from har_llm.tracking.run_content import group_alone, read_config, run_id, teacher_of
from har_llm.tracking.training_content import adapter_folder, read_training

KEPT = ("project", "entity", "tags", "samples", "artifacts")
"""What of a run's own tracker holds for whoever publishes it later, beside its group."""
DASHBOARD = "dashboard"


def sync(experiment: Experiment) -> None:
    """Publish the chosen runs. Raises EngineError where some did not arrive, and ConfigError or MissingError before that.

    Where the command chose no tracker, each goes where its own command published, or would have.
    """
    folders = [result.folder for result in chosen_runs(experiment.settings)]
    places: dict[str, tuple[WandbTracker, list[Path]]] = {}
    for folder in folders:
        tracker = experiment.tracker if isinstance(experiment.tracker, WandbTracker) else kept_tracker(folder)
        places.setdefault(repr(tracker), (tracker, []))[1].append(folder)
    asked: list[Published] = []
    for tracker, its_folders in places.values():
        asked += _sync(Publisher(tracker, experiment.settings.paths.outputs), its_folders)
    failed = [one for one in asked if "failed" in one.outcome]
    if failed:
        raise EngineError(f"{len(failed)} of {len(asked)} runs did not reach W&B; the reason is above.")


def _sync(publisher: Publisher, folders: Sequence[Path]) -> list[Published]:
    try:
        publish_runs(publisher, folders)
        publisher.wait()
    finally:
        publisher.close()
    for text in sentences(publisher):
        print(visible(text))
    return publisher.asked


def kept_tracker(folder: Path) -> WandbTracker:
    """Where the command that made a run published it or would have, and how much of it. As shipped where it did not."""
    try:
        with understood(folder):
            kept = read_config(folder).get("tracker") or {}
            tracker = WandbTracker(**{name: kept[name] for name in KEPT if name in kept})
            tracker.check()
    except HarError:  # publish_runs says so
        return WandbTracker()
    return tracker


def publish_runs(publisher: Publisher, folders: Sequence[Path]) -> None:
    """Ask for each once, after the training of its adapter. A damaged directory costs itself alone."""
    folders = list(dict.fromkeys(folder.resolve() for folder in folders))
    teachers = _teachers(folders)
    for folder in folders:
        published = Published("", folder.name, [folder])
        try:
            with understood(folder):
                published.id = run_id(folder)
                group = _group(publisher, folder)
                _publish_adapter(publisher, folder, group)
        except HarError as error:
            published.outcome = {"failed": str(error)}
            publisher.asked.append(published)
            continue
        publisher.ask_once(published, "run", folder=str(folder), group=group, teachers=teachers)


def _teachers(folders: Sequence[Path]) -> list[str]:
    """The models that teach in these runs. A damaged directory is reported in its turn."""
    found = set()
    for folder in folders:
        try:
            with understood(folder):
                found.add(teacher_of(read_config(folder)))
        except HarError:
            continue
    return sorted(name for name in found if name is not None)


def _group(publisher: Publisher, folder: Path) -> str:
    """As the command says, or else as the run was made in, or else by itself."""
    kept = (read_config(folder).get("tracker") or {}).get("group")
    return publisher.tracker.group or kept or group_alone(read_run(folder).metrics)


def _publish_adapter(publisher: Publisher, run_folder: Path, group: str) -> None:
    """The training of a run's adapter, unless it was published, as it went on or with another run."""
    scores = read_run(run_folder).metrics
    folder = adapter_folder(run_folder, scores)
    if folder is None:
        if scores["adapter"] is not None and "taught" in scores["adapter"]:
            publisher.without_adapter.append(run_folder)
        return
    id = read_training(folder, group, []).id
    for one in publisher.asked:
        if one.id == id:
            one.runs.append(run_folder)
            return
    if not publisher.notes.online(id):
        publisher.ask_once(Published(id, folder.name, [run_folder]), "adapter", folder=str(folder), group=group)


def dashboard(experiment: Experiment) -> None:
    """Make the report that har_llm/tracking/dashboard.yaml describes. Raises EngineError where W&B does not take it."""
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
