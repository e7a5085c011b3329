"""What the paper reports (Cumin, Er-Rahmany, Chen: Knowledge distillation for LLM-based human activity recognition in homes,
arXiv 2601.07469): its tables 1, 2 and 4, and the points of figure 4 that its text names. Shown only beside ours, as "paper".
"""

from __future__ import annotations

import csv
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import NamedTuple

CITATION = "Cumin, Er-Rahmany, Chen, arXiv 2601.07469"
DATASETS = {"marble": "MARBLE", "mural": "MuRAL"}
WITHOUT_WEARABLES = "MARBLE without wearables"
"""Ours: sections 4.1 and 4.7 of the paper speak of the events of smart-watches, whose form they do not give."""
TEACHER = "qwen3_32b"
MODELS = {f"qwen3_{size}": f"Qwen/Qwen3-{size.upper()}" for size in ("0.6b", "1.7b", "4b", "8b", "14b", "32b")}
LABELS = {model_id.rpartition("/")[2]: name for name, model_id in MODELS.items()}
"""The paper's names of models -> conf/model's: "Qwen3-0.6B" -> qwen3_0.6b."""
SIZES = dict(zip(MODELS, (596049920, 1720574976, 4022468096, 8190735360, 14768307200, 32762123264), strict=True))
"""Numbers of parameters, as in conf/model."""
STUDENTS = ("qwen3_0.6b", "qwen3_1.7b")

NOTES = {
    "table1": "The paper does not say over which activities its F1 is averaged, nor how it samples; its prompts are not "
    "ours.",
    "table2": "The paper prints an increase of 41.28 for Qwen3-1.7B on MuRAL; its own figures give 40.25, which is shown. "
    "Its share of the gap is also computed from its figures.",
    "table4": "The paper's 0.77 ± 4.28 does not fit the 28 test sessions of MARBLE that its own rule gives: the "
    "deviation of 28 values of 0 or more is at most 5.29 times their mean. Unresolved. An activity outside the list is a "
    "missed event here; the paper does not say what it is there.",
}


class Key(NamedTuple):
    metric: str
    """f1 or missed."""
    model: str
    trained_on: str
    """The dataset; empty for a model without an adapter."""
    sessions: int | None
    """Number of training sessions; None for all."""
    dataset: str


class Value(NamedTuple):
    """A number of the paper, in percent, as printed."""

    value: Decimal
    spread: Decimal | None


def dataset_name(dataset: str) -> str:
    """The paper's name of a dataset, if it has one."""
    return DATASETS.get(dataset, dataset)


@cache
def results() -> dict[Key, Value]:
    found = {}
    with (Path(__file__).parent / "paper_results.csv").open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            source, _, sessions = row["finetuned_on"].partition(":")
            key = Key(row["metric"], row["model"], source, int(sessions) if sessions else None, row["dataset"])
            found[key] = Value(Decimal(row["value"]), Decimal(row["spread"]) if row["spread"] else None)
    return found
