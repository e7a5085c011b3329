"""What the tasks sync and dashboard do."""

from __future__ import annotations

from har_llm.config import Experiment
from har_llm.errors import EngineError
from har_llm.report.collect import chosen_runs
from har_llm.text import visible
from har_llm.tracking.config import WandbTracker
from har_llm.tracking.outcome import sentences
from har_llm.tracking.publisher import Published, Publisher
from har_llm.tracking.publishing import publish_runs

DASHBOARD = "dashboard"


def sync(experiment: Experiment) -> None:
    """Publish the chosen runs. Raises EngineError where some did not arrive, and ConfigError or MissingError before that."""
    folders = [result.folder for result in chosen_runs(experiment.settings)]
    publisher = _publisher(experiment)
    try:
        publish_runs(publisher, folders)
        publisher.wait()
    finally:
        publisher.close()
    for text in sentences(publisher):
        print(visible(text))
    failed = [one for one in publisher.asked if "failed" in one.outcome]
    if failed:
        raise EngineError(f"{len(failed)} of {len(publisher.asked)} runs did not reach W&B; the reason is above.")


def dashboard(experiment: Experiment) -> None:
    """Make the report that har_llm/tracking/dashboard.yaml describes. Raises EngineError where W&B does not take it."""
    publisher = _publisher(experiment)
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


def _publisher(experiment: Experiment) -> Publisher:
    """The tracker of the command; one that was not chosen is as shipped."""
    chosen = experiment.tracker
    tracker = chosen if isinstance(chosen, WandbTracker) else WandbTracker()
    return Publisher(tracker, experiment.settings.paths.outputs)
