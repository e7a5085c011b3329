"""Raw files to rendered prompts: seconds and memory for MARBLE-format events, 100,000 and ten times as many.

    python benchmarks/bench_prompts.py [--events 100000]

Writes synthetic files to a temporary folder, then reads, splits, cuts and renders them in fresh processes (best of three),
once handing each prompt on and once keeping all of them. Goals: 1 million events in under 10 s and 1 GB; ten times the
events in at most 11 times the time.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))


def measure(data: Path, keep: bool) -> None:
    """The measurement, in a fresh process; prints its figures as JSON."""
    from har_llm.data.datasets.marble import Marble
    from har_llm.data.prompts import SectionedPrompt
    from har_llm.data.splits import FractionSplit
    from har_llm.data.windows import FixedWindows
    from tests.helpers import load

    dataset = load("dataset/marble", Marble)
    prompt = load("prompt/embedded", SectionedPrompt)
    windowing = load("window/fixed", FixedWindows)
    started, seconds = time.perf_counter(), time.process_time()
    recordings = dataset.read(data)
    read_after = time.perf_counter() - started
    parts = FractionSplit().divide(recordings.sessions, dataset.paper_split)
    renderer = prompt.renderer(recordings.home)
    prompts = (renderer.render(window) for part in parts.values() for session in part for window in windowing.cut(session))
    kept = list(prompts) if keep else []
    count = len(kept) + sum(1 for _ in prompts)
    figures = {
        "events": sum(len(session.events) for session in recordings.sessions),
        "prompts": count,
        "read": read_after,
        "seconds": time.perf_counter() - started,
        "cpu": time.process_time() - seconds,
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform != "darwin" else 1024**2),
    }
    print(json.dumps(figures))


def main() -> None:
    from tests.data.datasets.marble_files import write_synthetic

    arguments = argparse.ArgumentParser(description="Raw MARBLE-format files to rendered prompts.")
    arguments.add_argument("--events", type=int, default=100_000, help="events of the smaller measurement")
    events = arguments.parse_args().events
    cpu: dict[tuple[int, str], float] = {}
    for number in (events, events * 10):
        with tempfile.TemporaryDirectory() as folder:
            write_synthetic(Path(folder), number)
            for keep in ("handed on", "kept"):
                figures = best(folder, keep)
                cpu[number, keep] = figures["cpu"]
                print(
                    f"{figures['events']:>9,} events, {figures['prompts']:>7,} prompts {keep:9}: "
                    f"{figures['seconds']:5.2f} s ({figures['read']:.2f} s reading; {figures['cpu']:.2f} s of one core), "
                    f"{figures['megabytes']:,.0f} MB at most"
                )
    for keep in ("handed on", "kept"):
        print(
            f"ten times the events, prompts {keep}: {cpu[events * 10, keep] / cpu[events, keep]:.1f} times the core's time"
        )


def best(folder: str, keep: str) -> dict[str, float]:
    """The fastest of three, because other work on the machine can only add time."""
    command = [sys.executable, __file__, "--measure", folder, keep]
    runs = [json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout) for _ in range(3)]
    return min(runs, key=lambda figures: figures["cpu"])


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        measure(Path(sys.argv[2]), keep=sys.argv[3] == "kept")
    else:
        main()
