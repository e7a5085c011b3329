"""Which W&B group the runs of a command form."""

from __future__ import annotations

from collections.abc import Sequence

from har_llm.runs.store import digest
from har_llm.sweep.job import Job
from har_llm.tracking.config import WandbTracker

UNRELATED = ("paths", "tracker", "task", "runs", "export", "report")
"""Settings that make no other sweep."""


def settle_groups(jobs: Sequence[Job]) -> None:
    """Name the group of every job that has none: its experiment, or else the sweep; a job alone keeps none.

    The name goes into the run's config as well, which is written into its directory: whoever publishes the run later, from
    its directory alone, gets the same group.
    """
    sweep = _digest(jobs) if len(jobs) > 1 else None
    for job in jobs:
        assert job.experiment is not None
        tracker = job.experiment.tracker
        if isinstance(tracker, WandbTracker) and tracker.group is None:
            tracker.group = job.choice or sweep
            job.experiment.source["tracker"] = {**job.experiment.source["tracker"], "group": tracker.group}


def _digest(jobs: Sequence[Job]) -> str:
    """The same for the same sweep, so that one that is gone on with stays in its group."""
    sources = [job.experiment.source for job in jobs if job.experiment is not None]
    kept = [{name: value for name, value in source.items() if name not in UNRELATED} for source in sources]
    return f"sweep-{digest(sorted(digest(one) for one in kept))[:8]}"
