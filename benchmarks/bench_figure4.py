"""Figure 4's 15 jobs on the embedded pair: how often each of the teacher's windows is made, how many engines are started.

    python benchmarks/bench_figure4.py [--steps 2] [--small]

One command, in the shape of `experiment=figure4`: a student trained on the first 1 to 15 sessions of 21. Goals: one
generation for each of the teacher's windows, in all shards of the store together; two starts of an engine, one for each base
model; 15 trainings. The trainings have few steps, because scores do not matter here.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from timing import ROOT, seconds

sys.path.insert(0, str(ROOT))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=2, help="of each training")
    parser.add_argument("--small", action="store_true", help="3 jobs of 4 sessions, to see that it works")
    arguments = parser.parse_args()
    jobs, sessions = (3, 4) if arguments.small else (15, 21)
    settings = [
        "model=tiny_student",
        "lora=distilled_tiny",
        "engine=transformers",
        f"dataset.sessions.count={sessions}",
        f"+dataset.paper_split={{{sessions}: {jobs}}}",
        f"lora.training.max_steps={arguments.steps}",
        "lora.training.warmup_steps=0",
    ]
    counts = ",".join(map(str, range(1, jobs + 1)))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        taken = seconds(
            [sys.executable, "-m", "har_llm", "-m", *settings, f"lora.train_sessions={counts}", "baselines=none"], folder
        )
        show(folder / "outputs", teacher_keys(settings, folder), jobs, arguments.steps, taken)


def teacher_keys(settings: list[str], folder: Path) -> set[str]:
    """The keys of the teacher's generations for the largest job, which include those of all others."""
    from har_llm.runs.prepare import prepare
    from tests.composing import experiment

    addressed = [f"++{one}" if one.startswith(("lora.", "dataset.")) else one for one in settings]
    recipe = prepare(experiment(*addressed, f"paths.outputs={folder / 'outputs'}")).recipe
    assert recipe is not None
    return {request.key for request in recipe.teacher.requests}


def show(outputs: Path, wanted: set[str], jobs: int, steps: int, taken: float) -> None:
    written = Counter(line["key"] for line in lines(outputs, "store/generations/*/*.jsonl"))
    of_teacher = {key: count for key, count in written.items() if key in wanted}
    rates = list(lines(outputs, "store/rates.jsonl"))
    starts = sum("engine" in rate["load"] for rate in rates)
    adapters = len(list(outputs.glob("store/adapters/*/manifest.json")))
    finished = len(list(outputs.glob("runs/*/metrics.json")))
    asked = f"{jobs} jobs, trainings of {steps} steps (scores do not matter; synthetic home, synthetic model)"
    print(f"figure 4's shape, {asked}: {taken:.0f} s")
    made = f"{len(wanted)} wanted, {len(of_teacher)} made, {sum(of_teacher.values())} times in all"
    print(f"  the teacher's windows: {made} (goal: once each)")
    twice = sum(count > 1 for count in written.values())
    print(f"  generations made more than once, of teacher and students: {twice} (goal: 0)")
    print(f"  engine starts: {starts} (goal: 2, one for each base model); trainings: {len(rates) - starts} (goal: {jobs})")
    print(f"  adapters: {adapters}; finished runs: {finished} of {jobs}")


def lines(outputs: Path, pattern: str) -> list[dict[str, Any]]:
    return [json.loads(line) for file in outputs.glob(pattern) for line in file.read_text().splitlines()]


if __name__ == "__main__":
    main()
