"""How much of the gap to its teacher a student closes: the embedded pair, both simulated homes, several sets of recordings.

    python benchmarks/bench_distillation.py [--seeds 3] [--outputs FOLDER] [--variant OVERRIDE ...]

For each home and seed (dataset.seed: other recordings, so other examples and other test windows): the teacher, the student
as it is, and the student trained on one training session and on all of them. The gap is the teacher's score minus the plain
student's; a trained student closes a share of it. There is also a variant, which should beat its teacher: it is trained on
more recordings of the home, with a seed that no test uses, so that one adapter for each home serves all seeds, and on those
of several generations for each window in which nearly all events are right by the gold activities.

Everything is synthetic: the figures show that distillation works, and say nothing about language models or homes. After a
kill, it resumes with the same --outputs.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

from timing import ROOT

from har_llm.runs.directory import RunResult
from har_llm.runs.find import read_runs, run_folders

STUDENT = ("model=tiny_student", "lora=distilled_tiny")
HOMES = ("simulated_flat", "simulated_house")
SCORE = "f1_weighted"
VARIANT = (
    "+dataset@lora.source={home}",
    "lora.source.seed=107",
    "lora.source.sessions.count=66",
    "++lora.source.paper_split={{66:60}}",
    "lora.training.max_steps=960",
    "lora.examples.samples=4",
    "lora.examples.pick=all",
    "lora.examples.min_correct=0.9",
    "lora.examples.unusable=leave_out",
    "lora.teacher.sampling.temperature=0.7",
)
"""How the variant is trained; {home} stands for the home's name."""
TEACHER, PLAIN, ONE, ALL, VARIED = "teacher", "plain student", "one session", "all sessions", "variant"
EACH = (TEACHER, PLAIN, ONE, ALL, VARIED)
GOALS = {ONE: 40, ALL: 85}
"""Percent of the gap that should be closed."""


class Cell(NamedTuple):
    """In percent."""

    score: float
    missed: float


Cells = dict[tuple[str, str, int], Cell]
"""By model, home and seed."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--outputs", type=Path, help="default: a temporary folder")
    parser.add_argument("--variant", nargs="*", default=list(VARIANT), help=f"default: {' '.join(VARIANT)}")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        outputs = (arguments.outputs or Path(temporary)).resolve()
        settings = (f"dataset.seed={','.join(map(str, range(arguments.seeds)))}", f"paths.outputs={outputs}")
        both = f"dataset={','.join(HOMES)}"
        sweep(*settings, both, "model=tiny_teacher,tiny_student")
        sweep(*settings, both, *STUDENT, "lora.train_sessions=1,null")
        for home in HOMES:
            variant = [override.format(home=home) for override in arguments.variant]
            sweep(*settings, f"dataset={home}", *STUDENT, "lora.name=variant", *variant)
        report(dict(read(outputs)), arguments.seeds, arguments.variant)


def sweep(*overrides: str) -> None:
    command = [sys.executable, "-m", "har_llm", "-m", "report.after_sweep=false", "baselines=none", *overrides]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def read(outputs: Path) -> Iterator[tuple[tuple[str, str, int], Cell]]:
    for run in read_runs(run_folders(outputs)):
        means = run.metrics.strict.all.mean
        cell = Cell(100 * (means[SCORE].mean or 0.0), 100 * (means["missed"].mean or 0.0))
        seed = run.config["dataset"]["seed"]
        yield (who(run), run.metrics.dataset, seed), cell


def who(run: RunResult) -> str:
    adapter = run.metrics.adapter
    if adapter is None:
        return PLAIN if run.metrics.model == "tiny_student" else TEACHER
    if adapter.name == "variant":
        return VARIED
    return {"distilled": ALL, "distilled1": ONE}[adapter.label]


def report(cells: Cells, seeds: int, variant: Sequence[str]) -> None:
    print(f"Synthetic home, synthetic model. {SCORE} and missed events in %, means over {seeds} sets of recordings.")
    print(f"variant: {' '.join(variant)}")
    for home in HOMES:
        mean = {one: _mean(cells, one, home, seeds) for one in EACH}
        print(home)
        for one, cell in mean.items():
            print(f"  {one}: {cell.score:.1f} ({_each(cells, one, home, seeds)}), missed {cell.missed:.1f}")
        gap = mean[TEACHER].score - mean[PLAIN].score
        for one, goal in GOALS.items():
            closed = 100 * (mean[one].score - mean[PLAIN].score) / gap
            print(f"  gap closed with {one}: {closed:.1f} % (goal: at least {goal})")
        print(f"  missed with {ALL}: {mean[ALL].missed:.1f} %, before: {mean[PLAIN].missed:.1f} % (goal: less)")
        ahead = [cells[VARIED, home, seed].score - cells[TEACHER, home, seed].score for seed in range(seeds)]
        times = sum(one > 0 for one in ahead)
        print(f"  {VARIED} less {TEACHER}: {fmean(ahead):+.1f} (goal: above 0), ahead in {times} of {seeds}")


def _mean(cells: Cells, one: str, home: str, seeds: int) -> Cell:
    found = [cells[one, home, seed] for seed in range(seeds)]
    return Cell(fmean(cell.score for cell in found), fmean(cell.missed for cell in found))


def _each(cells: Cells, one: str, home: str, seeds: int) -> str:
    return ", ".join(f"{cells[one, home, seed].score:.1f}" for seed in range(seeds))


if __name__ == "__main__":
    main()
