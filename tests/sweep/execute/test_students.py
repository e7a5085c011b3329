"""Teachers, trainings and students in one sweep: everything is made once, and a failure affects only its dependents."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from har_llm.common.errors import MissingError
from har_llm.common.provenance import Provenance
from har_llm.distill.manifest import read_manifest
from har_llm.distill.model_card import CURVE
from har_llm.models.config import ModelConfig
from har_llm.runs.prepare import prepare
from har_llm.sweep.plan import make_plan
from har_llm.sweep.read_once import Stores
from tests.sweep.distilled_jobs import adapters, job
from tests.sweep.noted_jobs import done, kept

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("same_process")]


def origins(tmp_path: Path) -> list[dict[str, str]]:
    shards = (tmp_path / "outputs" / "store" / "generations").glob("*/*.jsonl")
    return [json.loads(line)["about"] for shard in shards for line in shard.read_text().splitlines()]


def test_fewer_sessions_are_among_more_and_everything_is_made_once(tmp_path: Path) -> None:
    """Figure 4 in small: the teacher once, the student once, an adapter for each number of sessions."""
    jobs = [
        job(tmp_path, "lora.train_sessions=1"),
        job(tmp_path, "lora=none"),
        job(tmp_path, "lora.train_sessions=3"),
        job(tmp_path, "lora.train_sessions=0"),
        job(tmp_path, "lora=none", "model=tiny_teacher"),
    ]
    plan = make_plan([prepare(one.experiment) for one in jobs], Stores())  # type: ignore[arg-type]
    assert [load.model.config.name for load in plan.loads] == ["tiny_teacher", "tiny_student"]
    assert len(plan.recipes) == 2
    callback = done(*jobs)
    assert not callback.failures, [str(one.error) for one in callback.failures]
    assert [load.model.config.name for load in callback.loads] == ["tiny_teacher", "tiny_student"]
    keys = kept(tmp_path)
    assert len(set(keys)) == len(keys)
    folders = [folder for folder in adapters(tmp_path) if not folder.name.startswith(".")]
    assert len(folders) == len(adapters(tmp_path)) == 2
    weights = set()
    for folder in folders:
        manifest = read_manifest(folder)
        assert manifest.provenance == Provenance(home=True, model=True) and manifest.adapter is not None
        made, record = manifest.adapter, manifest.adapter.record
        weights.add(made.weights)
        assert [step.number for step in made.steps] == [1, 2]
        assert (made.origin.training.optim, record.optimizer) == ("auto", callback.trained[0][1].optimizer)
        assert (folder / CURVE).read_bytes().startswith(b"\x89PNG")
    assert {about.get("adapter_weights") for about in origins(tmp_path)} == {None, *weights}
    assert [start.trainable_parameters for _, start in callback.trained] == [record.trainable_parameters] * 2
    assert callback.steps == [1, 2, 1, 2]
    for folder in folders:
        assert "synthetic home, synthetic model" in (folder / "README.md").read_text()
    assert jobs[1].folder == jobs[3].folder or jobs[1].run.digest == jobs[3].run.digest  # type: ignore[union-attr]
    again = done(*(job(tmp_path, *one.title.split()) for one in jobs))
    assert not again.loads and not again.failures


def test_a_teacher_that_fails_fails_only_its_students(tmp_path: Path) -> None:
    jobs = [job(tmp_path, "lora.teacher.context=50"), job(tmp_path, "lora=none")]
    callback = done(*jobs)
    assert callback.failures == [jobs[0]] and "context is 50" in str(jobs[0].error)
    assert jobs[1].folder is not None


def test_a_job_whose_teacher_and_student_both_do_not_fit_is_reported_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_large(config: ModelConfig, *_: object) -> None:
        raise MissingError(f"{config.name} is too large.")

    monkeypatch.setattr("har_llm.models.resolve.check_memory", too_large)
    student = job(tmp_path)
    assert done(student).failures == [student]
    assert str(student.error) == "tiny_teacher is too large."


def test_a_teacher_whose_context_is_too_small_for_one_job_still_generates_for_the_other(tmp_path: Path) -> None:
    """Both teachers' requests go to one engine in one batch."""
    common = ("dataset.sessions.events=[30,30]", "lora.teacher.context=600", "lora.train_sessions=1", "limit=1")
    jobs = [job(tmp_path, *common, f"window.events={size}") for size in (30, 3)]
    callback = done(*jobs)
    assert callback.failures == [jobs[0]] and "context is 600" in str(jobs[0].error)
    assert jobs[1].folder is not None
    assert len(callback.recipes) == 1
