"""How the rows of what windows cost are called."""

from __future__ import annotations

from pathlib import Path

import pytest

from har_llm.report.terminal.bench import bench_table
from har_llm.runs.prepare import prepare
from har_llm.sweep.bench import Measured
from tests.composing import experiment
from tests.scripted_runs import SMALL

COST = Measured("Transformers on a CPU", 1.0, [1.0, 2.0], 20, 0, 20, None, None)


@pytest.mark.parametrize(
    ("title", "called"),
    [
        ("", "tiny_student"),
        ("model=tiny_student seed=1", "model=tiny_student seed=1"),
        ("prompt.path=tiny_student.txt", "tiny_student prompt.path=tiny_student.txt"),
        ("bundle/real_small=as_it_is_tiny_student", "bundle/real_small=as_it_is_tiny_student"),
        ("bundle/real_small=as_it_is", "tiny_student bundle/real_small=as_it_is"),
    ],
)
def test_a_row_names_its_model(tmp_path: Path, title: str, called: str) -> None:
    run = prepare(experiment(*SMALL, "model=tiny_student", f"paths.outputs={tmp_path}"))
    ((name, *_),) = bench_table([(title, run, COST)]).rows
    assert name == f"{called} (synthetic home, synthetic model)"
