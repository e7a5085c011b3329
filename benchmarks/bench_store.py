"""The store with many generations: seconds and memory of a fresh process that opens it and finds what is owed.

    python benchmarks/bench_store.py [--count 200000] [--characters 2000] [--shards 8] [--small]

Writes the generations of one model to a temporary folder, with the store's own writers. Then fresh processes (best of three)
open the store and look up as many keys, of which 1,000 (or half a percent, if that is less) are missing: with the files in
the system's cache, and with the files removed from it, if the system allows that. Goals, for 200,000 generations: under 3 s,
500 MB.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from timing import ROOT

sys.path.insert(0, str(ROOT))

MODEL = {"id": "org/name", "revision": "0" * 40, "dtype": "bfloat16", "adapter": None}
ABOUT = {
    "engine": "vLLM",
    "versions": {"torch": "2.13.0", "transformers": "5.17.0", "peft": "0.21.2", "vllm": "0.32.0"},
    "hardware": "2 x NVIDIA A100-SXM4-80GB",
    "model": MODEL,
    "provenance": None,
}
SENTENCE = 'Event 25 "entrance motion sensor turned ON" at 20h: somebody may be coming home, or only walk by.\n'


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=200_000, help="stored generations, and keys to look up")
    parser.add_argument("--characters", type=int, default=2000, help="mean length of a generation")
    parser.add_argument("--shards", type=int, default=8)
    parser.add_argument("--small", action="store_true", help="a hundredth of it, to see that it works")
    arguments = parser.parse_args()
    count = 2000 if arguments.small else arguments.count
    absent = min(1000, count // 200)
    with tempfile.TemporaryDirectory() as name:
        size = fill(Path(name), count, arguments.characters, arguments.shards)
        print(f"{count:,} generations of about {arguments.characters:,} characters, {size / 1e6:,.0f} MB")
        for cached in (True, False):
            figures = best(Path(name), count, absent, cached)
            if figures["owed"] != absent:
                raise RuntimeError(f"{figures['owed']} of {count} keys are owed instead of {absent}")
            where = "files in the system's cache" if cached else "files not in the cache     "
            print(
                f"{where}: {figures['owed']:,} of {count:,} keys owed, {figures['seconds']:.2f} s (goal: under 3 s), "
                f"{figures['megabytes']:,.0f} MB at most (goal: 500 MB; {figures['before']:,.0f} MB before opening)"
            )


def fill(root: Path, count: int, characters: int, shards: int) -> int:
    """Write generations with the store's own writers, several shards side by side; returns their size on disk."""
    from har_llm.runs.store import Record, ShardWriter, generations_folder

    draws = random.Random(0)
    folder = generations_folder(root, MODEL)
    with ExitStack() as stack:
        writers = [stack.enter_context(ShardWriter(folder, at_once=False)) for _ in range(shards)]
        for number in range(count):
            length = draws.randint(characters // 2, characters * 3 // 2)
            text = f"<think>\n{(SENTENCE * (length // len(SENTENCE) + 1))[:length]}\n</think>\n"
            text += json.dumps([{"id": event, "activity": draws.randint(1, 26)} for event in range(10)])
            record = Record(key_of(number), text, "stop", 900, length // 4, 0.25, ABOUT, 768)
            writers[number % shards].add(record)
    return sum(shard.stat().st_size for shard in folder.iterdir())


def key_of(number: int) -> str:
    from har_llm.common.digest import digest

    return digest({"number": number})


def best(root: Path, count: int, absent: int, cached: bool) -> dict[str, float]:
    """The fastest of three, because other work on the machine can only add time."""
    command = [sys.executable, __file__, "--measure", str(root), str(count), str(absent)]
    runs = []
    for _ in range(3):
        if not cached:
            throw_out(root)
        runs.append(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
    return min(runs, key=lambda figures: figures["seconds"])


def throw_out(root: Path) -> None:
    """Remove the files' content from the system's cache, so that it is read from the disk again."""
    for shard in root.rglob("*.jsonl"):
        handle = os.open(shard, os.O_RDONLY)
        try:
            os.fsync(handle)
            if hasattr(os, "posix_fadvise"):
                os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(handle)


def measure(root: Path, count: int, absent: int) -> None:
    """The measurement, in a fresh process; prints its figures as JSON. The keys are made before, as in a run."""
    from har_llm.runs.store import GenerationStore

    keys = [key_of(number) for number in range(absent, count + absent)]
    before, started = megabytes(), time.perf_counter()
    store = GenerationStore(root, MODEL)
    owed = [key for key in keys if key not in store]
    seconds = time.perf_counter() - started
    print(json.dumps({"owed": len(owed), "seconds": seconds, "before": before, "megabytes": megabytes()}))


def megabytes() -> float:
    """The most memory that this process has held so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform != "darwin" else 1024**2)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        measure(Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
    else:
        main()
