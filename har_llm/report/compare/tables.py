"""Makes the tables of a comparison, for comparison.md, events.csv and the terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from har_llm.common.numbers import counted, percent, points
from har_llm.common.tables import Table
from har_llm.report.compare.comparison import Comparison
from har_llm.report.compare.notes import chance
from har_llm.report.compare.pairing import PairedEvent, Pairing
from har_llm.runs.directory import RunResult
from har_llm.runs.facts import facts
from har_llm.scoring.names import activity_name, cause_name, prediction_name

CHANGES = 10


@dataclass(frozen=True)
class ComparisonTables:
    """Cells may hold texts of models and data, so they are untrusted."""

    runs: Table
    """Facts about the runs in which they differ."""
    scores: Table
    counts: Sequence[Table]
    """Sessions, outcomes, missed, activities, changes; without those that would be empty."""
    differing: Table
    """Every event with different predictions; those that one run has right come first."""


def make_tables(comparison: Comparison, pairing: Pairing) -> ComparisonTables:
    counts = (_sessions(comparison), _outcomes(comparison), _missed(comparison), _activities(comparison), _changes(pairing))
    return ComparisonTables(
        _runs(pairing), _scores(comparison), [table for table in counts if table.rows], _differing(pairing)
    )


def _runs(pairing: Pairing) -> Table:
    a, b = (_facts(run) for run in (pairing.a, pairing.b))
    rows = [[name, a.get(name, "none"), b.get(name, "none")] for name in {**a, **b} if a.get(name) != b.get(name)]
    return Table("runs", "What the runs differ in", ["", "A", "B"], rows)


def _facts(run: RunResult) -> dict[str, str]:
    """Facts by name. Several facts of one name, such as engines, are joined."""
    found: dict[str, str] = {}
    for name, text in facts(run):
        found[name] = f"{found[name]}; {text}" if name in found else text
    return found


def _scores(comparison: Comparison) -> Table:
    rows = []
    for name, one in comparison.metrics.items():
        interval = "" if one.ci95 is None else " to ".join(map(points, one.ci95))
        mark = " *" if name == comparison.headline else ""
        rows.append([name + mark, percent(one.a), percent(one.b), points(one.difference), interval, chance(one.p)])
    sessions = counted(comparison.sessions, "session")
    title = f"Scores in %, {comparison.parsing} parsing: means over {sessions} (* = metrics.headline)"
    return Table("scores", title, ["", "A", "B", "B - A", "95 % interval", "p"], rows)


def _sessions(comparison: Comparison) -> Table:
    rows = [
        [name, f"{one.events:,}", percent(a), percent(b), points(b - a)]
        for name, one in comparison.by_session.items()
        for a, b in [(one.a[comparison.headline], one.b[comparison.headline])]
    ]
    return Table("sessions", f"{comparison.headline} in % by session", ["", "events", "A", "B", "B - A"], rows)


def _outcomes(comparison: Comparison) -> Table:
    rows = [[name, f"{count:,}", percent(count / comparison.events)] for name, count in comparison.outcomes.items() if count]
    return Table("outcomes", f"What both runs scored: {counted(comparison.events, 'event')}", ["", "events", "%"], rows)


def _missed(comparison: Comparison) -> Table:
    rows = [
        [cause_name(cause), f"{missed.a:,}", f"{missed.b:,}"]
        for cause, missed in comparison.missed_by_cause.items()
        if missed.a or missed.b
    ]
    return Table("missed", "Missed events, by cause", ["", "A", "B"], rows)


def _activities(comparison: Comparison) -> Table:
    changed = [one for one in comparison.by_activity if one.gained or one.lost]
    changed.sort(key=lambda one: (-abs(one.gained - one.lost), -one.gained - one.lost))
    rows = [
        [
            activity_name(one.activity, one.name),
            *(f"{count:,}" for count in (one.events, one.a_right, one.b_right, one.gained, one.lost)),
        ]
        for one in changed
    ]
    columns = ["", "events", "A right", "B right", "B gains", "B loses"]
    return Table("activities", "Events by gold activity, where one run alone is right", columns, rows)


def _changes(pairing: Pairing) -> Table:
    """The most frequent combinations of gold and predictions among the differing events."""
    counts = Counter(tuple(_words(event, pairing)) for event in pairing.events if event.differs)
    rows = [[*words, f"{count:,}"] for words, count in counts.most_common(CHANGES)]
    return Table("changes", "Most frequent differences", ["gold", "A", "B", "events"], rows)


def _differing(pairing: Pairing) -> Table:
    differing = [event for event in pairing.events if event.differs]
    differing.sort(key=lambda event: event.right[0] == event.right[1])
    rows = [
        [event.session, str(event.id), event.time, event.text, *_words(event, pairing), event.outcome] for event in differing
    ]
    columns = ["session", "id", "time", "event", "gold", "A", "B", "outcome"]
    return Table("events", f"{counted(len(rows), 'event')} that the runs answer differently", columns, rows)


def _words(event: PairedEvent, pairing: Pairing) -> list[str]:
    """Gold, and the predictions of A and B, in words."""
    gold = ", ".join(activity_name(number, pairing.activities[number]) for number in event.gold)
    return [gold, *(prediction_name(one.activity, one.missed, pairing.activities) for one in (event.a, event.b))]
