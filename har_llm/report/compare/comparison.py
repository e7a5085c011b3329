"""Compares two finished runs, A and B: the numbers and sentences of comparison.json."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from har_llm.report.compare.notes import notes, verdict
from har_llm.report.compare.pairing import OUTCOMES, PairedEvent, Pairing
from har_llm.runs.facts import label
from har_llm.runs.result import Metrics
from har_llm.scoring import significance
from har_llm.scoring.names import METRICS
from har_llm.scoring.prediction import CAUSES
from har_llm.scoring.significance import Difference, SignFlipTest


@dataclass(frozen=True)
class Counts:
    """Numbers of events, for each run."""

    a: int
    b: int


@dataclass(frozen=True)
class SessionScores:
    """The number of a session's events that both runs scored, and each run's metrics on them, as fractions."""

    events: int
    a: Mapping[str, float]
    b: Mapping[str, float]


@dataclass(frozen=True)
class ActivityOutcomes:
    """Numbers of events with this gold activity. An event with several gold activities counts for the first one only."""

    activity: int
    name: str
    events: int
    a_right: int
    b_right: int
    gained: int
    """Events that only B has right."""
    lost: int
    """Events that only A has right."""


@dataclass(frozen=True)
class Comparison:
    """The content of comparison.json. Its texts may come from models and data, so they are untrusted."""

    label: str
    """What is synthetic or partial about the runs; may be empty."""
    a: str
    """Name of the run's directory, like b."""
    b: str
    parsing: str
    headline: str
    events: int
    """Number of events that both runs scored. All other numbers are about these events."""
    events_left_out: Counts
    """Events that only this run scored."""
    sessions: int
    test: SignFlipTest
    metrics: Mapping[str, Difference]
    by_session: Mapping[str, SessionScores]
    outcomes: Mapping[str, int]
    """Number of events by outcome, for all OUTCOMES."""
    missed_by_cause: Mapping[str, Counts]
    by_activity: Sequence[ActivityOutcomes]
    events_that_differ: int
    """Number of events for which the runs predict different activities."""
    verdict: str
    notes: Sequence[str]


def compare(pairing: Pairing, headline: str) -> Comparison:
    found = significance.compare(*pairing.scores, METRICS)
    return Comparison(
        label=_label(pairing),
        a=pairing.a.folder.name,
        b=pairing.b.folder.name,
        parsing=pairing.parsing,
        headline=headline,
        events=len(pairing.events),
        events_left_out=Counts(*pairing.left_out),
        sessions=found.sessions,
        test=found.test,
        metrics=found.metrics,
        by_session=_by_session(pairing),
        outcomes=_outcomes(pairing.events),
        missed_by_cause=_missed_by_cause(pairing.events),
        by_activity=_by_activity(pairing),
        events_that_differ=sum(event.differs for event in pairing.events),
        verdict=verdict(found, headline),
        notes=notes(pairing, found, headline),
    )


def _label(pairing: Pairing) -> str:
    labels = [_marked(run.metrics) for run in (pairing.a, pairing.b)]
    if labels[0] == labels[1]:
        return f"A and B: {labels[0]}" if labels[0] else ""
    return ", ".join(f"{name} ({text})" for name, text in zip("AB", labels, strict=True) if text)


def _marked(metrics: Metrics) -> str:
    mark = "" if metrics.baseline is None else f"a baseline, {metrics.baseline.mark}"
    return "; ".join(filter(None, [mark, label(metrics)]))


def _by_session(pairing: Pairing) -> dict[str, SessionScores]:
    events = Counter(event.session for event in pairing.events)
    a, b = pairing.scores
    return {name: SessionScores(events[name], a[name], b[name]) for name in sorted(a)}


def _outcomes(events: Sequence[PairedEvent]) -> dict[str, int]:
    counts = Counter(event.outcome for event in events)
    return {name: counts[name] for name in OUTCOMES}


def _missed_by_cause(events: Sequence[PairedEvent]) -> dict[str, Counts]:
    a, b = Counter(event.a.missed for event in events), Counter(event.b.missed for event in events)
    return {cause: Counts(a[cause], b[cause]) for cause in CAUSES}


def _by_activity(pairing: Pairing) -> list[ActivityOutcomes]:
    groups: dict[int, list[tuple[bool, bool]]] = {}
    for event in pairing.events:
        groups.setdefault(event.gold[0], []).append(event.right)
    return [
        ActivityOutcomes(
            activity=number,
            name=pairing.activities[number],
            events=len(rights),
            a_right=sum(a for a, _ in rights),
            b_right=sum(b for _, b in rights),
            gained=rights.count((False, True)),
            lost=rights.count((True, False)),
        )
        for number, rights in sorted(groups.items())
    ]
