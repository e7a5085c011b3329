"""task=run as a whole command: the main job, killed, refused, and on real data."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.commands import MARK, har_llm, plain_environment, run_folders, stored_lines, wait_for_lines
from tests.helpers import real_data
from tests.scripted_runs import SMALL

pytestmark = pytest.mark.slow


def test_the_main_job_with_no_argument(tmp_path: Path) -> None:
    first = har_llm(tmp_path, fresh=True, beside=True)
    assert MARK in first.stdout and MARK in first.stderr
    for word in ("f1_macro_gold", "f1_weighted", "f1_micro_catalogue", "accuracy", "missed", "std", "F1", "Gold"):
        assert word in first.stdout
    assert "63 of 63 generations" in first.stderr
    folder = tmp_path / first.stdout.rpartition("Run directory: ")[2].strip()
    assert {path.name for path in folder.iterdir()} == {
        "config.yaml",
        "predictions.jsonl",
        "predictions.csv",
        "segments.csv",
        "predictions.parquet",
        "segments.parquet",
        "metrics.json",
        "environment.json",
        "data.json",
        "sample.json",
        "SHA256SUMS",
        "windows.jsonl",
        "report.md",
    }
    scores = json.loads((folder / "metrics.json").read_text())["strict"]["all"]["mean"]
    # A teacher that cannot read its own homes would make every later comparison pointless.
    assert scores["f1_weighted"]["mean"] > 0.6
    assert scores["missed"]["mean"] < 0.05
    assert "random_forest (supervised)" in first.stdout
    assert len(run_folders(tmp_path)) == 5, "with four baselines"
    again = har_llm(tmp_path, beside=True)
    assert "finished before" in again.stdout and MARK in again.stdout
    assert not again.stderr, "no model is loaded"
    assert again.stdout.splitlines()[-1] == first.stdout.splitlines()[-1]


def test_the_main_job_on_the_real_marble_release(tmp_path: Path) -> None:
    data = real_data("marble")
    done = har_llm(tmp_path, "dataset=marble", f"paths.data={data}", "model=tiny_student", "limit=3")
    assert "marble, test part: 2 sessions, 3 windows" in done.stdout
    assert "synthetic model" in done.stdout and "synthetic home" not in done.stdout
    assert "repaired or noticed in the whole dataset" in done.stdout


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


def test_weights_that_are_missing_or_too_large_are_one_sentence(tmp_path: Path) -> None:
    done = har_llm(
        tmp_path, "-m", "model=qwen3_0.6b,custom", "model.id=Qwen/Nowhere", "model.parameters=1000000000000", expect=1
    )
    assert done.stderr.count("needs about 2200.0 GB in bfloat16, but") == 2
    done = har_llm(tmp_path, "model=qwen3_0.6b", expect=1)
    assert "Qwen/Qwen3-0.6B is not on this machine" in done.stderr and "hf download Qwen/Qwen3-0.6B" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_outputs_that_cannot_be_written_are_refused_before_a_model_is_loaded(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = har_llm(tmp_path, "model=tiny_student", "paths.outputs=file/x", expect=1)
    assert (
        done.stderr
        == "error: file is no folder, but outputs belong there (paths.outputs); move it elsewhere, or set paths.outputs.\n"
    )
