"""`--help` and a config error, against a Hydra app that does nothing; and every slip of tests/cli/slips.txt.

    python benchmarks/bench_startup.py [--repeats 9] [--slip-repeats 3]

Goals: at most 1.3 times the bare app; under a second for each slip.
"""

from __future__ import annotations

import argparse
import re
import shlex
import sys
import tempfile
from pathlib import Path

from timing import ROOT, report, side_by_side

BARE = """
import hydra

@hydra.main(version_base="1.3", config_path="conf", config_name="config")
def main(cfg):
    pass

main()
"""
OURS = [sys.executable, "-m", "har_llm"]
SLIPS = ROOT / "tests" / "cli" / "slips.txt"
SLIP_S = 1.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--slip-repeats", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "conf").mkdir()
        (folder / "conf" / "config.yaml").write_text("events: 10\n")
        (folder / "bare.py").write_text(BARE)
        bare, ours = [sys.executable, "bare.py"], OURS
        times = side_by_side(
            {
                "bare help": ([*bare, "--help"], folder, 0),
                "help": ([*ours, "--help"], folder, 0),
                "bare error": ([*bare, "evnts=0"], folder, 1),
                "error": ([*ours, "window.evnts=0"], folder, 1),
                "checked error": ([*ours, "window.events=0"], folder, 1),
            },
            arguments.repeats,
        )
    report("--help", times["help"], times["bare help"], 1.3)
    report("a setting that does not exist", times["error"], times["bare error"], 1.3)
    report("a value out of its range", times["checked error"], times["bare error"], 1.3)
    report_slips(arguments.slip_repeats)


def report_slips(repeats: int) -> None:
    """Print the seconds of each slip, in a folder without data and runs; the slowest last."""
    slips = re.findall(r"^\$ har-llm (.*)$", SLIPS.read_text(encoding="utf-8"), re.MULTILINE)
    with tempfile.TemporaryDirectory() as name:
        times = side_by_side({slip: ([*OURS, *shlex.split(slip)], Path(name), 1) for slip in slips}, repeats)
    for slip, seconds in sorted(times.items(), key=lambda one: one[1]):
        print(f"{seconds:.2f} s  {slip}")
    slow = sum(seconds >= SLIP_S for seconds in times.values())
    print(f"{len(times)} slips, {slow} of them not under {SLIP_S:g} s (goal: none)")


if __name__ == "__main__":
    main()
