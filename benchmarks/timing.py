"""Times commands in turns, so that other work on the machine affects all of them."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parent.parent


def seconds(command: Sequence[str], folder: Path, expect: int = 0) -> float:
    """Wall time of one command from start to exit. Raises when its exit code is another than `expect`."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"}
    started = time.perf_counter()
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    taken = time.perf_counter() - started
    if done.returncode != expect:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr}")
    return taken


def side_by_side(runs: Mapping[str, tuple[Sequence[str], Path, int]], repeats: int) -> dict[str, float]:
    """Median seconds of each command, one of each in every round."""
    taken: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(repeats):
        for name, (command, folder, expect) in runs.items():
            taken[name].append(seconds(command, folder, expect))
    return {name: median(values) for name, values in taken.items()}


def report(name: str, ours: float, theirs: float, goal: float) -> None:
    print(f"{name}: har_llm {ours:.2f} s, bare {theirs:.2f} s, ratio {ours / theirs:.2f} (goal: at most {goal})")
