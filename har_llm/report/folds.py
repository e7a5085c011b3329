"""Pools the folds of a cross-validation: runs that differ only in split.fold are one, on the sessions of all of them.

Each session is tested in one fold, so mean and standard deviation are over all sessions, as if one run had scored them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from har_llm.common.digest import digest
from har_llm.data.splits import KFoldSplit
from har_llm.report.scored_run import ScoredRun
from har_llm.runs.result import Choices, Environment, Metrics
from har_llm.scoring import over_time
from har_llm.scoring.metrics import ParsedScores, together


def pool_folds(runs: Sequence[ScoredRun]) -> tuple[list[ScoredRun], list[str]]:
    """The runs, those of a cross-validation as one, and notes about those that lack folds or cannot be pooled."""
    groups: dict[Hashable, list[ScoredRun]] = {}
    for run in runs:
        groups.setdefault(_experiment(run) if _fold(run) is not None else run.result.folder, []).append(run)
    found, notes = [], []
    for group in groups.values():
        if _fold(group[0]) is None:
            found += group
        elif _overlap(group):
            found += group
            names = ", ".join(run.result.folder.name for run in group)
            notes.append(f"These folds are not pooled, because some have the same sessions: {names}.")
        else:
            found.append(pooled := _pooled(sorted(group, key=lambda run: _fold(run) or 0)))
            notes += [] if pooled.missing_folds is None else [f"{pooled.result.folder.name}: {pooled.missing_folds}."]
    return found, notes


def _fold(run: ScoredRun) -> int | None:
    split = run.metrics.choices.split
    return split.get("fold") if split.get("kind") == KFoldSplit.__name__ and run.metrics.part == "test" else None


def _experiment(run: ScoredRun) -> Hashable:
    """Everything but the fold, and what follows from it: how many sessions train, and the weights that come of them."""
    metrics, trained = run.metrics, run.distillation
    if trained is not None:
        trained = replace(trained, windows=0, sessions=0 if trained.all_sessions else trained.sessions)
    weights = () if run.is_baseline else frozenset(run.weights.items())
    settings = frozenset((key, value) for key, value in run.settings.items() if key != "split.fold")
    of_run = (metrics.dataset, metrics.model, metrics.model_id, metrics.provenance, metrics.decoding, metrics.samples)
    versions = frozenset(run.versions.items())
    return (*of_run, metrics.seed, run.limit, run.ready_adapter, trained, weights, settings, versions, _data(run))


def _data(run: ScoredRun) -> Hashable:
    """What all folds of one cross-validation share: the sessions of the whole dataset, and the home's activities. Where the
    data lie is no part of a run's settings, and two homes may have the same name."""
    content, metrics = run.result.data.description, run.metrics
    sessions = frozenset(session for part in content.parts.values() for session in part.session_ids)
    return (content.events, sessions, tuple(sorted(metrics.activities.items())), tuple(metrics.null_class))


def _overlap(runs: Sequence[ScoredRun]) -> bool:
    counts = Counter(session for run in runs for session in run.sessions)
    return max(counts.values(), default=0) > 1


def _pooled(folds: Sequence[ScoredRun]) -> ScoredRun:
    first = folds[0].result
    result = replace(
        first,
        config={**first.config, "split": _without_fold(first.config.get("split") or {})},
        metrics=_metrics([fold.metrics for fold in folds]),
        environment=_environment([fold.result.environment for fold in folds]),
    )
    return replace(folds[0], result=result, folds=tuple(fold.result for fold in folds))


def _without_fold(split: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in split.items() if name != "fold"}


def _metrics(folds: Sequence[Metrics]) -> Metrics:
    first = folds[0]
    excluded: Counter[str] = Counter()
    for one in folds:
        excluded.update(one.excluded_events)
    choices: Choices = replace(first.choices, split=_without_fold(first.choices.split))
    return replace(
        first,
        sessions=sum(one.sessions for one in folds),
        windows=sum(one.windows for one in folds),
        events=sum(one.events for one in folds),
        excluded_events=excluded,
        generations_digest=digest([one.generations_digest for one in folds]),
        choices=choices,
        strict=_scores([one.strict for one in folds], first.activities),
        lenient=_scores([one.lenient for one in folds], first.activities),
        marks=_each_once(mark for one in folds for mark in one.marks),
        uses_gold=any(one.uses_gold for one in folds),
    )


def _scores(folds: Sequence[ParsedScores], activities: Mapping[int, str]) -> ParsedScores:
    timed = [one.over_time for one in folds if one.over_time is not None]
    without = [one.without_null_class for one in folds if one.without_null_class is not None]
    return ParsedScores(
        unscored_events=sum(one.unscored_events for one in folds),
        unlabelled_events=sum(one.unlabelled_events for one in folds),
        all=together([one.all for one in folds], activities),
        over_time=over_time.together(timed) if timed else None,
        without_null_class=together(without, activities) if len(without) == len(folds) else None,
    )


def _environment(folds: Sequence[Environment]) -> Environment:
    reasons: Counter[str] = Counter()
    for one in folds:
        reasons.update(one.finish_reasons)
    return replace(
        folds[0],
        written=max(one.written for one in folds),
        generated_by=_each_once(made_by for one in folds for made_by in one.generated_by),
        engine_seconds=sum(one.engine_seconds for one in folds),
        prompt_tokens=sum(one.prompt_tokens for one in folds),
        completion_tokens=sum(one.completion_tokens for one in folds),
        finish_reasons=reasons,
        ran_on=sum(one.ran_on for one in folds),
        unclosed_reasoning=sum(one.unclosed_reasoning for one in folds),
    )


def _each_once(values: Iterable[Any]) -> tuple[Any, ...]:
    found: list[Any] = []
    for value in values:
        if value not in found:
            found.append(value)
    return tuple(found)
