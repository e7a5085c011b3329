"""The cells of a report sorted by where they belong, and who is compared with whom."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from har_llm.report.cells import Cell, CellScore, cells_of, setting
from har_llm.report.paper import DATASETS, MODELS, comparable, paper_model
from har_llm.report.run_facts import RunFacts, Taught, facts_of
from har_llm.runs.directory import RunResult

SYNTHETIC = "synthetic home, synthetic model"
KINDS = {
    "": "others",
    SYNTHETIC: "miniature",
    "synthetic home": "synthetic_home",
    "synthetic model": "synthetic_model",
}
"""What is synthetic about runs that are not the paper's, and what their tables and figures are called by."""
K = TypeVar("K")


@dataclass(frozen=True)
class Report:
    """What all tables and figures are made from."""

    cells: Sequence[Cell]
    headline: str
    parsing: str
    notes: Sequence[str]

    @cached_property
    def paper(self) -> list[Cell]:
        """Those that may stand beside the paper's numbers."""
        return ordered(cell for cell in self.cells if comparable(cell.run))

    @cached_property
    def other(self) -> list[Cell]:
        return ordered(cell for cell in self.cells if not comparable(cell.run))

    @property
    def kinds(self) -> list[tuple[str, str, list[Cell]]]:
        """The others by what is synthetic about them: what names their files, that, and the cells."""
        groups = grouped(self.other, lambda cell: cell.run.provenance or "")
        # What a run says of itself names no file.
        return [(KINDS.get(kind) or f"others{place}", kind, cells) for place, (kind, cells) in enumerate(groups.items())]

    @property
    def f1(self) -> str:
        """The score that stands beside the paper's F1."""
        return self.headline if self.headline.startswith("f1_") else "f1_weighted"

    def plain_of(self, cell: Cell) -> Cell | None:
        """The student as it is, on the same events with the same settings."""
        found = [
            other
            for other in self._unadapted(cell)
            if (other.run.model, other.run.model_id, other.run.weights)
            == (cell.run.model, cell.run.model_id, cell.run.weights)
            and _model_settings(other.run) == _model_settings(cell.run)
        ]
        return found[0] if len(found) == 1 else None

    def teacher_of(self, cell: Cell) -> Cell | None:
        """The teacher of a student, on the events that the student is scored on."""
        taught = cell.run.taught
        found = [other for other in self._unadapted(cell) if taught is not None and other.run.model == taught.teacher]
        return found[0] if len(found) == 1 else None

    def gap_closed(self, cell: Cell, metric: str) -> float | None:
        """How much of the way from the plain student to the teacher a student has come; None where there is no way to go."""
        scores = [None if one is None else one.score(metric) for one in (self.plain_of(cell), cell, self.teacher_of(cell))]
        plain, own, teacher = scores
        return None if plain is None or own is None or teacher is None else share(plain, own, teacher)

    def _unadapted(self, cell: Cell) -> list[Cell]:
        """Models as they are, with the settings of this cell in all but the model."""
        return [
            other
            for other in self.cells
            if not adapted(other.run)
            and setting(other.run) == setting(cell.run)
            and _common_settings(other.run) == _common_settings(cell.run)
        ]


def make_report(runs: Sequence[RunResult], headline: str, parsing: str) -> Report:
    """Raises MissingError for a run directory that does not hold what it should."""
    cells, notes = cells_of([facts_of(run, parsing) for run in runs])
    return Report(cells, headline, parsing, notes)


def share(plain: CellScore, own: CellScore, teacher: CellScore) -> float | None:
    gap = teacher.mean - plain.mean
    return None if gap == 0 else (own.mean - plain.mean) / gap


def ordered(cells: Iterable[Cell]) -> list[Cell]:
    """By dataset, the paper's first; then by size of the model, as it is before what it was taught; then by sessions."""

    def rank(cell: Cell) -> tuple[object, ...]:
        run, taught = cell.run, cell.run.taught
        known = [*DATASETS, run.dataset].index(run.dataset)
        recipe = (
            (run.adapter is not None, run.adapter or "", 0, "")
            if taught is None
            else (True, "", taught.dataset != run.dataset, f"{taught.sessions:09}{taught.dataset}{taught.teacher}")
        )
        return (known, run.dataset, run.part, run.parameters or 0, run.model, *recipe, cell.variant, run.folder.name)

    return sorted(cells, key=rank)


def grouped(cells: Iterable[Cell], key: Callable[[Cell], K]) -> dict[K, list[Cell]]:
    """In the order in which the keys come."""
    groups: dict[K, list[Cell]] = {}
    for cell in cells:
        groups.setdefault(key(cell), []).append(cell)
    return groups


def adapted(run: RunFacts) -> bool:
    return run.taught is not None or run.adapter is not None


def home_name(run: RunFacts) -> str:
    return dataset_name(run.dataset) if run.part == "test" else f"{dataset_name(run.dataset)}, {run.part} part"


def dataset_name(dataset: str) -> str:
    return DATASETS.get(dataset, dataset)


def model_name(run: RunFacts) -> str:
    """As the paper calls it, where it is one of the paper's."""
    known = paper_model(run)
    return run.model if known is None else MODELS[known].rpartition("/")[2]


def adapter_name(run: RunFacts) -> str:
    """What was done to a model, in few words; empty for one that is as it is."""
    if run.adapter is not None:
        return f"with adapter {run.adapter}"
    return "" if run.taught is None else f"taught on {sessions_name(run, run.taught)}"


def sessions_name(run: RunFacts, taught: Taught) -> str:
    number = f"{taught.sessions} session{'' if taught.sessions == 1 else 's'}"
    origin = "" if taught.dataset == run.dataset else f" of {dataset_name(taught.dataset)} (another home)"
    return f"{'all ' if taught.everything else ''}{number}{origin}"


def row_name(cell: Cell, *more: str) -> str:
    """A model, and in brackets what tells it from others in the same place."""
    name = " ".join(part for part in (model_name(cell.run), *more) if part)
    return f"{name} [{cell.variant}]" if cell.variant else name


def _common_settings(run: RunFacts) -> dict[str, str]:
    return {key: value for key, value in run.config.items() if key.partition(".")[0] not in ("model", "lora")}


def _model_settings(run: RunFacts) -> dict[str, str]:
    return {key: value for key, value in run.config.items() if key.startswith("model.")}
