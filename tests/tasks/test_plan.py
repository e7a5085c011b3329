"""task=plan as a whole command: what would be made, without making anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.commands import har_llm

pytestmark = pytest.mark.slow


def test_a_plan_says_what_would_be_made_and_neither_loads_nor_writes(tmp_path: Path) -> None:
    asked = ["task=plan", "model=tiny_student", "engine=transformers", "limit=4"]
    done = har_llm(tmp_path, *asked, fresh=True, PYTHONPROFILEIMPORTTIME="1", COLUMNS="200")
    assert (
        "1 run, 0 finished. Generations needed: 4, of which 0 are stored and 4 are to be made. Models to load" in done.stdout
    )
    (row,) = [line for line in done.stdout.splitlines() if line.startswith("tiny_student ")]
    assert row.split()[:4] == ["tiny_student", "Transformers", "1", "4"]
    assert "at most 2,048" in row and row.endswith(" unknown"), "a CPU makes no 1,000 tokens a second"
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "har_llm.sweep.plan" in imported
    assert not imported & {"torch", "transformers", "vllm", "sklearn", "har_llm.engines.worker"}
    assert not list(tmp_path.iterdir())


def test_a_plan_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    done = har_llm(tmp_path, "task=plan", "dataset=marble", "paths.data=nowhere", expect=1)
    assert not done.stdout and done.stderr.startswith("error: MARBLE is missing")
    assert len(done.stderr.splitlines()) == 1


def test_a_value_on_the_command_line_takes_the_place_of_those_that_an_experiment_sweeps_over(tmp_path: Path) -> None:
    tiny = ("dataset=simulated_flat", "model=tiny_student", "model@lora.teacher=tiny_teacher", "limit=1", "task=plan")
    one = har_llm(tmp_path, "experiment=figure4", "lora.train_sessions=4", *tiny)
    assert "\n1 run, " in f"\n{one.stdout}" and "Adapters to train, after their teachers' generations: 1" in one.stdout
    two = har_llm(tmp_path, "experiment=figure4", "lora.train_sessions=1,2", *tiny)
    assert "\n2 runs, " in f"\n{two.stdout}"


def test_the_papers_models_are_spread_over_given_gpus_or_it_is_said_what_would_start(tmp_path: Path) -> None:
    table = ("experiment=table1", "dataset=simulated_flat", "task=plan", "limit=1", "hardware.gpus=1")
    large = har_llm(tmp_path, *table, "hardware.gpu_memory_gb=80", COLUMNS="200").stdout
    rows = [line for line in large.splitlines() if line.startswith("qwen3_") and " vLLM " in line]
    assert [row.split()[0] for row in rows if " 1 x 1 GPU " in row] == [
        f"qwen3_{size}" for size in ("0.6b", "1.7b", "4b", "8b", "14b")
    ]
    assert "qwen3_32b: does not start: a prompt and its generation may have " in large
    assert "It would start with 2 such GPUs" in large
