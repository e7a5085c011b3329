"""Whole commands, as a user gives them, in fresh processes."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.helpers import ROOT, real_data
from tests.runs.test_run import gold_script

SMALL = ["dataset.sessions.count=4", "+dataset.paper_split={4:2}", "model=tiny_student", "engine=scripted"]
MARK = "synthetic home, synthetic model"


def plain_environment() -> dict[str, str]:
    """Without what the user has set for har_llm."""
    return {name: value for name, value in os.environ.items() if name != "HAR_LLM_DATA"} | {"PYTHONPATH": str(ROOT)}


def har_llm(folder: Path, *arguments: str, expect: int = 0, **environment: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "har_llm", *arguments],
        capture_output=True,
        text=True,
        cwd=folder,
        env={**plain_environment(), **environment},
        timeout=500,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == expect, done.stderr
    assert "Traceback" not in done.stderr
    return done


@pytest.fixture
def script(tmp_path: Path) -> str:
    return f"engine.path={gold_script(tmp_path / 'gold.jsonl')}"


@pytest.mark.slow
def test_the_main_job_with_no_argument(tmp_path: Path) -> None:
    first = har_llm(tmp_path)
    assert MARK in first.stdout and MARK in first.stderr
    for word in ("f1_macro_gold", "f1_weighted", "f1_micro_catalogue", "accuracy", "missed", "std", "F1", "Gold"):
        assert word in first.stdout
    assert "63 of 63 generations" in first.stderr
    folder = tmp_path / first.stdout.rpartition("Run directory: ")[2].strip()
    assert {path.name for path in folder.iterdir()} == {
        "config.yaml",
        "predictions.jsonl",
        "metrics.json",
        "environment.json",
        "data.json",
        "sample.json",
        "windows.jsonl",
        "report.md",
    }
    scores = json.loads((folder / "metrics.json").read_text())["strict"]["all"]["mean"]
    # A teacher that cannot read its own homes would make every later comparison pointless.
    assert scores["f1_weighted"]["mean"] > 0.6
    assert scores["missed"]["mean"] < 0.05
    again = har_llm(tmp_path)
    assert "finished before" in again.stdout and MARK in again.stdout
    assert not again.stderr, "no model is loaded"
    assert again.stdout.splitlines()[-1] == first.stdout.splitlines()[-1]


@pytest.mark.slow
def test_the_main_job_on_the_real_marble_release(tmp_path: Path) -> None:
    data = real_data("marble")
    done = har_llm(tmp_path, "dataset=marble", f"paths.data={data}", "model=tiny_student", "limit=3")
    assert "marble, test part: 2 sessions, 3 windows" in done.stdout
    assert "synthetic model" in done.stdout and "synthetic home" not in done.stdout
    assert "Repaired while reading the data" in done.stdout


def test_a_killed_run_goes_on_where_it_was(tmp_path: Path, script: str) -> None:
    arguments = [*SMALL, script]
    command = [sys.executable, "-m", "har_llm", *arguments, "engine.delay_s=0.2"]
    process = subprocess.Popen(command, cwd=tmp_path, env=plain_environment(), stderr=subprocess.DEVNULL)
    wait_for_lines(tmp_path, 3)
    process.send_signal(signal.SIGKILL)
    process.wait()
    kept = stored_lines(tmp_path)
    assert not list((tmp_path / "outputs").glob("runs/*"))
    done = har_llm(tmp_path, *arguments)
    folder = tmp_path / done.stdout.rpartition("Run directory: ")[2].strip()
    metrics = json.loads((folder / "metrics.json").read_text())
    assert 3 <= kept < metrics["windows"]
    assert stored_lines(tmp_path) == metrics["windows"], "nothing is made twice"
    assert metrics["strict"]["all"]["mean"]["accuracy"]["mean"] == 1.0


def test_ctrl_c_prints_the_command_that_goes_on(tmp_path: Path, script: str) -> None:
    arguments = [*SMALL, script, "engine.delay_s=0.2"]
    command = [sys.executable, "-m", "har_llm", *arguments]
    process = subprocess.Popen(
        command,
        cwd=tmp_path,
        env=plain_environment(),
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # A shell's background jobs ignore SIGINT, and their children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    wait_for_lines(tmp_path, 2)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Interrupted. What is finished is kept; go on with:\n  python -m har_llm dataset.sessions.count=4 " in errors
    assert "'+dataset.paper_split={4:2}'" in errors
    assert "Traceback" not in errors
    assert not list((tmp_path / "outputs").glob("runs/*"))


def stored_lines(folder: Path) -> int:
    return sum(shard.read_bytes().count(b"\n") for shard in folder.glob("outputs/store/generations/*/*.jsonl"))


def wait_for_lines(folder: Path, count: int) -> None:
    deadline = time.monotonic() + 60
    while stored_lines(folder) < count:
        assert time.monotonic() < deadline, "nothing was generated"
        time.sleep(0.05)


def test_each_job_of_a_sweep_that_cannot_run_says_why(tmp_path: Path) -> None:
    """The card's own command line, with neither data, weights nor memory."""
    started = time.monotonic()
    done = har_llm(tmp_path, "-m", "model=qwen3_0.6b,qwen3_32b", "dataset=marble,mural", expect=1, HAR_LLM_DATA="nowhere")
    assert time.monotonic() - started < 10
    assert done.stderr.count("dataset=marble: MARBLE is missing") == 2
    assert done.stderr.count("dataset=mural: MuRAL is missing") == 2
    assert "4 of 4 jobs failed" in done.stderr
    assert not list((tmp_path / "outputs").glob("runs/*"))


def test_weights_that_are_missing_or_too_large_are_one_sentence(tmp_path: Path) -> None:
    done = har_llm(
        tmp_path, "-m", "model=qwen3_0.6b,custom", "model.id=Qwen/Nowhere", "model.parameters=1000000000000", expect=1
    )
    assert done.stderr.count("needs about 2200.0 GB in bfloat16, but") == 2
    done = har_llm(tmp_path, "model=qwen3_0.6b", expect=1)
    assert "Qwen/Qwen3-0.6B is not on this machine" in done.stderr and "hf download Qwen/Qwen3-0.6B" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_job_that_fails_does_not_stop_the_others(tmp_path: Path) -> None:
    sweep = ["-m", "dataset=marble,simulated_flat", "model=tiny_student", "engine=scripted", "limit=2"]
    done = har_llm(tmp_path, *sweep, expect=1, HAR_LLM_DATA="nowhere")
    assert "1 of 2 jobs failed" in done.stderr
    assert len(list((tmp_path / "outputs" / "runs").iterdir())) == 1


def test_a_sweep_gives_the_runs_that_single_commands_give(tmp_path: Path, script: str) -> None:
    har_llm(tmp_path, "-m", *SMALL, script, "limit=1,2")
    swept = sorted(path.name for path in (tmp_path / "outputs/runs").iterdir())
    har_llm(tmp_path, *SMALL, script, "limit=1", "paths.outputs=alone")
    har_llm(tmp_path, *SMALL, script, "limit=2", "paths.outputs=alone")
    assert sorted(path.name for path in (tmp_path / "alone/runs").iterdir()) == swept
    assert len(swept) == 2


def test_outputs_that_cannot_be_written_are_refused_before_a_model_is_loaded(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = har_llm(tmp_path, "model=tiny_student", "paths.outputs=file/x", expect=1)
    assert "paths.outputs is 'file/x', which cannot be written" in done.stderr


def test_looking_at_a_dataset_leaves_nothing_behind(tmp_path: Path) -> None:
    har_llm(tmp_path, "task=describe")
    har_llm(tmp_path, "seed=-1", expect=1)
    assert not list(tmp_path.iterdir())


def test_a_misspelt_field_is_answered_by_the_schema(tmp_path: Path) -> None:
    done = har_llm(tmp_path, "model.thinkin=false", expect=1)
    assert done.stderr.startswith("error: model.thinkin is not a setting. Did you mean thinking? It has: name, id,")
    assert len(done.stderr.splitlines()) == 1


def test_a_misspelt_task_is_answered_with_those_there_are(tmp_path: Path) -> None:
    done = har_llm(tmp_path, "task=describ", expect=1)
    assert done.stderr.startswith("error: task is 'describ'; it must be one of run, plan, ")
    assert done.stderr.endswith("Did you mean describe?\n") and not done.stdout
    swept = har_llm(tmp_path, "-m", "task=describe,plan", expect=1)
    assert swept.stderr == "error: task is describe and plan in one sweep; all its jobs must have the same task.\n"


def test_output_that_nobody_reads_is_no_fault(tmp_path: Path) -> None:
    command = f"{sys.executable} -m har_llm task=prompt model=tiny_student limit=60 | head -1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, cwd=tmp_path, env=plain_environment())
    assert done.stdout == "<|im_start|>system\n"
    assert "Traceback" not in done.stderr and "BrokenPipe" not in done.stderr


def test_the_prompt_task_prints_exactly_what_is_sent(tmp_path: Path) -> None:
    done = har_llm(tmp_path, "task=prompt", "model=tiny_student")
    assert done.stdout.startswith("<|im_start|>system\n")
    assert done.stdout.endswith("]<|im_end|>\n<|im_start|>assistant\n\n")
    assert '{"id": 0, "time": "' in done.stdout
    assert f"{len(done.stdout) - 1:,} characters, " in done.stderr and " tokens of tiny_student" in done.stderr
    without = har_llm(tmp_path, "task=prompt", "model=qwen3_32b")
    assert without.stdout.startswith("[system]\n")
    assert "tokens unknown" in without.stderr


def test_a_users_own_prompt_file(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("Mine, for $5: $rooms\n$events\nThe end.")
    done = har_llm(tmp_path, "task=prompt", "model=tiny_student", "prompt=verbatim", "prompt.path=mine.txt")
    assert "Mine, for $5: - kitchen: " in done.stdout
    assert "\n]\nThe end.<|im_end|>" in done.stdout


def test_describe_and_validate(tmp_path: Path) -> None:
    described = har_llm(tmp_path, "task=describe").stdout
    assert "simulated_flat (synthetic home): 16 sessions" in described
    assert "10. watching television" in described
    assert "No faults" in har_llm(tmp_path, "task=validate").stdout


def test_validate_lists_all_faults_and_fails(tmp_path: Path) -> None:
    instance = tmp_path / "data/marble/A1a/instance1"
    (instance / "subject-1").mkdir(parents=True)
    (instance / "environmental.csv").write_text('sensor_id,sensor_status,ts,subject_id\nX9,"ON",1,"1"\nR1,"UP",2,"1"\n')
    (instance / "subject-1/labels.csv").write_text("ts_start,ts_end,act\n0,9,DANCING\n")
    done = har_llm(tmp_path, "dataset=marble", "task=validate", expect=1)
    for fault in ("environmental.csv:2: ", "environmental.csv:3: ", "labels.csv:2: "):
        assert fault in done.stdout
    assert "faults" in done.stderr
    run = har_llm(tmp_path, "dataset=marble", "model=tiny_student", expect=1)
    assert "environmental.csv:2: " in run.stderr


def started(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """A command that goes on by itself, in a process group of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "har_llm", *arguments],
        cwd=folder,
        env=plain_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def workers_of(process: subprocess.Popen[str]) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


def run_folders(folder: Path) -> list[Path]:
    return sorted((folder / "outputs" / "runs").iterdir())


def test_a_plan_says_what_would_be_made_and_neither_loads_nor_writes(tmp_path: Path) -> None:
    asked = ["task=plan", "model=tiny_student", "engine=transformers", "limit=4"]
    done = har_llm(tmp_path, *asked, PYTHONPROFILEIMPORTTIME="1")
    assert (
        "1 runs: 0 finished; the others need 4 generations: 0 are stored, 4 have to be made, with 1 model(s)" in done.stdout
    )
    (row,) = [line for line in done.stdout.splitlines() if line.startswith("tiny_student ")]
    assert row.split()[:4] == ["tiny_student", "transformers", "1", "4"]
    assert "at most 2,048" in row and "unknown" in row
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "har_llm.sweep.plan" in imported
    assert not imported & {"torch", "transformers", "vllm", "sklearn", "har_llm.engines.worker"}
    assert not list(tmp_path.iterdir())


def test_a_plan_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    done = har_llm(tmp_path, "task=plan", "dataset=marble", "paths.data=nowhere", expect=1)
    assert not done.stdout and done.stderr.startswith("error: MARBLE is missing")
    assert len(done.stderr.splitlines()) == 1


def test_prefetching_says_where_the_models_are(tmp_path: Path) -> None:
    done = har_llm(tmp_path, "-m", "task=prefetch", "model=tiny_student,tiny_teacher,qwen3_0.6b", expect=1)
    assert "tiny_student: embedded:tiny_student is in /" in done.stderr
    assert "tiny_teacher: embedded:tiny_teacher is in /" in done.stderr
    assert "error: model=qwen3_0.6b: Qwen/Qwen3-0.6B is not on this machine" in done.stderr
    assert "1 of 3 jobs failed" in done.stderr
    assert not list(tmp_path.glob("outputs/store*"))


def test_a_sweep_ends_with_a_table_of_its_jobs(tmp_path: Path, script: str) -> None:
    done = har_llm(tmp_path, "-m", *SMALL, script, "limit=1,2", "metrics.parsing=strict,lenient", COLUMNS="200")
    for title in ("limit=1 metrics.parsing=strict", "limit=2 metrics.parsing=lenient"):
        assert len([line for line in done.stdout.splitlines() if title in line and " 100.00 " in line]) == 1
    assert "f1_weighted, lenient parsing; f1_weighted, strict parsing: mean and standard deviation" in done.stdout
    assert f"Some of these: {MARK}; partial: first 2 windows only" in done.stdout
    assert done.stderr.count("loading the model") == 1


@pytest.mark.slow
def test_where_one_models_engine_dies_the_other_jobs_go_on_and_its_log_is_shown_once(tmp_path: Path, script: str) -> None:
    engine = [script, "engine._target_=tests.engines.test_worker_pool.DiesForTheStudent"]
    sweep = [*SMALL[:2], "engine=scripted", *engine, "model=tiny_student,tiny_teacher", "limit=1,2"]
    done = har_llm(tmp_path, "-m", *sweep, expect=1)
    assert "2 of 4 jobs failed" in done.stderr
    told = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert [line.partition(": ")[2].partition(": ")[0] for line in told] == [
        "model=tiny_student limit=1",
        "model=tiny_student limit=2",
    ]
    assert all("The engine's process ended with exit code 7." in line for line in told)
    assert done.stderr.count("of the engine.") == 1
    assert told[1].endswith("(as for model=tiny_student limit=1)")
    assert done.stdout.count("failed") == 2
    assert [path.name.split("-")[1] for path in run_folders(tmp_path)] == ["tiny_teacher"] * 2


@pytest.mark.slow
def test_a_worker_that_is_killed_during_a_sweep_costs_what_is_in_flight_only(tmp_path: Path, script: str) -> None:
    sweep = ["-m", *SMALL, script, "limit=1,8"]
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


@pytest.mark.slow
def test_after_a_sweep_no_worker_is_left(tmp_path: Path, script: str) -> None:
    process = started(tmp_path, "-m", *SMALL, script, "engine.delay_s=0.2", "limit=2", "model=tiny_student,tiny_teacher")
    seen: set[psutil.Process] = set()
    while process.poll() is None:
        with contextlib.suppress(psutil.NoSuchProcess):
            seen.update(workers_of(process))
        time.sleep(0.05)
    process.communicate()
    assert process.returncode == 0 and len(seen) >= 2
    assert not any(worker.is_running() for worker in seen)


def test_ctrl_c_in_a_sweep_leaves_no_worker(tmp_path: Path, script: str) -> None:
    process = started(tmp_path, "-m", *SMALL, script, "engine.delay_s=0.2", "seed=0,1")
    wait_for_lines(tmp_path, 2)
    workers = workers_of(process)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130 and "go on with:\n  python -m har_llm -m " in errors and "Traceback" not in errors
    gone, alive = psutil.wait_procs(workers, timeout=10)
    assert gone and not alive
    assert not list(tmp_path.glob("outputs/runs/*"))


@pytest.mark.parametrize(
    "swept", [["limit=1,2", "model=tiny_student,tiny_teacher"], ["model=tiny_teacher,tiny_student", "limit=2,1"]]
)
def test_the_order_on_the_command_line_does_not_change_the_number_of_loads(
    tmp_path: Path, script: str, swept: list[str]
) -> None:
    done = har_llm(tmp_path, "-m", *SMALL[:2], "engine=scripted", script, *swept)
    assert done.stderr.count("loading the model") == 2 and done.stderr.count("; 2 generations to make") == 2
    assert (stored_lines(tmp_path), len(run_folders(tmp_path))) == (4, 4)


@pytest.mark.slow
def test_two_commands_at_the_same_time_in_one_outputs_folder_give_the_same_predictions(tmp_path: Path, script: str) -> None:
    sweep = ["-m", *SMALL, script, "engine.delay_s=0.1", "limit=2,6"]
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


def test_a_value_on_the_command_line_takes_the_place_of_those_that_an_experiment_sweeps_over(tmp_path: Path) -> None:
    tiny = ("dataset=simulated_flat", "model=tiny_student", "model@lora.teacher=tiny_teacher", "limit=1", "task=plan")
    one = har_llm(tmp_path, "experiment=figure4", "lora.train_sessions=4", *tiny)
    assert "\n1 runs: " in f"\n{one.stdout}" and "Adapters to train, after their teachers have written: 1" in one.stdout
    two = har_llm(tmp_path, "experiment=figure4", "lora.train_sessions=1,2", *tiny)
    assert "\n2 runs: " in f"\n{two.stdout}"
