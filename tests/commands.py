"""Whole commands, and what they leave in a folder."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

import psutil

from tests.helpers import ROOT
from tests.warm_commands import warm_command

MARK = "synthetic home, synthetic model"


def plain_environment() -> dict[str, str]:
    """Without what the user has set for har_llm."""
    return {name: value for name, value in os.environ.items() if name != "HAR_LLM_DATA"} | {"PYTHONPATH": str(ROOT)}


def har_llm(
    folder: Path,
    *arguments: str,
    expect: int = 0,
    fresh: bool = False,
    tokenizing: bool = False,
    beside: bool = False,
    **environment: str,
) -> subprocess.CompletedProcess[str]:
    """`fresh`: in a new process, as a user has it. Else, much sooner, in one that has its imports already, with `tokenizing`
    also those of a model's tokenizer. `beside`: whether baselines are computed unasked, which takes seconds."""
    if not beside:
        arguments = (*arguments, "baselines=none")
    environment = {**plain_environment(), **environment}
    done = _fresh(folder, arguments, environment) if fresh else _warm(folder, arguments, environment, tokenizing)
    assert done.returncode == expect, done.stderr
    assert "Traceback" not in done.stderr
    return done


def _fresh(folder: Path, arguments: Sequence[str], environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "har_llm", *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, cwd=folder, env=environment, timeout=500, stdin=subprocess.DEVNULL
    )


def _warm(
    folder: Path, arguments: Sequence[str], environment: Mapping[str, str], tokenizing: bool
) -> subprocess.CompletedProcess[str]:
    with Path(os.devnull).open() as nothing, _readable() as out, _readable() as errors:
        files = (nothing.fileno(), out.fileno(), errors.fileno())
        code = warm_command(folder, arguments, environment, files, tokenizing=tokenizing).wait()
        said = [stream.seek(0) or stream.read() for stream in (out, errors)]
    return subprocess.CompletedProcess(["har_llm", *arguments], code, *said)


def _readable() -> IO[str]:
    return tempfile.TemporaryFile("w+", encoding="utf-8")


def stored_lines(folder: Path) -> int:
    return sum(shard.read_bytes().count(b"\n") for shard in folder.glob("outputs/store/generations/*/*.jsonl"))


def wait_for_lines(folder: Path, count: int) -> None:
    deadline = time.monotonic() + 60
    while stored_lines(folder) < count:
        assert time.monotonic() < deadline, "nothing was generated"
        time.sleep(0.05)


def started(folder: Path, *arguments: str, errors: IO[str] | None = None) -> subprocess.Popen[str]:
    """A command that goes on by itself, in a process group of its own; without baselines. `errors`: its standard error."""
    return subprocess.Popen(
        [sys.executable, "-m", "har_llm", *arguments, "baselines=none"],
        cwd=folder,
        env=plain_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE if errors is None else errors,
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
