"""Answers what is asked first of a report: which model is best, by how much, how certainly, its cost, its errors."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from har_llm.common.numbers import counted, decimals, percent, points, rough
from har_llm.report.cell import Cell
from har_llm.report.compare.notes import certainty
from har_llm.report.grouping import Report, grouped
from har_llm.report.paper_choice import flattened
from har_llm.report.scored_run import ScoredRun
from har_llm.report.variant import scripted
from har_llm.runs.directory import RunResult
from har_llm.runs.facts import Facts, labels
from har_llm.runs.summary import confused
from har_llm.scoring.names import LOWER_IS_BETTER, activity_name
from har_llm.scoring.significance import SessionScores, compare


@dataclass(frozen=True)
class Standing:
    """The runs on the same events. Its texts may come from models and data, so they are untrusted."""

    title: str
    """ "MARBLE: 28 sessions, 695 events"."""
    label: str
    """What is synthetic or partial about all runs that are named; may be empty."""
    answers: Facts
    best: RunResult


def standings(report: Report) -> list[Standing]:
    """One for each set of events that a model is scored on, the whole parts first; of baselines only where no model is."""
    cells = [cell for cell in (*report.paper, *report.other) if cell.score(report.headline).mean is not None]
    groups = list(grouped(cells, lambda cell: cell.run.metrics.scored_on).values())
    of_models = [group for group in groups if not all(cell.run.is_baseline for cell in group)]
    chosen = sorted(of_models or groups, key=lambda group: group[0].run.limit is not None)
    return [_standing(report, group, title) for group, title in zip(chosen, _titles(chosen), strict=True)]


def _titles(groups: Sequence[Sequence[Cell]]) -> list[str]:
    """The home and what is scored; where that is the same, the settings of windows and split that differ."""
    plain = [_title(group[0].run) for group in groups]
    chosen = [group[0].run.metrics.choices for group in groups]
    settings = [flattened({"window": dict(one.window), "split": dict(one.split)}) for one in chosen]
    titles = []
    for title, own in zip(plain, settings, strict=True):
        alike = [other for one, other in zip(plain, settings, strict=True) if one == title]
        differing = (f"{key}={value}" for key, value in own.items() if any(other.get(key) != value for other in alike))
        titles.append(", ".join([title, *(one for one in differing)]))
    return titles


def _title(run: ScoredRun) -> str:
    counts = ((len(run.sessions), "session"), (run.metrics.parsed(run.parsing).all.pooled.events, "event"))
    return f"{run.home_name}: {', '.join(counted(*one) for one in counts)}"


def _standing(report: Report, cells: Sequence[Cell], title: str) -> Standing:
    ranked = sorted(cells, key=lambda cell: _rank(report, cell))
    models, baselines = ([cell for cell in ranked if cell.run.is_baseline == wanted] for wanted in (False, True))
    best, *others = models or baselines
    beside = {"runner-up": others[:1], "strongest baseline": baselines[:1] if models else []}
    rivals = {question: cell for question, found in beside.items() for cell in found}
    common = [one for one in _labels(best) if all(one in _labels(cell) for cell in rivals.values())]
    name = _namer([best, *rivals.values()])
    answers = [
        ("best language model" if models else "best baseline", _best(report, best, name(best) + _marks(best, common)))
    ]
    for question, rival in rivals.items():
        said = _against(report, best, rival, names=(name(best), name(rival)), marks=_marks(rival, common))
        answers.append((question, said + (_chosen(len(models)) if question == "runner-up" else "")))
    if models:
        answers.append(("cost of an event", _cost(best)))
    return Standing(title, ", ".join(common), [*answers, ("errors", "; ".join(_errors(best)))], best.run.result)


def _namer(cells: Sequence[Cell]) -> Callable[[Cell], str]:
    """What cells are called in few words that none of the others has."""
    short = [_short(cell) for cell in cells]
    return lambda cell: _short(cell) if short.count(_short(cell)) == 1 else cell.row_name(cell.run.adapter_name)


def _short(cell: Cell) -> str:
    return " ".join(filter(None, (cell.run.model_name, cell.run.adapter_name)))


def _marks(cell: Cell, common: Sequence[str]) -> str:
    """What must be said beside its scores and is not said of all, in brackets."""
    own = [one for one in _labels(cell) if one not in common]
    return f" ({', '.join(own)})" if own else ""


def _labels(cell: Cell) -> list[str]:
    return [*labels(cell.run.metrics), *scripted(cell)]


def _rank(report: Report, cell: Cell) -> float:
    mean = cell.score(report.headline).mean or 0.0
    return mean if report.headline == LOWER_IS_BETTER else -mean


def _best(report: Report, cell: Cell, name: str) -> str:
    score = cell.score(report.headline)
    interval = "" if score.interval is None else f" (95 % interval {' to '.join(map(percent, score.interval))})"
    return f"{name}: {report.headline_name} {percent(score.mean)} %{interval}, {report.parsing} parsing"


def _against(report: Report, best: Cell, other: Cell, *, names: tuple[str, str], marks: str) -> str:
    """How far the best one is ahead of another, or behind it, and how certain that is."""
    found = compare(_by_session(report, other), _by_session(report, best), [report.headline])
    score, ahead = percent(other.score(report.headline).mean), points(found.metrics[report.headline].difference)
    best_name, name = names
    return f"{ahead} points against {name}{marks}, {score} % {certainty(found, report.headline, name, best_name)}"


def _chosen(models: int) -> str:
    if models <= 2:
        return ""
    return f" It is the best of {models} on these sessions, so on others its lead is likely to be smaller."


def _by_session(report: Report, cell: Cell) -> SessionScores:
    """The score of each session, as the mean over the runs of a cell."""
    metric = report.headline
    runs = [run.metrics.parsed(report.parsing).all.sessions for run in cell.runs]
    return {name: {metric: statistics.fmean(run[name].score(metric) or 0.0 for run in runs)} for name in runs[0]}


def _cost(cell: Cell) -> str:
    prompt, generated, seconds = (cell.per_event(name) for name in ("prompt_tokens", "completion_tokens", "engine_seconds"))
    size = "" if cell.run.metrics.parameters is None else f"; {rough(cell.run.metrics.parameters)} parameters"
    return (
        f"{decimals(generated, 1)} generated and {decimals(prompt, 1)} prompt tokens, {decimals(seconds, 3)} s "
        f"of {' and '.join(cell.engines)}{size}"
    )


def _errors(cell: Cell) -> Iterator[str]:
    """The missed are told of all seeds; what is confused, of the first, which is then said."""
    scores, seeds = cell.run.metrics.parsed(cell.run.parsing).all, len(cell.runs)
    over, alone = ("", "") if seeds == 1 else (f" (mean of {seeds} seeds)", f"with seed {cell.run.metrics.seed} ")
    yield f"{percent(cell.score('missed').mean)} % of events missed{over}"
    for one in confused(scores.confusion)[:1]:
        gold, said = (activity_name(number, cell.run.metrics.activities[number]) for number in (one.gold, one.predicted))
        yield f"{alone}most often {gold} is taken for {said} ({one.events} of its {counted(one.of, 'event')})"
    imperfect = [one for one in scores.per_class if one.support and one.f1 < 1]
    if imperfect:
        weakest = min(imperfect, key=lambda one: (one.f1, -one.support))
        yield f"{alone}weakest: {activity_name(weakest.activity, weakest.name)}, F1 {percent(weakest.f1)} %"
