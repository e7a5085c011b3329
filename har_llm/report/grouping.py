"""Sorts and groups the cells of a report, and finds the plain student and the teacher that a cell is compared with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from har_llm.common.provenance import Provenance
from har_llm.report.cell import Cell
from har_llm.report.cells import cells_of, setting
from har_llm.report.folds import pool_folds
from har_llm.report.paper import DATASETS
from har_llm.report.scored_run import ScoredRun
from har_llm.runs.directory import RunResult
from har_llm.scoring.names import METRIC_NAMES

SYNTHETIC = Provenance(home=True, model=True)
KINDS = {
    Provenance(): "others",
    SYNTHETIC: "miniature",
    Provenance(home=True): "synthetic_home",
    Provenance(model=True): "synthetic_model",
}
"""What is synthetic about runs -> the name of their tables and figures."""
K = TypeVar("K")


@dataclass(frozen=True)
class Report:
    """The cells and settings from which all tables and figures are made."""

    cells: Sequence[Cell]
    headline: str
    parsing: str
    notes: Sequence[str]

    @cached_property
    def paper(self) -> list[Cell]:
        """The cells that may be shown beside the paper's numbers."""
        return ordered(cell for cell in self.cells if cell.run.comparable)

    @cached_property
    def other(self) -> list[Cell]:
        return ordered(cell for cell in self.cells if not cell.run.comparable)

    @property
    def kinds(self) -> list[tuple[str, Provenance, list[Cell]]]:
        """The other cells, by what is synthetic about them: (name for files, what is synthetic, cells).

        Baselines are with the language models of the same events; those without any are by themselves.
        """
        models = [cell for cell in self.other if not cell.run.is_baseline]
        beside = {id(cell) for cell in self.beside([*self.paper, *models])}
        alone = [cell for cell in self.other if cell.run.is_baseline and id(cell) not in beside]
        groups = grouped([*models, *alone], lambda cell: cell.run.metrics.provenance)
        return [(KINDS[kind], kind, [*cells, *self.beside(cells)]) for kind, cells in groups.items()]

    def beside(self, cells: Iterable[Cell]) -> list[Cell]:
        """The baselines of the events of these cells, in order, but for those that are among them."""
        shown = list(cells)
        events = {cell.run.metrics.scored_on for cell in shown if not cell.run.is_baseline}
        baselines = [cell for cell in self.cells if cell.run.is_baseline and cell not in shown]
        return ordered(cell for cell in baselines if cell.run.metrics.scored_on in events)

    @property
    def headline_name(self) -> str:
        """ "F1 weighted"."""
        return METRIC_NAMES[self.headline]

    @property
    def f1(self) -> str:
        """The score that is shown beside the paper's F1."""
        return self.headline if self.headline.startswith("f1_") else "f1_weighted"

    def plain_of(self, cell: Cell) -> Cell | None:
        """The student without an adapter, on the same events with the same settings."""
        found = [
            other
            for other in self._unadapted(cell)
            if (other.run.metrics.model, other.run.metrics.model_id, other.run.weights)
            == (cell.run.metrics.model, cell.run.metrics.model_id, cell.run.weights)
            and _model_settings(other.run) == _model_settings(cell.run)
        ]
        return found[0] if len(found) == 1 else None

    def teacher_of(self, cell: Cell) -> Cell | None:
        """The teacher of a student, on the events that the student is scored on."""
        trained = cell.run.distillation
        teacher = None if trained is None else trained.teacher
        found = [other for other in self._unadapted(cell) if other.run.metrics.model == teacher]
        return found[0] if len(found) == 1 else None

    def gap_closed(self, cell: Cell, metric: str) -> float | None:
        """The share of the gap between the plain student and the teacher that a student closes; None if there is no gap."""
        found = (self.plain_of(cell), cell, self.teacher_of(cell))
        plain, own, teacher = (None if one is None else one.score(metric).mean for one in found)
        if plain is None or own is None or teacher is None or teacher == plain:
            return None
        return (own - plain) / (teacher - plain)

    def _unadapted(self, cell: Cell) -> list[Cell]:
        """Cells of models without an adapter, with the same settings as this cell except for the model."""
        return [
            other
            for other in self.cells
            if not adapted(other.run)
            and setting(other.run) == setting(cell.run)
            and _common_settings(other.run) == _common_settings(cell.run)
        ]


def make_report(runs: Sequence[RunResult], headline: str, parsing: str) -> Report:
    pooled, of_folds = pool_folds([ScoredRun(run, parsing) for run in runs])
    cells, notes = cells_of(pooled)
    return Report(cells, headline, parsing, [*of_folds, *notes])


def ordered(cells: Iterable[Cell]) -> list[Cell]:
    """Sort by dataset (the paper's first), size of the model, without before with an adapter, and training sessions.

    Baselines come last.
    """

    def rank(cell: Cell) -> tuple[object, ...]:
        run, metrics, trained = cell.run, cell.run.metrics, cell.run.distillation
        known = [*DATASETS, metrics.dataset].index(metrics.dataset)
        adapter = (
            (run.ready_adapter is not None, run.ready_adapter or "", 0, "")
            if trained is None
            else (True, "", trained.dataset != metrics.dataset, f"{trained.sessions:09}{trained.dataset}{trained.teacher}")
        )
        place = (known, metrics.dataset, metrics.part, run.is_baseline, metrics.parameters or 0, metrics.model)
        return (*place, *adapter, cell.variant, run.result.folder.name)

    return sorted(cells, key=rank)


def grouped(cells: Iterable[Cell], key: Callable[[Cell], K]) -> dict[K, list[Cell]]:
    """Cells by key, in the order in which the keys first occur."""
    groups: dict[K, list[Cell]] = {}
    for cell in cells:
        groups.setdefault(key(cell), []).append(cell)
    return groups


def adapted(run: ScoredRun) -> bool:
    return run.distillation is not None or run.ready_adapter is not None


def _common_settings(run: ScoredRun) -> dict[str, str]:
    return {key: value for key, value in run.settings.items() if key.partition(".")[0] not in ("model", "lora")}


def _model_settings(run: ScoredRun) -> dict[str, str]:
    return {key: value for key, value in run.settings.items() if key.startswith("model.")}
