"""What scores, homes, models and adapters are called in the tables and figures of a report."""

from __future__ import annotations

from har_llm.report.cells import Cell
from har_llm.report.paper import DATASETS, MODELS, paper_model
from har_llm.report.scored_run import ScoredRun
from har_llm.runs.result import Distillation

SCORES = {
    "f1_macro_gold": "F1 macro (gold)",
    "f1_macro_union": "F1 macro (union)",
    "f1_macro_catalogue": "F1 macro (catalogue)",
    "f1_weighted": "F1 weighted",
    "f1_micro_gold": "F1 micro (gold)",
    "f1_micro_catalogue": "F1 micro (catalogue)",
    "accuracy": "Accuracy",
    "missed": "Missed events",
}
F1_SCORES = tuple(name for name in SCORES if name.startswith("f1_"))
"""Those that the paper's "F1" may be."""


def with_variant(name: str, variant: str) -> str:
    return f"{name} [{variant}]" if variant else name


def home_name(run: ScoredRun) -> str:
    name, part = dataset_name(run.metrics.dataset), run.metrics.part
    return name if part == "test" else f"{name}, {part} part"


def dataset_name(dataset: str) -> str:
    return DATASETS.get(dataset, dataset)


def model_name(run: ScoredRun) -> str:
    """As the paper calls it, where it is one of the paper's."""
    known = paper_model(run)
    return run.metrics.model if known is None else MODELS[known].rpartition("/")[2]


def adapter_name(run: ScoredRun) -> str:
    """What was done to a model, in few words; empty for one that is as it is."""
    if run.ready_adapter is not None:
        return f"with adapter {run.ready_adapter}"
    return "" if run.distillation is None else f"trained on {sessions_name(run, run.distillation)}"


def sessions_name(run: ScoredRun, trained: Distillation) -> str:
    number = f"{trained.sessions} session{'' if trained.sessions == 1 else 's'}"
    origin = "" if trained.dataset == run.metrics.dataset else f" of {dataset_name(trained.dataset)} (another home)"
    return f"{'all ' if trained.all_sessions else ''}{number}{origin}"


def row_name(cell: Cell, *more: str) -> str:
    """A model, and in brackets what tells it from others in the same place."""
    name = " ".join(part for part in (model_name(cell.run), *more) if part)
    return with_variant(name, cell.variant)
