"""What a comparison of two runs, A and B, says: numbers ready for JSON, the same as tables, and sentences about them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from har_llm.common.numbers import counted, percent, points
from har_llm.common.tables import Table
from har_llm.report.compare import notes as comparison_notes
from har_llm.report.compare.pairing import PairedEvent, Pairing
from har_llm.runs.directory import RunResult
from har_llm.runs.facts import facts, label
from har_llm.scoring import significance
from har_llm.scoring.names import METRICS, activity_name, cause_name, prediction_name
from har_llm.scoring.parsing import CAUSES

CHANGES = 10
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


@dataclass(frozen=True)
class Comparison:
    """Text in here may come from models and data: untrusted."""

    title: str
    label: str
    """What is synthetic or partial about the runs; may be empty."""
    runs: Table
    """What the runs are, where they differ in it."""
    verdict: str
    scores: Table
    tables: Sequence[Table]
    """Sessions, outcomes, missed, activities, changes; those that have anything to say."""
    differing: Table
    """Every event that the runs answer differently: first those that one of them has right."""
    notes: Sequence[str]
    content: Mapping[str, Any]
    """For comparison.json."""


def build(pairing: Pairing, headline: str) -> Comparison:
    found = significance.compare(*pairing.scores, METRICS)
    content = {
        "label": _label(pairing),
        "a": pairing.a.folder.name,
        "b": pairing.b.folder.name,
        "parsing": pairing.parsing,
        "headline": headline,
        "events": len(pairing.events),
        "events_left_out": {"a": pairing.left_out[0], "b": pairing.left_out[1]},
        **found,
        "by_session": _by_session(pairing),
        "outcomes": _outcomes(pairing.events),
        "missed_by_cause": _missed_by_cause(pairing.events),
        "by_activity": _by_activity(pairing),
        "events_that_differ": sum(event.differs for event in pairing.events),
    }
    content["verdict"] = comparison_notes.verdict(content)
    content["notes"] = comparison_notes.notes(pairing, content)
    tables = [
        _sessions(content),
        _outcome_table(content),
        _missed_table(content),
        _activity_table(content),
        _changes(pairing),
    ]
    return Comparison(
        title=f"A: {pairing.a.folder.name}\nB: {pairing.b.folder.name}",
        label=content["label"],
        runs=_runs(pairing),
        verdict=content["verdict"],
        scores=_scores(content),
        tables=[table for table in tables if table.rows],
        differing=_differing(pairing),
        notes=content["notes"],
        content=content,
    )


def _label(pairing: Pairing) -> str:
    labels = [label(run.metrics) for run in (pairing.a, pairing.b)]
    if labels[0] == labels[1]:
        return f"A and B: {labels[0]}" if labels[0] else ""
    return "; ".join(f"{name}: {text}" for name, text in zip("AB", labels, strict=True) if text)


def _by_session(pairing: Pairing) -> dict[str, dict[str, Any]]:
    events = Counter(event.session for event in pairing.events)
    a, b = pairing.scores
    return {name: {"events": events[name], "a": a[name], "b": b[name]} for name in sorted(a)}


def _outcomes(events: Sequence[PairedEvent]) -> dict[str, int]:
    counts = Counter(_outcome(event) for event in events)
    return {name: counts[name] for name in OUTCOMES}


def _outcome(event: PairedEvent) -> str:
    rights = {(True, True): "both right", (True, False): "only A right", (False, True): "only B right"}
    if any(event.right):
        return rights[event.right]
    misses = {(True, True): "both missed", (True, False): "A missed, B wrong", (False, True): "A wrong, B missed"}
    missed = (event.a.activity is None, event.b.activity is None)
    if any(missed):
        return misses[missed]
    return "both wrong, different activities" if event.differs else "both wrong, the same activity"


def _missed_by_cause(events: Sequence[PairedEvent]) -> dict[str, dict[str, int]]:
    a, b = Counter(event.a.missed for event in events), Counter(event.b.missed for event in events)
    return {cause: {"a": a[cause], "b": b[cause]} for cause in CAUSES}


def _by_activity(pairing: Pairing) -> list[dict[str, Any]]:
    """Each event under the first of its gold activities."""
    groups: dict[int, list[tuple[bool, bool]]] = {}
    for event in pairing.events:
        groups.setdefault(event.gold[0], []).append(event.right)
    return [
        {
            "activity": number,
            "name": pairing.activities[number],
            "events": len(rights),
            "a_right": sum(a for a, _ in rights),
            "b_right": sum(b for _, b in rights),
            "gained": rights.count((False, True)),
            "lost": rights.count((True, False)),
        }
        for number, rights in sorted(groups.items())
    ]


def _runs(pairing: Pairing) -> Table:
    a, b = (_facts(run) for run in (pairing.a, pairing.b))
    rows = [[name, a.get(name, "none"), b.get(name, "none")] for name in {**a, **b} if a.get(name) != b.get(name)]
    return Table("runs", "What the runs differ in", ["", "A", "B"], rows)


def _facts(run: RunResult) -> dict[str, str]:
    """By name; a run may have several engines."""
    found: dict[str, str] = {}
    for name, text in facts(run):
        found[name] = f"{found[name]}; {text}" if name in found else text
    return found


def _scores(content: Mapping[str, Any]) -> Table:
    rows = []
    for name, one in content["metrics"].items():
        interval = "" if one["ci95"] is None else " to ".join(map(points, one["ci95"]))
        difference, p = points(one["difference"]), comparison_notes.chance(one["p"])
        mark = " *" if name == content["headline"] else ""
        rows.append([name + mark, percent(one["a"]), percent(one["b"]), difference, interval, p])
    sessions = counted(content["sessions"], "session")
    title = f"Scores in %, {content['parsing']} parsing: means over {sessions} (* = metrics.headline)"
    return Table("scores", title, ["", "A", "B", "B - A", "95 % interval", "p"], rows)


def _sessions(content: Mapping[str, Any]) -> Table:
    headline = content["headline"]
    rows = [
        [name, f"{one['events']:,}", percent(a), percent(b), points(b - a)]
        for name, one in content["by_session"].items()
        for a, b in [(one["a"][headline], one["b"][headline])]
    ]
    return Table("sessions", f"{headline} in % by session", ["", "events", "A", "B", "B - A"], rows)


def _outcome_table(content: Mapping[str, Any]) -> Table:
    rows = [[name, f"{count:,}", percent(count / content["events"])] for name, count in content["outcomes"].items() if count]
    return Table("outcomes", f"The {content['events']:,} events that both runs scored", ["", "events", "%"], rows)


def _missed_table(content: Mapping[str, Any]) -> Table:
    rows = [
        [cause_name(cause), f"{one['a']:,}", f"{one['b']:,}"]
        for cause, one in content["missed_by_cause"].items()
        if one["a"] or one["b"]
    ]
    return Table("missed", "Missed events, by cause", ["", "A", "B"], rows)


def _activity_table(content: Mapping[str, Any]) -> Table:
    changed = [one for one in content["by_activity"] if one["gained"] or one["lost"]]
    changed.sort(key=lambda one: (-abs(one["gained"] - one["lost"]), -one["gained"] - one["lost"]))
    rows = [
        [
            activity_name(one["activity"], one["name"]),
            *(f"{one[name]:,}" for name in ("events", "a_right", "b_right", "gained", "lost")),
        ]
        for one in changed
    ]
    columns = ["", "events", "A right", "B right", "B gains", "B loses"]
    return Table("activities", "Events by gold activity, where one run alone is right", columns, rows)


def _changes(pairing: Pairing) -> Table:
    """The differing events again, counted by what is said of them."""
    counts = Counter(tuple(_words(event, pairing)) for event in pairing.events if event.differs)
    rows = [[*words, f"{count:,}"] for words, count in counts.most_common(CHANGES)]
    return Table("changes", "Most frequent differences", ["gold", "A", "B", "events"], rows)


def _differing(pairing: Pairing) -> Table:
    differing = [event for event in pairing.events if event.differs]
    differing.sort(key=lambda event: event.right[0] == event.right[1])
    rows = [
        [event.session, str(event.id), event.time, event.text, *_words(event, pairing), _outcome(event)]
        for event in differing
    ]
    columns = ["session", "id", "time", "event", "gold", "A", "B", "outcome"]
    return Table("events", f"{len(rows):,} events that the runs answer differently", columns, rows)


def _words(event: PairedEvent, pairing: Pairing) -> list[str]:
    """Gold, and what A and B say."""
    gold = ", ".join(activity_name(number, pairing.activities[number]) for number in event.gold)
    return [gold, *(prediction_name(one.activity, one.missed, pairing.activities) for one in (event.a, event.b))]
