"""Runs of a sweep are one group, whichever process publishes them."""

from __future__ import annotations

from har_llm.config import WandbTracker
from har_llm.sweep.job import Job
from har_llm.tracking.session import name_groups
from tests.composing import experiment


def groups(*jobs: Job) -> set[str | None]:
    name_groups(jobs)
    found: set[str | None] = set()
    for job in jobs:
        assert job.experiment is not None and isinstance(job.experiment.tracker, WandbTracker)
        assert job.experiment.source["tracker"]["group"] == job.experiment.tracker.group
        found.add(job.experiment.tracker.group)
    return found


def job(*overrides: str, choice: str | None = None) -> Job:
    return Job(" ".join(overrides), experiment("tracker=wandb", *overrides), choice=choice)


def test_a_sweep_has_a_name_that_depends_on_what_it_makes_alone() -> None:
    (one,) = groups(job("limit=1"), job("limit=2"))
    assert one is not None and one.startswith("sweep-")
    assert groups(job("limit=2", "paths.outputs=x"), job("limit=1", "tracker.samples=3")) == {one}
    assert groups(job("limit=1"), job("limit=3")) != {one}
    assert groups(job("limit=1", "window.events=5"), job("limit=2", "window.events=5")) != {one}


def test_an_experiment_is_a_group() -> None:
    assert groups(job("limit=1", choice="table1"), job("limit=2", choice="table1")) == {"table1"}
    assert groups(job("limit=1", choice="figure4")) == {"figure4"}


def test_the_users_own_group_is_kept() -> None:
    assert groups(job("limit=1", "tracker.group=mine"), job("limit=2", "tracker.group=mine")) == {"mine"}


def test_a_run_alone_has_none_yet() -> None:
    assert groups(job("limit=1")) == {None}
