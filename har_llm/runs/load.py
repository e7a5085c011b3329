"""Finished runs for a notebook: `har_llm.load_runs("outputs")`, and pandas frames of their scores and predictions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from har_llm.common.errors import MissingError
from har_llm.common.paths import expanded
from har_llm.runs.activities import clock_zone, predicted_segments, said_of, segment_cells
from har_llm.runs.directory import RunResult, times_understood
from har_llm.runs.facts import label
from har_llm.runs.find import read_runs, run_folders
from har_llm.runs.result import PredictionRow
from har_llm.scoring.names import METRICS

if TYPE_CHECKING:
    import pandas


def load_runs(path: str | Path) -> Runs:
    """The runs of a run directory, a folder of run directories, or an outputs folder, sorted by name.

    Raises MissingError if there is none, or one is damaged.
    """
    folders = run_folders(expanded(path))
    if not folders:
        raise MissingError(f"{str(path)!r} holds no finished run; name a run directory or an outputs folder.")
    return Runs(read_runs(folders))


class Runs(Sequence[RunResult]):
    """Finished runs. Each is a RunResult with metrics, environment, data, sample and config.

    A run's predictions() and windows() are generators of its rows; `Runs.predictions()` is a frame of all runs.
    """

    def __init__(self, runs: Sequence[RunResult]):
        self._runs = tuple(runs)

    @overload
    def __getitem__(self, place: int) -> RunResult: ...

    @overload
    def __getitem__(self, place: slice) -> Runs: ...

    def __getitem__(self, place: int | slice) -> RunResult | Runs:
        return Runs(self._runs[place]) if isinstance(place, slice) else self._runs[place]

    def __len__(self) -> int:
        return len(self._runs)

    def __repr__(self) -> str:
        return f"Runs({', '.join(run.folder.name for run in self._runs)})"

    def scores(self) -> pandas.DataFrame:
        """A row for each run, parsing mode, variant and metric; scores are fractions, from 0 to 1.

        variant is "all" for all events, or "without_null_class" (MARBLE has a null class: transitions between activities).
        mean, std and the interval (ci_low, ci_high) are over sessions; pooled is over all events.
        """
        import pandas

        return pandas.DataFrame([row for run in self._runs for row in _score_rows(run)])

    def predictions(self) -> pandas.DataFrame:
        """A row for each event of each run, with the columns of its predictions.csv and more: for each parsing mode the
        activity or the cause of missing. Activities are names; `gold` is a tuple of them. `activity` and `missed` are of
        the parsing mode in which the run was made (metrics.parsing)."""
        import pandas

        frame = pandas.DataFrame([_prediction_row(run, row) for run in self._runs for row in run.predictions()])
        return frame.astype({"window": "Int64"})  # integers, or missing

    def segments(self) -> pandas.DataFrame:
        """A row for each predicted segment of each run, with the columns of its segments.csv, where times are texts: an
        activity from its first event to the end of its last one."""
        import pandas

        return pandas.DataFrame([row for run in self._runs for row in _segment_rows(run)])


def _about(run: RunResult) -> dict[str, Any]:
    """The columns that tell runs apart, and those that must be known wherever the numbers are used."""
    metrics = run.metrics
    distillation = None if metrics.adapter is None else metrics.adapter.distillation
    return {
        "run": run.folder.name,
        "dataset": metrics.dataset,
        "part": metrics.part,
        "model": metrics.model,
        "baseline": None if metrics.baseline is None else metrics.baseline.mark,
        "adapter": None if metrics.adapter is None else metrics.adapter.label,
        "teacher": None if distillation is None else distillation.teacher,
        "train_sessions": None if distillation is None else distillation.sessions,
        "decoding": metrics.decoding,
        "seed": metrics.seed,
        "partial": metrics.partial,
        "provenance": metrics.provenance.label,
        "marked": label(metrics) or None,
    }


def _score_rows(run: RunResult) -> Iterator[dict[str, Any]]:
    for parsing, variant, scores in run.metrics.all_scores():
        for metric in METRICS:
            mean = scores.mean[metric]
            low, high = mean.ci95 or (None, None)
            yield {
                **_about(run),
                "parsing": parsing,
                "variant": variant,
                "metric": metric,
                "mean": mean.mean,
                "std": mean.std,
                "ci_low": low,
                "ci_high": high,
                "sessions": mean.sessions,
                "pooled": scores.pooled.score(metric),
            }


def _prediction_row(run: RunResult, row: PredictionRow) -> dict[str, Any]:
    names = run.metrics.activities
    activity, missed = said_of(row, names, run.metrics.shown.parsing)
    return {
        **_about(run),
        "session": row.session,
        "date": row.date,
        "time": row.time,
        "utc_offset": clock_zone(row.utc_offset),
        "id": row.id,
        "event": row.event,
        "activity": activity,
        "missed": missed,
        "gold": tuple(names[number] for number in row.gold),
        "scored": row.scored,
        "excluded": row.excluded,
        "window": row.window,
        "strict": _name(row.strict.activity, names),
        "strict_missed": row.strict.missed,
        "lenient": _name(row.lenient.activity, names),
        "lenient_missed": row.lenient.missed,
        "generation": row.generation,
    }


def _name(activity: int | None, names: Mapping[int, str]) -> str | None:
    return None if activity is None else names[activity]


def _segment_rows(run: RunResult) -> Iterator[dict[str, Any]]:
    about, names = _about(run), run.metrics.activities
    with times_understood(run.folder):
        for one in predicted_segments(run.predictions(), run.metrics.shown.parsing):
            yield {**about, **segment_cells(one, names, texts=True)}
