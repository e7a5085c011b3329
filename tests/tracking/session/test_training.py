"""A training's loss is live in a W&B run of its own; resumed, it is the same run; its adapter is logged once."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from har_llm.config.experiment import Experiment
from har_llm.distill.examples import Example, Selection
from har_llm.distill.manifest import read_manifest
from har_llm.distill.training_messages import TrainingStep
from har_llm.report.terminal.progress import LiveProgress
from har_llm.runs.prepare import prepare
from har_llm.runs.recipe import AdapterRecipe
from har_llm.sweep import execute
from har_llm.sweep.callbacks import Callbacks
from har_llm.sweep.job import Job
from har_llm.tracking.publisher import Publisher
from har_llm.tracking.session import tracking
from har_llm.tracking.sync import sync
from tests.composing import experiment
from tests.sweep.distilled_jobs import adapters, job
from tests.tracking.fake_wandb import KEY, fake_wandb
from tests.tracking.wandb_file import OfflineRun, published_runs

TRACKED = ("tracker=wandb", "tracker.mode=offline")


def made(*jobs: Job) -> None:
    with tracking(jobs) as tracker:
        with LiveProgress() as callback:
            execute.run_jobs(jobs, Callbacks(callback, tracker))
        tracker.publish(jobs)
    assert all(each.error is None for each in jobs)


def trainings(tmp_path: Path) -> list[OfflineRun]:
    return [run for run in published_runs(tmp_path / "outputs") if run.run.job_type == "training"]


def steps(run: OfflineRun) -> list[TrainingStep]:
    names = ("loss", "learning_rate", "grad_norm", "epoch")
    return [TrainingStep(row["step"], *(row.get(name) for name in names)) for row in run.history]


def recipe_of(tracked: Job) -> AdapterRecipe:
    assert isinstance(tracked.experiment, Experiment)
    tracked.run = prepare(tracked.experiment)
    assert tracked.run.recipe is not None
    return tracked.run.recipe


@pytest.mark.slow
@pytest.mark.usefixtures("same_process")
def test_a_training_is_a_run_of_its_own_and_its_adapter_is_logged_once(tmp_path: Path) -> None:
    students = [job(tmp_path, *TRACKED, f"limit={limit}") for limit in (1, 2)]
    made(*students)
    (training,) = trainings(tmp_path)
    (adapter,) = adapters(tmp_path)
    trained = read_manifest(adapter).adapter
    assert trained is not None and steps(training) == list(trained.steps) and len(trained.steps) == 2
    assert trained.steps[1].learning_rate is not None and trained.steps[1].grad_norm and trained.steps[1].epoch
    assert training.exit_code == 0 and training.run.notes == "synthetic home; synthetic model"
    assert training.config["key"] == trained.origin.key and training.config["trainer"] == "trl"
    assert training.summary["examples"] == trained.origin.examples
    runs = published_runs(tmp_path / "outputs")
    logged = [name for run in runs for name in run.artifacts if name.startswith("model/")]
    assert logged == [f"model/adapter-{adapter.name}"]
    by_kind = {run.run.job_type: run for run in runs}
    assert by_kind["student"].used == {logged[0]: training.artifacts[logged[0]]}, "the same, to be known as the same"
    ((teacher, files),) = training.used.items()
    assert teacher.startswith("generations/teacher-")
    rows = [json.loads(line) for line in Path(files["generations.jsonl"]).read_text().splitlines()]
    assert [row["key"] for row in rows] == trained.origin.recipe["examples"] and all(
        "</think>" in row["text"] for row in rows
    )
    assert {"adapter_model.safetensors", "manifest.json"} <= training.artifacts[logged[0]].keys()
    assert sorted(run.run.job_type for run in runs) == ["student", "student", "training"]
    (group,) = {run.run.run_group for run in runs}
    assert group.startswith("sweep-")
    with fake_wandb() as server:
        environment = {**os.environ, "WANDB_BASE_URL": server.url, "WANDB_API_KEY": KEY}
        command = [str(Path(sys.executable).parent / "wandb"), "sync", *(str(run.folder) for run in runs)]
        subprocess.run(command, env=environment, check=True, capture_output=True, timeout=300)
    used = [sent["input"]["artifactID"] for sent in server.sent("UseArtifact")]
    assert sorted(used) == sorted([f"adapter-{adapter.name}"] * 2 + [teacher.removeprefix("generations/")])
    made(*students)
    sync(experiment(*TRACKED, f"paths.outputs={tmp_path / 'outputs'}"))
    assert len(published_runs(tmp_path / "outputs")) == len(runs)


@pytest.mark.slow
@pytest.mark.usefixtures("same_process")
def test_a_training_that_was_not_shown_live_is_published_with_the_run_that_uses_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made(job(tmp_path, "limit=1"))
    assert not (tmp_path / "outputs" / "wandb").exists()
    sync(experiment(*TRACKED, f"paths.outputs={tmp_path / 'outputs'}"))
    (training,) = trainings(tmp_path)
    (adapter,) = adapters(tmp_path)
    trained = read_manifest(adapter).adapter
    assert trained is not None and steps(training) == list(trained.steps)
    assert f"model/adapter-{adapter.name}" in training.artifacts
    assert len(published_runs(tmp_path / "outputs")) == 2
    (run,) = (tmp_path / "outputs" / "runs").iterdir()
    shutil.copytree(run, tmp_path / "alone" / run.name)
    sync(experiment(*TRACKED, f"paths.outputs={tmp_path / 'other'}", f"runs=[{tmp_path / 'alone'}]"))
    assert f"No training is shown for {run.name}" in capsys.readouterr().out
    assert [sent.run.display_name for sent in published_runs(tmp_path / "other")] == [run.name]


def test_a_training_is_over_while_another_process_trains_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(Publisher, "start", lambda self: None)
    monkeypatch.setattr(Publisher, "ask", lambda self, published, do, **_: asked.append(do))
    student = job(tmp_path, *TRACKED)
    recipe = recipe_of(student)
    with tracking([student]) as tracker:
        tracker.training_starts(recipe, Selection([Example("window s#0", (), "text")], 6, {}, False), 0)
        tracker.training_step(TrainingStep(1, 1.0))
        assert not asked
        tracker.training_waits(recipe, 3, "process 3 trains it")
        assert asked == ["dropped"]


@pytest.mark.slow
def test_a_training_that_goes_on_after_a_kill_is_shown_from_its_beginning_as_the_same_run(tmp_path: Path) -> None:
    ids = []
    for before, after in (([], [1, 2]), ([1, 2, 3], [3, 4])):
        student = job(tmp_path, *TRACKED, f"limit={len(ids) + 1}")
        recipe = recipe_of(student)
        staging = recipe.folder.with_name(f".{recipe.folder.name}")
        staging.mkdir(parents=True, exist_ok=True)
        (staging / "loss.jsonl").write_text("".join(json.dumps([step, 1 / step]) + "\n" for step in before))
        with tracking([student]) as tracker:
            tracker.training_starts(recipe, Selection([Example("window s#0", (), "text")], 6, {}, False), len(before))
            for step in after:
                tracker.training_step(TrainingStep(step, 1 / step))
            tracker.failed(student)  # it is killed, or dies, before its adapter is in place
        run = trainings(tmp_path)[-1]
        ids.append(run.run.run_id)
        assert [step.number for step in steps(run)] == [*before, *after]
        assert run.exit_code == 1 and not run.artifacts
    assert ids[0] == ids[1] == f"training-{recipe.key[:16]}"
