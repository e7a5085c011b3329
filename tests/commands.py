"""Whole commands in fresh processes, and what they leave in a folder."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil

from tests.helpers import ROOT

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


def stored_lines(folder: Path) -> int:
    return sum(shard.read_bytes().count(b"\n") for shard in folder.glob("outputs/store/generations/*/*.jsonl"))


def wait_for_lines(folder: Path, count: int) -> None:
    deadline = time.monotonic() + 60
    while stored_lines(folder) < count:
        assert time.monotonic() < deadline, "nothing was generated"
        time.sleep(0.05)


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


def reports(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "outputs" / "reports").glob("*"))
