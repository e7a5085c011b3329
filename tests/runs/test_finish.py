"""A run is finished once all its generations are stored; any number of processes may finish it, with the same results."""

from __future__ import annotations

from pathlib import Path

import pytest

from har_llm.common.errors import MissingError
from har_llm.runs.directory import read_run
from har_llm.runs.finish import finish
from har_llm.runs.prepare import prepare
from har_llm.sweep.generate import generate
from har_llm.sweep.plan import make_plan
from har_llm.sweep.read_once import Stores
from tests.composing import experiment
from tests.scripted_runs import SMALL, made_for


def test_finishing_before_everything_is_there_is_refused(tmp_path: Path) -> None:
    prepared = prepare(experiment(*SMALL, f"paths.outputs={tmp_path}"))
    with pytest.raises(MissingError, match="generations are missing; run the same command again"):
        finish(prepared, prepared.open_store())
    assert not prepared.folder.exists()


def test_two_processes_may_finish_the_same_run(tmp_path: Path, script: str) -> None:
    prepared = prepare(experiment(*SMALL, f"paths.outputs={tmp_path / 'outputs'}", script))
    made_for(prepared)
    first = finish(prepared, prepared.open_store())
    assert finish(prepared, prepared.open_store()) == first
    assert [path.name for path in first.parent.iterdir()] == [first.name]


def test_every_reader_takes_the_same_of_two_generations_under_one_key(tmp_path: Path, script: str) -> None:
    """Two processes that opened the store before the other had written score the same generation."""
    prepared = prepare(experiment(*SMALL, f"paths.outputs={tmp_path / 'outputs'}", script))
    for plan in [make_plan([prepared], Stores()), make_plan([prepared], Stores())]:
        generate(plan.loads[0], lambda generation: None, Stores())
    texts = []
    for shard in sorted((tmp_path / "outputs").glob("store/generations/*/*.jsonl")):
        lines = shard.read_text().replace("It is so.", f"It is in {shard.stem}.")
        shard.write_text(lines)
        texts.append(f"It is in {shard.stem}.")
    result = read_run(finish(prepared, prepared.open_store()))
    assert len(texts) == 2 and result.sample.reasoning.strip() == texts[0]
