"""Runs of a sweep are one group, whichever process publishes them."""

from __future__ import annotations

from pathlib import Path

import pytest

from har_llm.common.errors import ConfigError
from har_llm.config.tracker import WandbTracker
from har_llm.sweep.job import Job
from har_llm.tracking.session import check_single, name_groups
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


def test_one_id_of_wandb_is_for_one_job(tmp_path: Path) -> None:
    given = ("tracker.run_id=one", f"paths.outputs={tmp_path}")
    check_single([job("limit=1", *given), job("limit=2", f"paths.outputs={tmp_path}")])
    with pytest.raises(
        ConfigError, match=r"tracker\.run_id is 'one' for 2 jobs, which W&B would merge .* unset WANDB_RUN_ID"
    ):
        check_single([job("limit=1", *given), job("limit=2", *given)])


def test_wandb_s_own_variables_are_settings_of_the_tracker(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("PROJECT", "theirs"), ("RUN_GROUP", "a group"), ("TAGS", "one, two"), ("RUN_ID", "x1")):
        monkeypatch.setenv(f"WANDB_{name}", value)
    tracker = tracker_of("tracker=wandb")
    assert (tracker.project, tracker.group, tracker.tags, tracker.run_id) == ("theirs", "a group", ["one", "two"], "x1")
    chosen = tracker_of("tracker=wandb", "tracker.project=mine", "tracker.tags=[own]", "tracker.run_id=null")
    assert (chosen.project, chosen.tags, chosen.run_id) == ("mine", ["own"], None)


def tracker_of(*overrides: str) -> WandbTracker:
    tracker = experiment(*overrides).tracker
    assert isinstance(tracker, WandbTracker)
    return tracker
