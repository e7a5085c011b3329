"""Makes the index of a page, which it shows first, and the details of each run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import har_llm
from har_llm.common.numbers import counted, percent
from har_llm.common.paths import parts_apart
from har_llm.common.tables import Table, numeric_columns
from har_llm.config.settings import PARSINGS
from har_llm.data.describe import in_words
from har_llm.data.splits import part_name
from har_llm.engines.decoding import PLAIN_DECODING
from har_llm.report.figures.chart import Figure
from har_llm.report.folds import pool_folds
from har_llm.report.page.content import (
    ActivityScores,
    DatasetEntry,
    FigureEntry,
    Index,
    PooledEntry,
    RunDetails,
    RunEntry,
    Score,
    StandingEntry,
    TableEntry,
)
from har_llm.report.page.data import Dataset, RunColumns
from har_llm.report.scored_run import ScoredRun, model_name
from har_llm.report.standing import Standing
from har_llm.runs.directory import RunResult
from har_llm.runs.facts import label, labels
from har_llm.runs.published import own_prompt
from har_llm.runs.result import Metrics
from har_llm.scoring.metrics import ClassScores, SessionMean
from har_llm.scoring.names import METRICS


def make_index(
    runs: Sequence[RunResult],
    datasets: Sequence[Dataset],
    *,
    standing: Sequence[Standing],
    tables: Sequence[Table],
    figures: Sequence[Figure],
    headline: str,
    parsing: str,
    most_bytes: int,
) -> Index:
    numbers = {run.folder: number for number, run in enumerate(runs)}
    columns = {run.result.folder: run for dataset in datasets for run in dataset.runs}
    names = run_labels(runs)
    pooled = _pooled(runs, names, parsing)
    return Index(
        version=har_llm.__version__,
        headline=headline,
        parsing=parsing,
        metrics=METRICS,
        status=list(Counter(name for run in runs for name in labels(run.metrics)).items()),
        most_bytes=most_bytes,
        standing=[StandingEntry(one.title, one.label, one.answers, numbers[one.best.folder]) for one in standing],
        runs=[_run(columns[run.folder], name) for run, name in zip(runs, names, strict=True)],
        datasets=[_dataset(dataset, [numbers[run.result.folder] for run in dataset.runs], pooled) for dataset in datasets],
        tables=[_table(table) for table in tables],
        figures=[FigureEntry(figure.title, figure.caption) for figure in figures],
    )


def _run(columns: RunColumns, name: str) -> RunEntry:
    metrics = columns.result.metrics
    return RunEntry(
        name=columns.result.folder.name,
        label=name,
        status=label(metrics),
        written=columns.result.environment.written,
        part=metrics.part,
        model_id=metrics.model_id,
        decoding=metrics.decoding,
        samples=metrics.samples,
        sessions=metrics.sessions,
        windows=metrics.windows,
        events=metrics.events,
        excluded_events=metrics.excluded_events,
        repairs=in_words(columns.result.data.repairs),
        windows_left_out=columns.left_out,
        no_files=columns.no_files,
        scores={parsing: {name: _score(metrics.headline(name, parsing)) for name in METRICS} for parsing in PARSINGS},
    )


def _score(found: SessionMean) -> Score:
    interval = "" if found.ci95 is None else " to ".join(map(percent, found.ci95))
    return Score(percent(found.mean), percent(found.std), interval)


def _dataset(dataset: Dataset, runs: Sequence[int], pooled: Sequence[PooledEntry]) -> DatasetEntry:
    return DatasetEntry(
        dataset.name,
        list(dataset.activities.items()),
        runs,
        [one for one in pooled if one.runs[0] in runs],
        sessions=len(dataset.sessions),
        events=len(dataset.events),
    )


def _pooled(runs: Sequence[RunResult], names: Sequence[str], parsing: str) -> list[PooledEntry]:
    """The folds of each cross-validation, under the name of the first without its number."""
    numbers = {run.folder: number for number, run in enumerate(runs)}
    found, _ = pool_folds([ScoredRun(run, parsing) for run in runs])
    groups = [[numbers[fold.folder] for fold in run.folds] for run in found if len(run.folds) > 1]
    return [
        PooledEntry(f"{names[group[0]].replace(_fold(runs[group[0]]), '')}, {len(group)} folds", group) for group in groups
    ]


def _fold(run: RunResult) -> str:
    fold = run.metrics.choices.split.get("fold")
    return "" if fold is None else f", fold {fold}"


def _table(table: Table) -> TableEntry:
    return TableEntry(table.title, table.columns, numeric_columns(table), table.rows, table.notes, table.folded)


def run_details(run: RunResult) -> Mapping[str, Mapping[str, RunDetails]]:
    """By parsing, then by variant of the scores."""
    return {
        parsing: {
            variant: RunDetails(scores.confusion, [_activity(one) for one in scores.per_class])
            for variant, scores in run.metrics.parsed(parsing).variants.items()
        }
        for parsing in PARSINGS
    }


def _activity(one: ClassScores) -> ActivityScores:
    return ActivityScores(
        activity=one.activity,
        name=one.name,
        precision=percent(one.precision),
        recall=percent(one.recall),
        f1=percent(one.f1),
        support=one.support,
        predicted=one.predicted,
    )


def run_labels(runs: Sequence[RunResult]) -> list[str]:
    """The runs' names in the page: model and adapter, and what else distinguishes the runs of a dataset."""
    labels = [_model(run.metrics) for run in runs]
    for difference in _DIFFERENCES:
        for group in _alike(runs, labels):
            texts = [difference(runs[number]) for number in group]
            if len(set(texts)) > 1:
                for number, text in zip(group, texts, strict=True):
                    labels[number] += text and f", {text}"
    for group in (numbers for numbers in _alike(runs, labels) if len(numbers) > 1):
        for number, text in zip(group, parts_apart([runs[number].folder.parent for number in group]), strict=True):
            labels[number] += f", {text}"
    return labels


def _alike(runs: Sequence[RunResult], labels: Sequence[str]) -> list[list[int]]:
    """The places of runs of a dataset that have the same label."""
    groups: dict[tuple[str, str], list[int]] = {}
    for number, run in enumerate(runs):
        groups.setdefault((run.metrics.dataset, labels[number]), []).append(number)
    return list(groups.values())


def _model(metrics: Metrics) -> str:
    name = model_name(metrics)
    return name if metrics.adapter is None else f"{name} {metrics.adapter.label}"


_DIFFERENCES: tuple[Callable[[RunResult], str], ...] = (
    lambda run: f"first {counted(run.metrics.limit or 0, 'window')}" if run.metrics.partial else "",
    lambda run: part_name(run.metrics.part),
    lambda run: _fold(run).removeprefix(", "),
    lambda run: "" if run.metrics.decoding == PLAIN_DECODING else run.metrics.decoding,
    lambda run: f"prompt {run.metrics.choices.prompt.get('name')} {own_prompt(run)}".strip(),
    lambda run: f"seed {run.metrics.seed}",
    lambda run: run.digest,
)
