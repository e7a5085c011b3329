"""Predictions scored against the gold activities, with the uncertainty of the scores.

Scores are fractions from 0 to 1. They are computed for each session, then as mean and standard deviation over sessions, as
in the paper, and also over all events pooled.

The paper does not say over which activities its macro F1 is averaged, and that choice alone can move it from 0.1 to 0.9.
So every candidate has a name here: `gold` averages over the session's gold activities, `union` over these and the predicted
ones, `catalogue` over all activities of the home. Precision, recall or F1 that would divide by zero is 0.

A missed event is a false negative of its gold activity, and no class of its own. One candidate differs: `plain` is `union`
with a class of missed events, as code counts that gives them a label and lets scikit-learn average over all labels.

If an event has several gold activities, predicting any of them is right and makes that one its gold; otherwise the first is
its gold.
"""

from __future__ import annotations

import operator
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice, repeat
from typing import NamedTuple

from har_llm.scoring import intervals
from har_llm.scoring.names import METRICS
from har_llm.scoring.over_time import OverTime
from har_llm.scoring.prediction import CAUSES
from har_llm.scoring.residents import ResidentScores
from har_llm.scoring.spread import Spread, spread

VERSION = 4
"""To be raised when the same predictions would get other scores; part of a run's digest."""

VARIANTS = ("all", "without_null_class")
"""Which events are scored."""


class ScoredEvent(NamedTuple):
    """An event with its gold activities and either the predicted activity or the cause for which it was missed."""

    session: str
    gold: tuple[int, ...]
    predicted: int | None
    cause: str | None


@dataclass(frozen=True)
class Measures:
    """The metrics of one session, or of all events; each is None if there are no events."""

    events: int
    f1_macro_gold: float | None
    f1_macro_union: float | None
    f1_macro_plain: float | None
    f1_macro_catalogue: float | None
    f1_weighted: float | None
    f1_micro_gold: float | None
    f1_micro_catalogue: float | None
    accuracy: float | None
    missed: float | None
    missed_by_cause: Mapping[str, float | None]

    def score(self, metric: str) -> float | None:
        """The value of one of METRICS."""
        value: float | None = getattr(self, metric)
        return value


@dataclass(frozen=True)
class SessionMean(Spread):
    """A metric's mean and spread over sessions."""

    ci95: tuple[float, float] | None
    """95 % confidence interval of the mean; None where intervals.py gives none."""
    sessions: int


@dataclass(frozen=True)
class ClassScores:
    """The scores of one activity, over all events."""

    activity: int
    name: str
    precision: float
    recall: float
    f1: float
    support: int
    """Number of events whose gold it is."""
    predicted: int


@dataclass(frozen=True)
class Confusion:
    """Numbers of events by gold activity (rows) and predicted activity (columns); the last column is for missed events."""

    activities: Sequence[int]
    matrix: Sequence[Sequence[int]]


@dataclass(frozen=True)
class Scores:
    """Every metric of some events."""

    sessions: Mapping[str, Measures]
    mean: Mapping[str, SessionMean]
    """By metric."""
    missed_by_cause: Mapping[str, Spread]
    pooled: Measures
    per_class: Sequence[ClassScores]
    confusion: Confusion

    def __post_init__(self) -> None:
        """Raise ValueError if a metric is missing, also in scores that are read from a file."""
        if missing := set(METRICS) - set(self.mean):
            raise ValueError(f"mean lacks {', '.join(sorted(missing))}")


@dataclass(frozen=True)
class ParsedScores:
    """The scores of one parsing mode."""

    unscored_events: int
    """Number of events left out because none of their gold activities is scored."""
    unlabelled_events: int
    """Number of events left out because they have no gold activity."""
    all: Scores
    without_null_class: Scores | None = None
    """None where the home has no null class."""
    over_time: OverTime | None = None
    """Of all scored events; None without any."""
    residents: ResidentScores | None = None
    """None where the prompt does not ask who caused the events, or the dataset does not say."""

    @property
    def variants(self) -> dict[str, Scores]:
        """Scores by name: `all`, and `without_null_class` if the home has one."""
        return {name: scores for name in VARIANTS if (scores := getattr(self, name)) is not None}


def score(events: Sequence[ScoredEvent], activities: Mapping[int, str], null_class: Collection[int] = ()) -> Scores:
    """Every metric of these events.

    Activities in `null_class` are removed from the gold, and an event without any other activity is left out, as is an
    unlabelled one. They are not averaged in any metric. To predict one of them for a remaining event counts as a false
    negative of its gold activity.
    """
    _check_catalogue(events, activities)
    scored = [event._replace(gold=gold) for event in events if (gold := _without(event.gold, null_class))]
    by_session: dict[str, list[ScoredEvent]] = {}
    for event in scored:
        by_session.setdefault(event.session, []).append(event)
    averaged = _without(tuple(activities), null_class)
    return _scores({name: _measure(by_session[name], averaged) for name in sorted(by_session)}, scored, averaged, activities)


def together(parts: Sequence[Scores], activities: Mapping[int, str]) -> Scores:
    """The scores of runs on different sessions of one home as those of one run on all of these sessions.

    Their events are those that the confusions count. Raises ValueError if a session is in two of them.
    """
    sessions = dict(sorted(pair for part in parts for pair in part.sessions.items()))
    if len(sessions) < sum(len(part.sessions) for part in parts):
        raise ValueError("A session is in two of the scores that should be put together.")
    averaged = tuple(dict.fromkeys(one.activity for part in parts for one in part.per_class))
    return _scores(sessions, [event for part in parts for event in _counted_events(part)], averaged, activities)


def _counted_events(scores: Scores) -> Iterator[ScoredEvent]:
    """The events that a confusion counts. It does not say which of the missed ones was missed for which cause."""
    numbers, pooled = scores.confusion.activities, scores.pooled
    shares = pooled.missed_by_cause.items()
    causes = chain.from_iterable(repeat(cause, round((share or 0) * pooled.events)) for cause, share in shares)
    for gold, row in zip(numbers, scores.confusion.matrix, strict=True):
        for predicted, count in zip(numbers, row, strict=False):  # the last column is that of missed events
            yield from repeat(ScoredEvent("", (gold,), predicted, None), count)
        yield from (ScoredEvent("", (gold,), None, cause) for cause in islice(causes, row[-1]))


def _scores(
    sessions: Mapping[str, Measures], scored: Sequence[ScoredEvent], averaged: tuple[int, ...], activities: Mapping[int, str]
) -> Scores:
    """`scored`: the events of all these sessions."""
    return Scores(
        sessions=sessions,
        mean={metric: _over_sessions(metric, sessions.values()) for metric in METRICS},
        missed_by_cause={cause: spread([values.missed_by_cause[cause] for values in sessions.values()]) for cause in CAUSES},
        pooled=_measure(scored, averaged),
        per_class=_per_class(scored, averaged, activities),
        confusion=_confusion(scored, tuple(activities)),
    )


def score_all(
    events: Sequence[ScoredEvent],
    activities: Mapping[int, str],
    null_class: Collection[int] = (),
    unscored: Collection[int] = (),
) -> ParsedScores:
    """The scores of all events and, if the home has a null class, also without it.

    `unscored` activities are left out of both, as `score` leaves out a null class.
    """
    return ParsedScores(
        unscored_events=sum(bool(event.gold) and not _without(event.gold, unscored) for event in events),
        unlabelled_events=sum(not event.gold for event in events),
        all=score(events, activities, unscored),
        without_null_class=score(events, activities, {*null_class, *unscored}) if null_class else None,
    )


def _check_catalogue(events: Sequence[ScoredEvent], activities: Mapping[int, str]) -> None:
    for event in events:
        if not activities.keys() >= {*event.gold} or not (event.predicted is None or event.predicted in activities):
            raise ValueError(f"{event} has an activity that is not in the catalogue.")
        if event.cause not in ((None,) if event.predicted is not None else CAUSES):
            raise ValueError(f"{event} must be either predicted or missed with one of the causes {', '.join(CAUSES)}.")


def _without(numbers: tuple[int, ...], left_out: Collection[int]) -> tuple[int, ...]:
    return tuple(number for number in numbers if number not in left_out)


def _labels(events: Sequence[ScoredEvent], missed: int) -> tuple[list[int], list[int]]:
    """Gold and predicted activity of each event, as scikit-learn takes them; `missed` stands for no prediction."""
    gold = [event.predicted if event.predicted in event.gold else event.gold[0] for event in events]
    return gold, [missed if event.predicted is None else event.predicted for event in events]


def _measure(events: Sequence[ScoredEvent], averaged: tuple[int, ...]) -> Measures:
    size = len(events)
    if not size:
        return Measures(0, **dict.fromkeys(METRICS), missed_by_cause=dict.fromkeys(CAUSES))
    causes = [event.cause for event in events]
    return Measures(
        size,
        **_f1_scores(events, averaged),
        missed=sum(event.predicted is None for event in events) / size,
        missed_by_cause={cause: causes.count(cause) / size for cause in CAUSES},
    )


def _f1_scores(events: Sequence[ScoredEvent], averaged: tuple[int, ...]) -> dict[str, float]:
    """The F1 scores and the accuracy. scikit-learn checks its input for long, so it is asked only once."""
    import numpy
    from sklearn.metrics import precision_recall_fscore_support

    missed = _no_activity(averaged, events)
    gold, predicted = _labels(events, missed)
    classes = [*averaged, missed]
    columns = precision_recall_fscore_support(gold, predicted, labels=classes, average=None, zero_division=0)
    f1, support = (dict(zip(classes, column, strict=True)) for column in columns[2:])
    in_gold = [number for number in averaged if number in set(gold)]
    in_either = [number for number in averaged if number in {*gold, *predicted}]

    def macro(labels: Sequence[int], weights: Sequence[int] | None = None) -> float:
        return float(numpy.average([f1[number] for number in labels], weights=weights)) if labels else 0.0

    return {
        "f1_macro_gold": macro(in_gold),
        "f1_macro_union": macro(in_either),
        "f1_macro_plain": macro([*in_either, missed] if missed in predicted else in_either),
        "f1_macro_catalogue": macro(averaged),
        "f1_weighted": macro(in_gold, [support[number] for number in in_gold]),
        "f1_micro_gold": _f1_micro(gold, predicted, in_gold),
        "f1_micro_catalogue": _f1_micro(gold, predicted, averaged),
        "accuracy": sum(map(operator.eq, gold, predicted)) / len(gold),
    }


def _f1_micro(gold: Sequence[int], predicted: Sequence[int], labels: Collection[int]) -> float:
    """F1 of all these activities taken together."""
    right = sum(one == other and one in labels for one, other in zip(gold, predicted, strict=True))
    either = sum(number in labels for number in (*gold, *predicted))
    return 2 * right / either if either else 0.0


def _no_activity(numbers: Collection[int], events: Sequence[ScoredEvent]) -> int:
    """A number that no activity has."""
    return min([*numbers, *(event.predicted for event in events if event.predicted is not None)], default=0) - 1


def _per_class(events: Sequence[ScoredEvent], averaged: tuple[int, ...], activities: Mapping[int, str]) -> list[ClassScores]:
    from sklearn.metrics import precision_recall_fscore_support

    if not events:
        return []
    gold, predicted = _labels(events, _no_activity(averaged, events))
    columns = precision_recall_fscore_support(gold, predicted, labels=averaged, average=None, zero_division=0)
    return [
        ClassScores(
            activity=number,
            name=activities[number],
            precision=float(precision),
            recall=float(recall),
            f1=float(f1),
            support=int(support),
            predicted=predicted.count(number),
        )
        for number, precision, recall, f1, support in zip(averaged, *columns, strict=True)
    ]


def _confusion(events: Sequence[ScoredEvent], numbers: tuple[int, ...]) -> Confusion:
    from sklearn.metrics import confusion_matrix

    if not events:
        return Confusion(list(numbers), [[0] * (len(numbers) + 1) for _ in numbers])
    missed = _no_activity(numbers, events)
    matrix = confusion_matrix(*_labels(events, missed), labels=[*numbers, missed])
    return Confusion(list(numbers), matrix[:-1].tolist())  # gold is never "missed", so that row is empty


def _over_sessions(metric: str, sessions: Iterable[Measures]) -> SessionMean:
    values = [value for one in sessions if (value := one.score(metric)) is not None]
    over = spread(values)
    interval = None if metric in intervals.WITHOUT else intervals.of_score(values)
    return SessionMean(over.mean, over.std, interval, len(values))
