"""A cell of a table: the runs that differ only in their seed, and their scores together."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace

from har_llm.report.scored_run import ScoredRun
from har_llm.scoring.metrics import SessionMean


@dataclass(frozen=True)
class CellScore:
    """A score over the runs of a cell, as fractions. All fields are None if no run has it."""

    mean: float | None = None
    session_std: float | None = None
    """Standard deviation over sessions; over several seeds, the root of the mean variance."""
    seed_std: float | None = None
    """Standard deviation over seeds; None for a single one."""
    interval: tuple[float, float] | None = None
    """95 % confidence interval of the mean over sessions; over several seeds, the mean of their limits."""


@dataclass(frozen=True)
class Cell:
    runs: tuple[ScoredRun, ...]
    """One run for each seed, in order."""
    variant: str = ""
    """What distinguishes it from other cells with the same place in a table, and from what a reader expects there."""

    @property
    def run(self) -> ScoredRun:
        """One of the runs, for what all of them share."""
        return self.runs[0]

    def score(self, metric: str, *, without_null: bool = False) -> CellScore:
        scores = [run.scores_without_null if without_null else run.scores for run in self.runs]
        return combined([one[metric] for one in scores if one is not None])

    def pooled(self, metric: str, *, without_null: bool = False) -> float | None:
        """The score of all events taken together, as the mean over the runs."""
        found = [run.pooled(metric, without_null=without_null) for run in self.runs]
        values = [value for value in found if value is not None]
        return statistics.fmean(values) if values else None

    def parsed(self, parsing: str) -> Cell:
        """The same with the scores of this parsing."""
        return replace(self, runs=tuple(replace(run, parsing=parsing) for run in self.runs))

    def per_event(self, quantity: str) -> float | None:
        """prompt_tokens, completion_tokens or engine_seconds for each event, as the mean over the runs.

        A baseline has none.
        """
        if self.run.is_baseline:
            return None
        found = [run.per_event(getattr(run.result.environment, quantity)) for run in self.runs]
        values = [value for value in found if value is not None]
        return statistics.fmean(values) if values else None

    @property
    def count(self) -> int:
        """How many run directories it stands for: seeds, and folds of a cross-validation."""
        return sum(len(run.results) for run in self.runs)

    @property
    def engines(self) -> tuple[str, ...]:
        return tuple(sorted({engine for run in self.runs for engine in run.engines}))

    def row_name(self, *more: str) -> str:
        """The model, and in brackets what distinguishes it from others in the same place."""
        return with_variant(" ".join(part for part in (self.run.model_name, *more) if part), self.variant)


def with_variant(name: str, variant: str) -> str:
    return f"{name} [{variant}]" if variant else name


def combined(scores: Sequence[SessionMean]) -> CellScore:
    means = [score.mean for score in scores if score.mean is not None]
    spreads = [score.std for score in scores if score.std is not None]
    limits = [score.ci95 for score in scores if score.ci95 is not None]
    if not means:
        return CellScore()
    return CellScore(
        mean=statistics.fmean(means),
        session_std=math.sqrt(statistics.fmean(spread**2 for spread in spreads)) if spreads else None,
        seed_std=statistics.stdev(means) if len(means) > 1 else None,
        interval=(statistics.fmean(low for low, _ in limits), statistics.fmean(high for _, high in limits))
        if len(limits) == len(means)
        else None,
    )
