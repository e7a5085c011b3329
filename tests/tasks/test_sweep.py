"""Sweeps as whole commands: every job has a result or an error, each model is loaded once, no process is left."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

import psutil
import pytest

from tests.commands import MARK, har_llm, run_folders, started, stored_lines, wait_for_lines, workers_of
from tests.scripted_runs import SMALL

pytestmark = pytest.mark.slow

SWEEP = ("-m", "report.after_sweep=false")
"""What a sweep's report looks like is tested with the report."""


def test_each_job_of_a_sweep_that_cannot_run_says_why(tmp_path: Path) -> None:
    """The card's own command line, with neither data, weights nor memory."""
    done = har_llm(tmp_path, "-m", "model=qwen3_0.6b,qwen3_32b", "dataset=marble,mural", expect=1, HAR_LLM_DATA="nowhere")
    for name, dataset in (("marble", "MARBLE"), ("mural", "MuRAL")):
        first, second = (f"model={model} dataset={name}" for model in ("qwen3_0.6b", "qwen3_32b"))
        assert done.stderr.count(f"error: {first}: {dataset} is missing") == 1
        assert f"error: 1 more with the error of {first}: {second}\n" in done.stderr
    assert "4 of 4 jobs failed" in done.stderr
    assert not list((tmp_path / "outputs").glob("runs/*"))


def test_a_job_that_fails_does_not_stop_the_others(tmp_path: Path) -> None:
    sweep = [*SWEEP, "dataset=marble,simulated_flat", "model=tiny_student", "engine=scripted", "limit=2"]
    done = har_llm(tmp_path, *sweep, expect=1, HAR_LLM_DATA="nowhere")
    assert "1 of 2 jobs failed" in done.stderr
    assert len(list((tmp_path / "outputs" / "runs").iterdir())) == 1


def test_a_sweep_gives_the_runs_that_single_commands_give(tmp_path: Path, script: str) -> None:
    har_llm(tmp_path, *SWEEP, *SMALL, script, "limit=1,2")
    swept = sorted(path.name for path in (tmp_path / "outputs/runs").iterdir())
    har_llm(tmp_path, *SMALL, script, "limit=1", "paths.outputs=alone")
    har_llm(tmp_path, *SMALL, script, "limit=2", "paths.outputs=alone")
    assert sorted(path.name for path in (tmp_path / "alone/runs").iterdir()) == swept
    assert len(swept) == 2


def test_a_sweep_ends_with_a_table_of_its_jobs(tmp_path: Path, script: str) -> None:
    done = har_llm(tmp_path, *SWEEP, *SMALL, script, "limit=1,2", "metrics.parsing=strict,lenient", COLUMNS="200")
    for title in ("limit=1 metrics.parsing=strict", "limit=2 metrics.parsing=lenient"):
        assert len([line for line in done.stdout.splitlines() if title in line and " 100.00 " in line]) == 1
    assert "f1_weighted, lenient parsing; f1_weighted, strict parsing: mean and standard deviation" in done.stdout
    some = "partial: first 1 window only; partial: first 2 windows only"
    assert f"All of the jobs: {MARK}\nSome of the jobs: {some}\n" in done.stdout
    assert done.stderr.count("loading the model") == 1


def test_where_one_models_engine_dies_the_other_jobs_go_on_and_its_log_is_shown_once(tmp_path: Path, script: str) -> None:
    engine = [script, "engine._target_=tests.engines.dying_engine.DiesForTheStudent"]
    sweep = [*SMALL[:2], "engine=scripted", *engine, "model=tiny_student,tiny_teacher", "limit=1,2"]
    done = har_llm(tmp_path, *SWEEP, *sweep, expect=1)
    assert "2 of 4 jobs failed" in done.stderr
    told = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert told[0].startswith("error: model=tiny_student limit=1: The engine's process ended with exit code 7.")
    assert told[1:] == ["error: 1 more with the error of model=tiny_student limit=1: model=tiny_student limit=2"]
    assert done.stderr.count("of the engine.") == 1
    assert done.stdout.count("failed") == 2
    assert [path.name.split("-")[1] for path in run_folders(tmp_path)] == ["tiny_teacher"] * 2


def test_a_worker_that_is_killed_during_a_sweep_costs_what_is_in_flight_only(tmp_path: Path, script: str) -> None:
    sweep = [*SWEEP, *SMALL, script, "limit=1,8"]
    process = started(tmp_path, *sweep, "engine.delay_s=0.3")
    wait_for_lines(tmp_path, 3)
    (worker,) = workers_of(process)
    before = stored_lines(tmp_path)
    worker.kill()
    shown, errors = process.communicate(timeout=60)
    assert process.returncode == 1 and "Traceback" not in errors
    assert "error: limit=8: The engine's process was killed by signal 9" in errors and "error: limit=1: " not in errors
    assert before <= stored_lines(tmp_path) <= before + 1
    assert len(run_folders(tmp_path)) == 1 and "failed" in shown
    kept = stored_lines(tmp_path)
    again = har_llm(tmp_path, *sweep)
    assert f"; {8 - kept} generations to make" in again.stderr
    assert (stored_lines(tmp_path), len(run_folders(tmp_path))) == (8, 2)


def test_after_a_sweep_no_worker_is_left(tmp_path: Path, script: str) -> None:
    process = started(tmp_path, *SWEEP, *SMALL, script, "engine.delay_s=0.2", "limit=2", "model=tiny_student,tiny_teacher")
    seen: set[psutil.Process] = set()
    while process.poll() is None:
        with contextlib.suppress(psutil.NoSuchProcess):
            seen.update(workers_of(process))
        time.sleep(0.05)
    process.communicate()
    assert process.returncode == 0 and len(seen) >= 2
    assert not any(worker.is_running() for worker in seen)


def test_ctrl_c_in_a_sweep_leaves_no_worker(tmp_path: Path, script: str) -> None:
    process = started(tmp_path, *SWEEP, *SMALL, script, "engine.delay_s=0.2", "seed=0,1")
    wait_for_lines(tmp_path, 2)
    workers = workers_of(process)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130 and "to resume:\n  python -m har_llm -m " in errors and "Traceback" not in errors
    gone, alive = psutil.wait_procs(workers, timeout=10)
    assert gone and not alive
    assert not list(tmp_path.glob("outputs/runs/*"))


@pytest.mark.parametrize(
    "swept", [["limit=1,2", "model=tiny_student,tiny_teacher"], ["model=tiny_teacher,tiny_student", "limit=2,1"]]
)
def test_the_order_on_the_command_line_does_not_change_the_number_of_loads(
    tmp_path: Path, script: str, swept: list[str]
) -> None:
    done = har_llm(tmp_path, *SWEEP, *SMALL[:2], "engine=scripted", script, *swept)
    assert done.stderr.count("loading the model") == 2 and done.stderr.count("; 2 generations to make") == 2
    assert (stored_lines(tmp_path), len(run_folders(tmp_path))) == (4, 4)


def test_two_commands_at_the_same_time_in_one_outputs_folder_give_the_same_predictions(tmp_path: Path, script: str) -> None:
    sweep = [*SWEEP, *SMALL, script, "engine.delay_s=0.1", "limit=2,6"]
    processes = [started(tmp_path, *sweep) for _ in range(2)]
    for process in processes:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0 and "Traceback" not in errors
    har_llm(tmp_path, *sweep, "paths.outputs=alone")
    alone = sorted((tmp_path / "alone" / "runs").iterdir())
    assert [path.name for path in run_folders(tmp_path)] == [path.name for path in alone], "nothing is left beside them"
    for ours, theirs in zip(run_folders(tmp_path), alone, strict=True):
        assert (ours / "predictions.jsonl").read_bytes() == (theirs / "predictions.jsonl").read_bytes()
    assert 6 <= stored_lines(tmp_path) <= 12
