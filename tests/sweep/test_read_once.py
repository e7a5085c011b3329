"""Datasets are read, stores opened and adapters digested once for all jobs that need them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from har_llm import tasks
from har_llm.distill.training_job import TrainingJob
from har_llm.distill.training_messages import TrainingMessage, TrainingStart, TrainingStep
from har_llm.models.adapters import ADAPTER_FILES, adapter_digest
from har_llm.runs.prepare import prepare
from har_llm.runs.recipe import StudentRun
from har_llm.runs.store import GenerationStore
from har_llm.sweep.execute import generate_jobs
from har_llm.sweep.job import Job
from har_llm.sweep.plan import make_plan
from har_llm.sweep.read_once import Stores
from har_llm.sweep.train import check_recipe
from tests.sweep.distilled_jobs import adapters, keep, stand_in
from tests.sweep.distilled_jobs import job as distilled_job
from tests.sweep.noted_jobs import Notes, done

pytestmark = pytest.mark.slow


def test_an_adapter_is_digested_once_for_all_that_ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = [prepare(distilled_job(tmp_path, f"seed={seed}").experiment) for seed in (0, 1)]  # type: ignore[arg-type]
    assert isinstance(runs[0], StudentRun)
    weights, stores = stand_in(runs[0].recipe), Stores()
    digested: list[Path] = []

    def digest(folder: Path) -> str:
        digested.append(folder)
        return adapter_digest(folder)

    monkeypatch.setattr("har_llm.runs.adapter_files.adapter_digest", digest)
    for run in runs:
        check_recipe(run, stores)
        assert isinstance(run, StudentRun) and stores.weights(run.recipe) == weights
    assert not make_plan(runs, stores).recipes
    assert len(digested) == len({run.recipe.key for run in runs})


def test_a_dataset_is_read_once_and_a_store_is_opened_once(
    tmp_path: Path, job: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    counts: Counter[str] = Counter()

    def counted(owner: type, name: str) -> None:
        real = getattr(owner, name)

        def method(*arguments: Any, **named: Any) -> Any:
            counts[f"{owner.__name__}.{name}"] += 1
            return real(*arguments, **named)

        monkeypatch.setattr(owner, name, method)

    jobs = [job(f"limit={limit}", *other) for limit in (2, 3) for other in ([], ["metrics.parsing=lenient"], ["seed=1"])]
    jobs += [job("limit=2", "dataset.sessions.count=6", "++dataset.paper_split={6: 4}")]
    assert jobs[0].experiment is not None
    counted(type(jobs[0].experiment.dataset), "read")
    counted(GenerationStore, "__init__")
    assert not done(*jobs).failures
    kind = type(jobs[0].experiment.dataset).__name__
    assert counts[f"{kind}.read"] == 2, "once with each of its settings"
    assert counts["GenerationStore.__init__"] == 1, "later, only what was added is read"


def test_a_teachers_store_is_opened_once_for_all_adapters_that_are_trained_on_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = [distilled_job(tmp_path, f"lora.train_sessions={sessions}") for sessions in (1, 2, 3)]
    keep(prepare(jobs[-1].experiment).recipe.teacher)  # type: ignore[arg-type, union-attr]
    opened: list[str] = []

    class Counted(GenerationStore):
        def __init__(self, root: Path, model: Mapping[str, Any]):
            opened.append(model["id"])
            super().__init__(root, model)

    def trained(job: TrainingJob) -> Iterator[TrainingMessage]:
        Path(job.folder).mkdir(parents=True)
        for name in ADAPTER_FILES:
            (Path(job.folder) / name).write_text("{}")
        yield TrainingStart(1, 2, 3, "adamw_torch")
        yield TrainingStep(1, 1.0)

    monkeypatch.setattr("har_llm.runs.run.GenerationStore", Counted)
    monkeypatch.setattr("har_llm.sweep.train.trained", trained)
    callback = Notes()
    generate_jobs(jobs, callback, upto="trainings")
    assert not callback.failures and len(callback.recipes) == len(adapters(tmp_path)) == 3
    assert opened.count("embedded:tiny_teacher") == 1


def test_a_finished_run_is_read_once_for_all_that_show_it(
    job: Callable[..., Job], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    jobs = [job(f"limit={limit}") for limit in (2, 3)]
    assert not done(*jobs).failures
    real = Path.read_text

    def read_text(path: Path, *arguments: Any, **named: Any) -> str:
        assert path.name != "metrics.json"
        return real(path, *arguments, **named)

    monkeypatch.setattr(Path, "read_text", read_text)
    tasks.show_sweep(jobs)
    assert tasks.headline(jobs[0]) is not None
    shown = capsys.readouterr()
    assert "limit=3" in shown.out and "Report: " in shown.out and not shown.err
