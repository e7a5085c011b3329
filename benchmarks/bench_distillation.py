"""How much of a teacher a student learns, on the embedded pair and both simulated homes, over several sets of recordings.

    python benchmarks/bench_distillation.py [--seeds 3] [--outputs FOLDER] [--taught OVERRIDE ...] [--asked OVERRIDE ...]

For each home and seed (dataset.seed: other recordings, so other examples and other test windows): the teacher, the student
as it is, and the student taught on one training session and on all of them. The gap is the teacher's score less the plain
student's; a taught student closes a share of it. And a variant, which is to be ahead of its teacher: a student taught on
many more recordings of the home, of a seed of their own that no test is of, so one adapter a home serves all seeds, and
self-consistent: of several texts for each window it gives each event what most of them say. Both are then sampled as the
teacher was when it wrote the lessons, and as real models are; what the variant is to its teacher without sampling is said,
too.

Everything is synthetic: the figures say that the machinery teaches, and nothing about language models or homes. Killed and
started again with the same --outputs, it goes on where it was.
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

from omegaconf import OmegaConf
from timing import ROOT

from har_llm.report.collect import read_runs, run_folders
from har_llm.results import RunResult

STUDENT = ("model=tiny_student", "lora=distilled_tiny")
HOMES = ("simulated_flat", "simulated_house")
SCORE = "f1_weighted"
TAUGHT = (
    "+dataset@lora.source={home}",
    "lora.source.seed=107",
    "lora.source.sessions.count=206",
    "++lora.source.paper_split={{206:200}}",
    "lora.training.steps=2160",
    "lora.examples.samples=2",
    "lora.examples.pick=all",
    "lora.examples.min_correct=0.9",
    "lora.teacher.sampling.temperature=0.7",
)
"""What the variant is taught; {home} stands for the home's name."""
SAMPLED = "model.sampling.temperature=0.7"
ASKED = ("decoding=self_consistency", "decoding.samples=9", SAMPLED)
"""How the variant is asked."""
TEACHER, PLAIN, ONE, ALL = "teacher", "plain student", "one session", "all sessions"
TAUGHT_MORE, VARIED, SAMPLED_TEACHER = "variant, greedy", "variant", "teacher, sampled"
EACH = (TEACHER, SAMPLED_TEACHER, PLAIN, ONE, ALL, TAUGHT_MORE, VARIED)
GOALS = {ONE: 40, ALL: 85}
"""Percent of the gap that must be closed."""


class Cell(NamedTuple):
    """In percent."""

    score: float
    missed: float


Cells = dict[tuple[str, str, int], Cell]
"""By who answers, home and seed."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--outputs", type=Path, help="default: a temporary folder")
    parser.add_argument("--taught", nargs="*", default=list(TAUGHT), help=f"default: {' '.join(TAUGHT)}")
    parser.add_argument("--asked", nargs="*", default=list(ASKED), help=f"default: {' '.join(ASKED)}")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        outputs = (arguments.outputs or Path(temporary)).resolve()
        settings = (f"dataset.seed={','.join(map(str, range(arguments.seeds)))}", f"paths.outputs={outputs}")
        both = f"dataset={','.join(HOMES)}"
        sweep(*settings, both, "model=tiny_teacher,tiny_student")
        sweep(*settings, both, *STUDENT, "lora.train_sessions=1,null")
        for home in HOMES:
            variant = (
                f"dataset={home}",
                *STUDENT,
                "lora.name=variant",
                *(one.format(home=home) for one in arguments.taught),
            )
            sweep(*settings, *variant)
            sweep(*settings, *variant, *arguments.asked)
        sweep(*settings, both, "model=tiny_teacher", SAMPLED)
        report(dict(read(outputs)), arguments.seeds, [*arguments.taught, *arguments.asked])


def sweep(*overrides: str) -> None:
    command = [sys.executable, "-m", "har_llm", "-m", "report.after_sweep=false", *overrides]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def read(outputs: Path) -> Iterator[tuple[tuple[str, str, int], Cell]]:
    for run in read_runs(run_folders(outputs)):
        means = run.metrics["strict"]["all"]["mean"]
        cell = Cell(100 * means[SCORE]["mean"], 100 * means["missed"]["mean"])
        seed = OmegaConf.load(run.folder / "config.yaml").dataset.seed
        yield (who(run), run.metrics["dataset"], seed), cell


def who(run: RunResult) -> str:
    adapter = run.metrics["adapter"]
    if adapter is None and run.metrics["model"] == "tiny_student":
        return PLAIN
    if adapter is None:
        return SAMPLED_TEACHER if run.metrics["choices"]["generation"]["temperature"] > 0 else TEACHER
    if adapter["name"] == "variant":
        return VARIED if run.metrics["samples"] > 1 else TAUGHT_MORE
    return {"distilled": ALL, "distilled1": ONE}[adapter["label"]]


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
        for teacher, wanted in ((TEACHER, " (goal: above 0)"), (SAMPLED_TEACHER, "")):
            ahead = [cells[VARIED, home, seed].score - cells[teacher, home, seed].score for seed in range(seeds)]
            times = sum(one > 0 for one in ahead)
            print(f"  {VARIED} less {teacher}: {fmean(ahead):+.1f}{wanted}, ahead in {times} of {seeds}")


def _mean(cells: Cells, one: str, home: str, seeds: int) -> Cell:
    found = [cells[one, home, seed] for seed in range(seeds)]
    return Cell(fmean(cell.score for cell in found), fmean(cell.missed for cell in found))


def _each(cells: Cells, one: str, home: str, seeds: int) -> str:
    return ", ".join(f"{cells[one, home, seed].score:.1f}" for seed in range(seeds))


if __name__ == "__main__":
    main()
