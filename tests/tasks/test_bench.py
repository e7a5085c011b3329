"""task=bench: what a window costs, one after the other, with the embedded student."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from tests.commands import har_llm

pytestmark = pytest.mark.slow

SMALL = ("model=tiny_student", "model.sampling.max_new_tokens=40", "limit=3")


def test_each_job_has_a_row_with_its_score_if_it_has_run(tmp_path: Path) -> None:
    har_llm(tmp_path, *SMALL)
    done = har_llm(tmp_path, "-m", *SMALL, "window.events=10,5", "task=bench", tokenizing=True)
    assert "What a window costs on this machine" in done.stdout and "median of 2; Transformers on " in done.stdout
    assert done.stderr.count("3 generations to make, loading the model") == 2
    assert done.stderr.count("3 of 3 generations") == 2
    with (tmp_path / "outputs" / "bench" / "bench.csv").open() as stream:
        ran, new = csv.DictReader(line for line in stream if line.strip())
    assert (ran["model"], new["model"]) == tuple(
        f"tiny_student window.events={size} (synthetic home, synthetic model)" for size in (10, 5)
    )
    for row in (ran, new):
        assert 0 < float(row["s a window"]) <= float(row["slowest"]) and float(row["tokens a window"]) <= 40
        assert float(row["tokens/s"]) > 0 and float(row["memory MB"]) > 100 and float(row["start s"]) > 0
    assert ran["F1 %"] and not new["F1 %"] and "give the command with task=run first" in " ".join(done.stdout.split())
    assert len(list((tmp_path / "outputs" / "runs").iterdir())) == 1, "nothing is stored or scored"
    assert not list((tmp_path / "outputs" / "bench").glob("*.png")), "a figure needs two scores"


@pytest.mark.parametrize(
    ("chosen", "told"),
    [
        ("model=majority", "model=majority is a baseline, which loads no model"),
        ("limit=1", "task=bench needs two windows, of which the first warms the model up"),
        ("lora=distilled_tiny", "The adapter is not trained yet, or damaged; run the same command with"),
    ],
)
def test_what_cannot_be_measured_says_why(tmp_path: Path, chosen: str, told: str) -> None:
    assert told in har_llm(tmp_path, "task=bench", "model=tiny_student", chosen, expect=1).stderr
