"""Finds the events that two runs have in common: only events that both scored are compared."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from har_llm.common.errors import ConfigError
from har_llm.runs.directory import RunResult
from har_llm.runs.result import PredictionRow
from har_llm.scoring.metrics import ScoredEvent, score
from har_llm.scoring.names import METRICS
from har_llm.scoring.prediction import Prediction
from har_llm.scoring.significance import SessionScores

Key = tuple[str, int]
"""The session's name, and the event's id in the session."""
OUTCOMES = (
    "both right",
    "only A right",
    "only B right",
    "both wrong, the same activity",
    "both wrong, different activities",
    "A wrong, B missed",
    "A missed, B wrong",
    "both missed",
)
_RIGHT = {(True, True): "both right", (True, False): "only A right", (False, True): "only B right"}
_MISSED = {(True, True): "both missed", (True, False): "A missed, B wrong", (False, True): "A wrong, B missed"}


class PairedEvent(NamedTuple):
    """An event that both runs scored, with the prediction of each."""

    session: str
    id: int
    time: str
    text: str
    gold: tuple[int, ...]
    """Gold activities, without those that are not scored."""
    a: Prediction
    b: Prediction

    @property
    def right(self) -> tuple[bool, bool]:
        return self.a.activity in self.gold, self.b.activity in self.gold

    @property
    def differs(self) -> bool:
        return self.a.activity != self.b.activity

    @property
    def outcome(self) -> str:
        """One of OUTCOMES."""
        if any(self.right):
            return _RIGHT[self.right]
        missed = (self.a.activity is None, self.b.activity is None)
        if any(missed):
            return _MISSED[missed]
        return "both wrong, different activities" if self.differs else "both wrong, the same activity"


@dataclass(frozen=True)
class Pairing:
    a: RunResult
    b: RunResult
    parsing: str
    events: Sequence[PairedEvent]
    """The common events, in the order of A."""
    activities: Mapping[int, str]
    """Activities that either run could predict, with their names."""
    unscored: Collection[int]
    """Activities that the scores of at least one run leave out."""
    left_out: tuple[int, int]
    """For each run, the number of its scored events that the other run did not score."""

    @cached_property
    def scores(self) -> tuple[SessionScores, SessionScores]:
        """Each run's metrics on the common events, by session."""
        return self._scores("a"), self._scores("b")

    def _scores(self, which: str) -> SessionScores:
        predicted = [(event, getattr(event, which)) for event in self.events]
        scored = [ScoredEvent(event.session, event.gold, one.activity, one.missed) for event, one in predicted]
        sessions = score(scored, self.activities, self.unscored).sessions
        return {name: {metric: values.score(metric) or 0.0 for metric in METRICS} for name, values in sessions.items()}


def pair(a: RunResult, b: RunResult, parsing: str) -> Pairing:
    """Raises ConfigError if the runs have no scored event in common, or if an event differs between them."""
    for run in (a, b):
        if not run.metrics.has_scores:
            raise ConfigError(
                f"{run.folder.name} has no scored event, and runs are compared by their scores; what each says of an event "
                f"is shown by compare.event=SESSION/ID."
            )
    activities = _activities(a, b)
    unscored = _unscored(a) | _unscored(b)
    rows = [_scored_rows(run, unscored) for run in (a, b)]
    common = [key for key in rows[0] if key in rows[1]]
    if not common:
        raise ConfigError(
            f"{a.folder.name} has {len(rows[0])} scored events and {b.folder.name} has {len(rows[1])}, none of them "
            f"in common; compare runs on the same dataset and part."
        )
    events = [_paired(rows[0][key], rows[1][key], unscored, parsing) for key in common]
    left_out = (len(rows[0]) - len(common), len(rows[1]) - len(common))
    return Pairing(a, b, parsing, events, activities, unscored, left_out)


def _activities(a: RunResult, b: RunResult) -> dict[int, str]:
    catalogues = [run.metrics.activities for run in (a, b)]
    for number in catalogues[0].keys() & catalogues[1].keys():
        names = [catalogue[number] for catalogue in catalogues]
        if names[0] != names[1]:
            homes = (a.metrics.dataset, b.metrics.dataset)
            different = f"The runs are of different homes ({homes[0]} and {homes[1]}). " if homes[0] != homes[1] else ""
            raise ConfigError(
                f"{different}Activity {number} is {names[0]!r} in {a.folder.name} and {names[1]!r} in {b.folder.name}; "
                f"compare runs whose activities have the same numbers."
            )
    return {**catalogues[0], **catalogues[1]}


def _unscored(run: RunResult) -> set[int]:
    """The activities that the run's own scores leave out (dataset.null_class=unscored)."""
    scored = {one.activity for one in run.metrics.strict.all.per_class}
    return set(run.metrics.activities) - scored


def _scored_rows(run: RunResult, unscored: Collection[int]) -> dict[Key, PredictionRow]:
    return {(row.session, row.id): row for row in run.predictions() if row.scored and set(row.gold) - set(unscored)}


def _paired(a: PredictionRow, b: PredictionRow, unscored: Collection[int], parsing: str) -> PairedEvent:
    for name in ("time", "event", "gold"):
        if getattr(a, name) != getattr(b, name):
            raise ConfigError(
                f"Event {a.id} of session {a.session} has {name} {getattr(a, name)!r} in A and {getattr(b, name)!r} in B; "
                f"they were made from different data, so compare runs on the same data and dataset settings."
            )
    gold = tuple(number for number in a.gold if number not in unscored)
    return PairedEvent(a.session, a.id, a.time, a.event, gold, a.parsed(parsing), b.parsed(parsing))
