"""Datasets are read, stores opened and adapters digested once for all jobs that need them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from har_llm.models.adapters import adapter_digest
from har_llm.runs.prepare import prepare
from har_llm.runs.store import GenerationStore
from har_llm.sweep.job import Job
from har_llm.sweep.plan import make_plan
from har_llm.sweep.read_once import Stores
from har_llm.sweep.train import check_recipe
from tests.sweep.distilled_jobs import job as distilled_job
from tests.sweep.distilled_jobs import stand_in
from tests.sweep.noted_jobs import done


def test_an_adapter_is_digested_once_for_all_that_ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = [prepare(distilled_job(tmp_path, f"seed={seed}").experiment) for seed in (0, 1)]  # type: ignore[arg-type]
    assert runs[0].recipe is not None
    weights, stores = stand_in(runs[0].recipe), Stores()
    digested: list[Path] = []

    def digest(folder: Path) -> str:
        digested.append(folder)
        return adapter_digest(folder)

    monkeypatch.setattr("har_llm.runs.adapter_files.adapter_digest", digest)
    for run in runs:
        check_recipe(run, stores)
        assert run.recipe is not None and stores.weights(run.recipe) == weights
    assert not make_plan(runs, stores).recipes
    assert len(digested) == len({run.recipe.key for run in runs if run.recipe is not None})


def test_a_dataset_is_read_once_and_a_store_is_opened_once_a_stage(
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
    assert counts["GenerationStore.__init__"] == 3, "for the plan, for what is owed afterwards, and to score"
