"""`--help` and a config error, against a Hydra app that does nothing.

    python benchmarks/bench_startup.py [--repeats 9]

Goal: at most 1.3 times the bare app.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from timing import report, side_by_side

BARE = """
import hydra

@hydra.main(version_base="1.3", config_path="conf", config_name="config")
def main(cfg):
    pass

main()
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=9)
    repeats = parser.parse_args().repeats
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "conf").mkdir()
        (folder / "conf" / "config.yaml").write_text("events: 10\n")
        (folder / "bare.py").write_text(BARE)
        bare, ours = [sys.executable, "bare.py"], [sys.executable, "-m", "har_llm"]
        times = side_by_side(
            {
                "bare help": ([*bare, "--help"], folder, 0),
                "help": ([*ours, "--help"], folder, 0),
                "bare error": ([*bare, "evnts=0"], folder, 1),
                "error": ([*ours, "window.evnts=0"], folder, 1),
                "checked error": ([*ours, "window.events=0"], folder, 1),
            },
            repeats,
        )
    report("--help", times["help"], times["bare help"], 1.3)
    report("a setting that does not exist", times["error"], times["bare error"], 1.3)
    report("a value out of its range", times["checked error"], times["bare error"], 1.3)


if __name__ == "__main__":
    main()
