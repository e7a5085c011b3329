"""The baselines that are computed beside a command's runs, unasked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from har_llm.models.baselines.all import BASELINES
from har_llm.models.baselines.forest import RandomForest
from har_llm.runs.prepare import prepare
from har_llm.sweep.beside import Beside, baselines_beside
from har_llm.sweep.callbacks import Callback
from har_llm.sweep.execute import run_jobs
from har_llm.sweep.job import Job
from har_llm.tasks import run_beside

pytestmark = pytest.mark.slow

Make = Callable[..., Job]
ALL = ["majority", "lexical", "sensor_majority", "random_forest"]


def beside(*jobs: Job) -> Beside:
    for job in jobs:
        assert job.experiment is not None
        job.run = prepare(job.experiment)
    return baselines_beside(jobs)


def names(found: Beside) -> list[str]:
    return [job.experiment.model.name for job in found.jobs if job.experiment is not None]


def test_each_once_for_all_runs_on_the_same_events(job: Make) -> None:
    models = [
        job(),
        job("model=tiny_teacher"),
        job("prompt=direct", "prompt.sections.rules=null"),
        job("model.sampling.temperature=0.6"),
    ]
    assert names(beside(*models)) == ALL
    assert names(beside(job(), job("window.events=5"), job("limit=2"))) == ALL * 3
    assert names(beside(job(), job("seed=1"))) == [*ALL, "random_forest"], "only a forest is drawn"


def test_not_those_that_are_asked_for_nor_beside_these(job: Make) -> None:
    assert names(beside(job("model=random_forest"))) == []
    assert names(beside(job(), job("model=majority"), job("model=random_forest", "model.n_estimators=7"))) == ALL[1:]


def test_none_where_they_are_turned_off(job: Make) -> None:
    assert names(beside(job("baselines=none"))) == []


def test_a_part_that_they_are_trained_on_gets_those_without_labels_and_a_word(job: Make) -> None:
    found = beside(job("split.part=train"))
    assert names(found) == ["lexical"]
    (said,) = found.left_out
    assert said.endswith(": split.part is 'train', the part that they are taken from.")


def test_a_training_part_without_gold_gets_those_without_labels_and_a_word(job: Make) -> None:
    one = job()
    assert one.experiment is not None
    one.run = prepare(one.experiment)
    sessions = [
        replace(session, events=[event._replace(activities=()) for event in session.events])
        for session in one.run.recordings.sessions
    ]
    one.run = replace(one.run, recordings=replace(one.run.recordings, sessions=sessions))
    one.run = replace(one.run, parts={**one.run.parts, "train": sessions[:2]})
    found = baselines_beside([one])
    assert names(found) == ["lexical"]
    assert "the 2 sessions of the training part have none" in found.left_out[0]


def test_a_split_without_a_training_part_gets_those_without_labels_and_a_word(job: Make) -> None:
    one = job()
    assert one.experiment is not None
    run = prepare(one.experiment)
    one.run = replace(run, parts={**run.parts, "train": []})
    found = baselines_beside([one])
    assert names(found) == ["lexical"]
    assert found.left_out[0].endswith(": the training part has no session.")


def test_where_no_event_has_gold_there_is_none_and_a_word(job: Make) -> None:
    one = job()
    assert one.experiment is not None
    run = prepare(one.experiment)
    unlabelled = [
        replace(prompt, window=replace(prompt.window, events=tuple(e._replace(activities=()) for e in prompt.window.events)))
        for prompt in run.prompts
    ]
    one.run = replace(run, prompts=unlabelled)
    found = baselines_beside([one])
    assert found.jobs == []
    assert found.left_out == [f"No baseline is computed beside {run.name}: none of its events has a gold activity."]


def test_what_would_take_long_is_left_out_with_a_word(job: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RandomForest, "most_events", 10)
    found = beside(job(), job("model=random_forest", "model.name=asked"))
    assert names(found) == ALL[:-1]
    assert "model=random_forest is not computed unasked beside simulated_flat-tiny_student-test-" in found.left_out[0]
    assert "events to train on it takes longer than seconds." in found.left_out[0]


def test_they_are_finished_runs_and_a_failed_run_has_none(job: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    quick = [one for one in ALL if one != "random_forest"]
    monkeypatch.setattr("har_llm.sweep.beside.BASELINES", [one for one in BASELINES if one.name in quick])
    good, bad = job("limit=2"), job("limit=2", "engine.path=null", "model.name=other")
    run_jobs([good], Callback())
    made = run_beside([good, bad], Callback())
    assert [one.result and one.result.metrics.model for one in made] == quick
    assert len({one.result.metrics.scored_on for one in [good, *made] if one.result is not None}) == 1
    again = run_beside([good], Callback())
    assert [one.fresh for one in again] == [False] * 3
