"""The main job with tracking on against the same job with `tracker=none`: whole processes, side by side.

    python benchmarks/bench_tracking.py [--repeats 3] [--sessions 52] [--tested 22] [--model tiny_teacher]

Tracking is measured offline, as without a login, and online against a server on the loopback that takes everything at once;
a network is not measured. Every round makes all generations again. Goal: at most 1.05 times, with at least 200 windows.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path
from statistics import median

from timing import ROOT, seconds

sys.path.insert(0, str(ROOT))

GOAL = 1.05
FEWEST_WINDOWS = 200
KINDS = ("none", "offline", "online")


def main() -> None:
    from tests.tracking.fake_wandb import KEY, fake_wandb

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--sessions", type=int, default=52, help="of the simulated home")
    parser.add_argument("--tested", type=int, default=22, help="how many of them are tested")
    parser.add_argument("--model", default="tiny_teacher")
    arguments = parser.parse_args()
    job = [
        f"dataset.sessions.count={arguments.sessions}",
        f"+dataset.paper_split={{{arguments.sessions}:{arguments.sessions - arguments.tested}}}",
        f"model={arguments.model}",
    ]
    taken: dict[str, list[float]] = {kind: [] for kind in KINDS}
    with tempfile.TemporaryDirectory() as name, fake_wandb() as server:
        folder = Path(name)
        os.environ |= {"WANDB_BASE_URL": server.url, "WANDB_API_KEY": KEY, "HOME": name}
        for round in range(arguments.repeats):
            # Each round begins with another kind, so that none always has the warmer machine.
            for kind in KINDS[round % len(KINDS) :] + KINDS[: round % len(KINDS)]:
                shutil.rmtree(folder / "outputs", ignore_errors=True)
                taken[kind].append(
                    seconds([sys.executable, "-m", "har_llm", *job, "baselines=none", *options(kind)], folder)
                )
                windows = check(folder, kind)
        arrived = server.finished()
    if arrived != arguments.repeats:
        raise RuntimeError(f"{arrived} runs arrived at the server, of {arguments.repeats}.")
    enough = "" if windows >= FEWEST_WINDOWS else f"; too few windows for the goal: {FEWEST_WINDOWS} are needed"
    for kind in KINDS[1:]:
        tracked, plain = median(taken[kind]), median(taken["none"])
        # The ratio within each round, because other work on the machine then affects both of its parts.
        ratio = median(one / other for one, other in zip(taken[kind], taken["none"], strict=True))
        print(
            f"tracking {kind}, {windows} windows: {tracked:.2f} s, none {plain:.2f} s, ratio {tracked / plain:.3f}, "
            f"median of the rounds' ratios {ratio:.3f} (goal: at most {GOAL}{enough})"
        )


def options(kind: str) -> list[str]:
    return ["tracker=none"] if kind == "none" else ["tracker=wandb", f"tracker.mode={kind}"]


def check(folder: Path, kind: str) -> int:
    """Number of windows of the run. Raises RuntimeError if it was not tracked as intended, which would also be fast."""
    (run,) = (folder / "outputs" / "runs").iterdir()
    notes = [json.loads(file.read_text()) for file in folder.glob("outputs/wandb/published/[!g]*.json")]  # not of generating
    expected = {"none": [], "offline": ["folder"], "online": ["url"]}[kind]
    if [name for note in notes for name in ("folder", "url") if name in note] != expected:
        raise RuntimeError(f"The run should be tracked as {kind}, but the notes say {notes}.")
    windows: int = json.loads((run / "metrics.json").read_text())["windows"]
    return windows


if __name__ == "__main__":
    main()
