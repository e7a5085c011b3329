"""What the tasks sync and dashboard do."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from har_llm.common.errors import EngineError
from har_llm.common.text import visible
from har_llm.config import Experiment
from har_llm.runs.find import chosen_runs
from har_llm.tracking.config import WandbTracker
from har_llm.tracking.outcome import sentences
from har_llm.tracking.publisher import Published, Publisher
from har_llm.tracking.publishing import kept_tracker, publish_runs

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
    for tracker, mine in places.values():
        asked += _sync(Publisher(tracker, experiment.settings.paths.outputs), mine)
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


def dashboard(experiment: Experiment) -> None:
    """Make the report that har_llm/tracking/dashboard.yaml describes. Raises EngineError where W&B does not take it."""
    chosen = experiment.tracker
    tracker = chosen if isinstance(chosen, WandbTracker) else WandbTracker()
    publisher = Publisher(tracker, experiment.settings.paths.outputs)
    note = publisher.ledger.find(DASHBOARD) or {}
    asked = Published(DASHBOARD, DASHBOARD, [])
    try:
        publisher.ask(asked, DASHBOARD, id=note.get("report"))
        publisher.wait()
    finally:
        publisher.close()
    if "failed" in asked.outcome:
        raise EngineError(f"The dashboard was not made ({asked.outcome['failed'].rstrip('.')}).")
    print(visible(f"Dashboard: {asked.outcome['url']}"))
