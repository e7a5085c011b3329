"""Processes that are killed at any moment: nothing that was accepted is lost, nothing is answered or written twice."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.commands import plain_environment
from tests.helpers import ROOT
from tests.sweep.live.days import as_offline, generations, lines, offline, rows, watched

pytestmark = pytest.mark.slow
WATCH_AND_DIE = """
import os, signal, sys
from pathlib import Path
from tests.sweep.live.days import watch_some, watched
import har_llm.sweep.live.service, har_llm.scoring.parsing, har_llm.engines.worker

folder, windows = Path(sys.argv[1]), int(sys.argv[2])
given = watched(folder)
for number in range(3, 40, 3):  # each process is killed around another of its writings to the disk
    child = os.fork()
    if not child:
        fsync, calls = os.fsync, [0]

        def dying(file):
            calls[0] += 1
            if calls[0] == number and number % 2:
                os.kill(os.getpid(), signal.SIGKILL)
            fsync(file)
            if calls[0] == number:
                os.kill(os.getpid(), signal.SIGKILL)

        os.fsync = dying
        watch_some(given, windows)
        os._exit(0)
    code = os.waitpid(child, 0)[1]
    written = (folder / "outputs/live/history/watch.jsonl")
    done = {line.split('"id"')[0] for line in written.read_text().splitlines()} if written.exists() else ()
    print(number, code, len(done))
    windows = int(sys.argv[2]) - len(done)
    if windows <= 0:
        break
"""


def test_processes_that_are_killed_again_and_again_say_what_one_would(tmp_path: Path) -> None:
    given = watched(tmp_path, data=rows(61))
    command = [sys.executable, "-c", WATCH_AND_DIE, str(tmp_path), "7"]
    done = subprocess.run(command, cwd=ROOT, env=plain_environment(), capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    killed = sum(line.split()[1] == "9" for line in done.stdout.splitlines())
    told = as_offline(lines(given))
    assert killed > 3 and len({one[:2] for one in told}) >= 7, done.stdout
    made = generations(tmp_path)
    assert told == offline(given)[: len(told)]
    assert made <= generations(tmp_path) == 8, "one that was on disk is not made again"
