"""The models of all jobs are fetched, each once, without data."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from har_llm.sweep import execute
from har_llm.sweep.job import Job
from tests.composing import experiment
from tests.sweep.noted_jobs import Notes


def test_fetching_models_that_are_here_makes_nothing(tmp_path: Path, job: Callable[..., Job]) -> None:
    transformers = [
        Job(name, experiment(f"model={name}", f"paths.outputs={tmp_path}")) for name in ("tiny_student", "tiny_teacher")
    ]
    callback = Notes()
    execute.fetch_models([*transformers, job("model=qwen3_32b")], callback)
    assert [folder.name for folder in callback.folders] == ["tiny_student", "tiny_teacher"]
    assert not callback.failures and not (tmp_path / "store").exists() and not (tmp_path / "outputs").exists()


def test_a_students_teacher_is_fetched_too() -> None:
    jobs = [Job("", experiment("model=tiny_student", *lora)) for lora in (["lora=distilled_tiny"], ["lora=none"])]
    callback = Notes()
    execute.fetch_models(jobs, callback)
    assert [folder.name for folder in callback.folders] == ["tiny_student", "tiny_teacher"]


def test_a_model_that_cannot_be_fetched_fails_its_own_job(tmp_path: Path) -> None:
    jobs = [Job(name, experiment(f"model={name}", "limit=1")) for name in ("qwen3_0.6b", "tiny_student")]
    callback = Notes()
    execute.fetch_models(jobs, callback)
    assert callback.failures == [jobs[0]] and "is not on this machine" in str(jobs[0].error)
    assert [folder.name for folder in callback.folders] == ["tiny_student"]
