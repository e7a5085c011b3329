"""What is asked of a publisher: finished runs with the trainings behind them, and trainings that are going on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from har_llm.common.errors import HarError
from har_llm.config import WandbTracker
from har_llm.runs.manifest import manifest
from har_llm.runs.result import read_run, understood
from har_llm.sweep.train import losses_so_far
from har_llm.tracking.publisher import Published, Publisher
from har_llm.tracking.run_content import group_alone, read_config, run_id, teacher_of
from har_llm.tracking.training_content import adapter_folder, read_training, training_id

if TYPE_CHECKING:
    from har_llm.distill.examples import Selection
    from har_llm.runs.manifest import AdapterRecipe

KEPT = ("project", "entity", "tags", "samples", "artifacts")
"""What of a run's own tracker holds for whoever publishes it later, beside its group."""


def publish_runs(publisher: Publisher, folders: Sequence[Path]) -> None:
    """Each once, after the training of its adapter; what W&B has already is only noted."""
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
        _ask(publisher, published, "run", folder=str(folder), group=group, teachers=teachers)


def kept_tracker(folder: Path) -> WandbTracker:
    """Where the command that made a run published it or would have, and how much of it. As shipped where it did not."""
    try:
        with understood(folder):
            kept = read_config(folder).get("tracker") or {}
            tracker = WandbTracker(**{name: kept[name] for name in KEPT if name in kept})
            tracker.check()
    except HarError:  # publish_runs tells of it
        return WandbTracker()
    return tracker


def _teachers(folders: Sequence[Path]) -> list[str]:
    """The models that teach in these runs; a damaged directory is told of in its turn."""
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
    id = read_training(folder, folder.name, []).id
    for one in publisher.asked:
        if one.id == id:
            one.runs.append(run_folder)
            return
    if not publisher.ledger.online(id):
        _ask(publisher, Published(id, folder.name, [run_folder]), "adapter", folder=str(folder), group=group)


def _ask(publisher: Publisher, published: Published, do: str, **message: object) -> None:
    if publisher.ledger.online(published.id):
        note = publisher.ledger.find(published.id) or {}
        published.outcome = {"url": note.get("url", f"sent by wandb sync from {note.get('folder')}"), "again": True}
        publisher.asked.append(published)
        return
    waiting = publisher.ledger.waiting(published.id)
    publisher.ask(published, do, waiting=None if waiting is None else waiting.name, **message)


def begin_training(publisher: Publisher, recipe: AdapterRecipe, selection: Selection) -> None:
    """Show a training from now on, with what was done of it before this process was started."""
    known = manifest(recipe, selection, {}, losses_so_far(recipe))
    publisher.tell("training", manifest=known, name=recipe.folder.name, group=_group_of_recipe(publisher, recipe))


def _group_of_recipe(publisher: Publisher, recipe: AdapterRecipe) -> str:
    experiment = recipe.experiment
    pieces = (experiment.dataset.name, experiment.model.name, experiment.lora.label(), experiment.split.part)
    return publisher.tracker.group or "-".join(pieces)


def end_training(publisher: Publisher, recipe: AdapterRecipe) -> None:
    folder = recipe.folder if recipe.folder.is_dir() else None
    published = Published(training_id(recipe.key), recipe.folder.name, [], told=folder is not None)
    if folder is None:
        publisher.ask(published, "dropped")
    else:
        publisher.ask(published, "trained", folder=str(folder), group=_group_of_recipe(publisher, recipe))
