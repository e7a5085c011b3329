"""One run, killed at 20 random moments and started again each time: what is lost, and what is made twice.

    python benchmarks/bench_kill.py [--kills 20] [--sessions 30] [--engine transformers] [--seed 0] [--small]

First the same run undisturbed. Then again with outputs of its own, and SIGKILL for all of its processes: the moment is drawn
again for each start, counted from its first stored generation, and early enough that the other kills still fall within the
run. A window is finished once its line in the store is complete. Goals: no finished window lost, no more windows stored
twice than were in flight at the kills, and predictions and scores equal to those of the undisturbed run.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import psutil
from timing import ROOT, seconds

BATCHES = {"transformers": ("engine.batch_size", 2), "vllm": ("engine.max_num_seqs", 2)}
IN_FLIGHT = {"transformers": 1, "vllm": 2}
"""Requests that an engine may have begun, as a multiple of its batch."""
SPREAD = 0.8
"""Share of the windows over which the kills are spread, so that all of them fall within the run."""
PATIENCE_S = 600


class Kept(NamedTuple):
    """The content of a store, read without har_llm."""

    records: Counter[str]
    """Number of complete lines by key."""
    torn: int

    @property
    def keys(self) -> set[str]:
        return set(self.records)


class Toll(NamedTuple):
    kills: int
    lost: int
    torn: int
    finished_at: Sequence[int]
    """Windows finished at each kill."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--sessions", type=int, default=30, help="of the simulated home, 10 of which are for training")
    parser.add_argument("--engine", choices=tuple(BATCHES), default="transformers")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--small", action="store_true", help="three kills within 42 windows, to see that it works")
    arguments = parser.parse_args()
    kills, sessions = (3, 14) if arguments.small else (arguments.kills, arguments.sessions)
    name, batch = BATCHES[arguments.engine]
    command = [sys.executable, "-m", "har_llm", f"engine={arguments.engine}", f"{name}={batch}", "model=tiny_student"]
    command += ["baselines=none", f"dataset.sessions.count={sessions}", f"+dataset.paper_split={{{sessions}: 10}}"]
    with tempfile.TemporaryDirectory() as folder:
        whole, torn = Path(folder) / "whole", Path(folder) / "killed"
        whole.mkdir()
        torn.mkdir()
        seconds(command, whole)
        toll = kill_and_restart(command, torn, kills, Pace.of(whole), random.Random(arguments.seed))
        report(whole, torn, toll, IN_FLIGHT[arguments.engine] * batch)


class Pace(NamedTuple):
    """The times of an undisturbed run."""

    windows: int
    seconds: float
    """Seconds for which its engine worked."""

    @classmethod
    def of(cls, folder: Path) -> Pace:
        environment = json.loads(next(folder.glob("outputs/runs/*/environment.json")).read_text())
        return cls(len(kept(folder).keys), environment["engine_seconds"])

    def longest(self, finished: int, kills: int) -> float:
        """Most seconds until the next of `kills` kills; half of it on average. Each start makes a window first."""
        left = max(0.0, SPREAD * self.windows - finished - kills)
        return self.seconds / self.windows * left * min(1.0, 2 / kills)


def kill_and_restart(command: Sequence[str], folder: Path, kills: int, pace: Pace, draws: random.Random) -> Toll:
    """Start the run and kill it after a random time, again and again; in the end let it finish."""
    lost, finished_at = 0, []
    for left in range(kills, 0, -1):
        before = kept(folder)
        if not start_and_kill(command, folder, before, draws.uniform(0, pace.longest(len(before.keys), left))):
            break
        after = kept(folder)
        lost += len(before.keys - after.keys)
        finished_at.append(len(after.keys))
    before = kept(folder)
    seconds(command, folder)
    after = kept(folder)
    return Toll(len(finished_at), lost + len(before.keys - after.keys), after.torn, finished_at)


def start_and_kill(command: Sequence[str], folder: Path, before: Kept, delay: float) -> bool:
    """Kill a run `delay` seconds after its first new generation; False if it has ended by itself."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"}
    with tempfile.TemporaryFile() as log:
        run = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True)
        deadline = time.monotonic() + PATIENCE_S
        had = sum(before.records.values())
        while run.poll() is None and sum(kept(folder).records.values()) <= had:
            if time.monotonic() > deadline:
                kill_all(run)
                raise RuntimeError(f"No generation came within {PATIENCE_S} s of a start.")
            time.sleep(0.01)
        try:
            if run.wait(delay) != 0:
                log.seek(0)
                raise RuntimeError(f"The run failed by itself:\n{log.read().decode(errors='replace')}")
            return False
        except subprocess.TimeoutExpired:
            kill_all(run)
            return run.returncode != 0


def kill_all(run: subprocess.Popen[bytes]) -> None:
    """SIGKILL for the run and all processes that it has started; its worker has its own session, but is still its child."""
    processes = [psutil.Process(run.pid), *psutil.Process(run.pid).children(recursive=True)]
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    run.wait()
    psutil.wait_procs(processes, timeout=PATIENCE_S)


def kept(folder: Path) -> Kept:
    """The complete lines of a store, and the number of others."""
    records: Counter[str] = Counter()
    torn = 0
    for shard in folder.glob("outputs/store/generations/*/*.jsonl"):
        for line in shard.read_bytes().splitlines(keepends=True):
            try:
                if not line.endswith(b"\n"):
                    raise ValueError("torn")
                records[json.loads(line)["key"]] += 1
            except ValueError:
                torn += 1
    return Kept(records, torn)


def report(whole: Path, torn: Path, toll: Toll, in_flight: int) -> None:
    records = kept(torn).records
    windows = len(kept(whole).keys)
    twice = sum(records.values()) - len(records)
    print(f"{toll.kills} kills in a run of {windows} windows; finished at each: {', '.join(map(str, toll.finished_at))}")
    print(f"finished windows lost: {toll.lost} (goal: 0); lines torn by a kill: {toll.torn}")
    print(f"windows stored twice: {twice} (goal: at most {in_flight * toll.kills}, the {in_flight} in flight at each kill)")
    for name in ("predictions.jsonl", "metrics.json"):
        (one,), (other,) = (list(folder.glob(f"outputs/runs/*/{name}")) for folder in (whole, torn))
        same = one.parent.name == other.parent.name and one.read_bytes() == other.read_bytes()
        print(f"{name} as of the undisturbed run: {'equal' if same else 'DIFFERENT'}")


if __name__ == "__main__":
    main()
