"""Which runs are published where; a damaged directory does not affect the others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf

from har_llm.config.tracker import WandbTracker
from har_llm.runs.directory import RunResult
from har_llm.tracking import sync
from har_llm.tracking.outcomes import Failed
from har_llm.tracking.publisher import Publisher
from har_llm.tracking.sync import Lora, Teacher, group_alone, job_type, kept_tracker, publish_runs
from tests.commands import har_llm
from tests.composing import experiment
from tests.report.run_folders import sealed
from tests.tracking.fake_wandb import KEY
from tests.tracking.wandb_file import offline_runs

pytestmark = pytest.mark.slow


def test_sync_publishes_runs_that_no_tracker_saw(tmp_path: Path, finished: Callable[..., RunResult]) -> None:
    for limit in (1, 2):
        finished(f"limit={limit}")
    done = har_llm(tmp_path, "task=sync")
    assert "2 W&B runs are kept here" in done.stdout
    runs = offline_runs(tmp_path / "outputs")
    assert {run.run.display_name for run in runs} == {path.name for path in (tmp_path / "outputs" / "runs").iterdir()}
    assert {run.run.run_group for run in runs} == {"simulated_flat-tiny_student-test"}
    har_llm(tmp_path, "task=sync")
    assert len(offline_runs(tmp_path / "outputs")) == 2


def test_a_damaged_run_does_not_keep_the_others_from_being_published(
    tmp_path: Path, finished: Callable[..., RunResult]
) -> None:
    for limit in (1, 2, 3):
        finished(f"limit={limit}")
    first, *others = sorted((tmp_path / "outputs" / "runs").iterdir())
    (first / "windows.jsonl").write_text("{\n")
    done = har_llm(tmp_path, "task=sync", expect=1)
    assert "The run is not published to W&B (" in done.stdout and "windows.jsonl:1 is damaged" in done.stdout
    assert "error: 1 of 3 runs not published to W&B" in done.stderr
    assert {run.run.display_name for run in offline_runs(tmp_path / "outputs")} == {path.name for path in others}


def test_the_mode_that_the_environment_asks_for_is_followed(tmp_path: Path, finished: Callable[..., RunResult]) -> None:
    for limit in (1, 2):
        finished(f"limit={limit}")
    disabled = har_llm(tmp_path, "task=sync", expect=1, WANDB_MODE="disabled", WANDB_API_KEY=KEY)
    assert "2 runs are not published to W&B (WANDB_MODE is disabled in the environment)" in disabled.stdout
    assert not offline_runs(tmp_path / "outputs")
    offline = har_llm(tmp_path, "task=sync", WANDB_MODE="offline", WANDB_API_KEY=KEY)
    assert "2 W&B runs are kept here, because WANDB_MODE is offline" in offline.stdout
    assert len(offline_runs(tmp_path / "outputs")) == 2


Finished = Callable[..., RunResult]


@pytest.fixture(autouse=True)
def no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Publisher, "start", lambda self: None)


def changed(folder: Path, **changes: Any) -> Path:
    """With other values in its config.yaml, as if it had been written so; without those that are None."""
    config = {**OmegaConf.to_container(OmegaConf.load(folder / "config.yaml")), **changes}  # type: ignore[dict-item]
    kept = {name: value for name, value in config.items() if value is not None}
    OmegaConf.save(OmegaConf.create(kept), folder / "config.yaml")
    return sealed(folder)


DAMAGED: list[dict[str, Any]] = [
    {"lora": None},
    {"lora": {}},
    {"lora": "none"},
    {"lora": {"name": "distilled", "teacher": "x"}},
    {"tracker": "wandb"},
]


@pytest.mark.parametrize("changes", DAMAGED)
def test_a_damaged_config_costs_its_own_run(finished: Finished, tmp_path: Path, changes: dict[str, Any]) -> None:
    damaged, sound = changed(finished("limit=1").folder, **changes), finished("limit=2").folder
    publisher = Publisher(WandbTracker(), str(tmp_path))
    publish_runs(publisher, [damaged, sound])
    assert [one.name for one in publisher.asked] == [damaged.name, sound.name]
    failure, waits = (one.outcome for one in publisher.asked)
    assert waits is None and isinstance(failure, Failed) and "; run the command that made it again" in failure.why
    assert f"{damaged}/config.yaml does not hold what this version of har_llm writes" in failure.why


def test_job_types() -> None:
    plain = Lora("none")
    assert job_type("tiny_student", plain, []) == "run"
    assert job_type("tiny_student", plain, ["tiny_student"]) == "teacher"
    assert job_type("tiny_student", Lora("adapter"), ["tiny_student"]) == "adapter"
    assert job_type("tiny_student", Lora("distilled", Teacher("tiny_teacher"), "auto"), []) == "student"
    assert job_type("tiny_student", Lora("gold_answers", trainer="auto"), []) == "student"


def test_seeds_of_a_run_outside_a_sweep_are_one_group(finished: Finished) -> None:
    groups = {group_alone(finished("limit=1", f"seed={seed}").metrics) for seed in (0, 1)}
    assert groups == {"simulated_flat-tiny_student-test"}


def synced(monkeypatch: pytest.MonkeyPatch, *overrides: str) -> dict[str, list[str]]:
    """Which runs task=sync publishes to which project."""
    found: dict[str, list[str]] = {}

    def note(publisher: Publisher, folders: list[Path]) -> None:
        found.setdefault(f"{publisher.tracker.entity}/{publisher.tracker.project}", []).extend(f.name for f in folders)

    monkeypatch.setattr(sync, "publish_runs", note)
    sync.sync(experiment(*overrides))
    return found


def test_a_run_is_published_where_its_own_command_published(
    finished: Finished, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = [finished(f"limit={n}", "tracker=wandb", "tracker.project=paper", "tracker.entity=team") for n in (1, 2)]
    here = finished("limit=3")
    outputs = f"paths.outputs={tmp_path / 'outputs'}"
    expected = {"team/paper": sorted(run.folder.name for run in there), "None/har_llm": [here.folder.name]}
    assert {place: sorted(names) for place, names in synced(monkeypatch, outputs).items()} == expected
    (everything,) = synced(monkeypatch, outputs, "tracker=wandb", "tracker.project=mine").items()
    assert everything[0] == "None/mine" and len(everything[1]) == 3


def test_what_a_run_was_not_to_publish_is_not_published_later(finished: Finished) -> None:
    options = (
        "tracker=wandb",
        "tracker.artifacts=false",
        "tracker.samples=0",
        "tracker.tags=[mine]",
        "tracker.mode=offline",
    )
    expected = WandbTracker(artifacts=False, samples=0, tags=["mine"])
    assert kept_tracker(finished("limit=1", *options).folder) == expected


@pytest.mark.parametrize("tracker", ["wandb", {"project": "../x"}, {"project": 3}, {"samples": "many"}])
def test_a_damaged_tracker_is_the_shipped_one(finished: Finished, tracker: Any) -> None:
    assert kept_tracker(changed(finished("limit=1").folder, tracker=tracker)) == WandbTracker()
