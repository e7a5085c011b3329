"""A finished run in few words and tables, the same for a terminal and for report.md. Imports no scoring library."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from har_llm.common.numbers import counted, percent
from har_llm.common.tables import ABSENT, Table
from har_llm.runs.facts import Facts, facts, label
from har_llm.scoring.metrics import METRICS
from har_llm.scoring.names import activity_name, cause_name
from har_llm.scoring.parsing import CAUSES

FEW_SESSIONS = 5
CONFUSIONS = 5
EVENTS_AROUND = 10


@dataclass(frozen=True)
class Summary:
    """Text in here may come from models and data: untrusted."""

    name: str
    """The run directory's."""
    title: str
    """The run and its headline score, in one line."""
    label: str
    """What is synthetic or partial about it; may be empty."""
    facts: Facts
    scores: Sequence[Table]
    missed: Table | None
    """By cause; None when nothing is missed."""
    activities: Table
    """Weakest first."""
    confusions: Table | None
    """The most frequent ones; None when nothing is confused."""
    notes: Sequence[str]
    sample: Mapping[str, Any]
    parsing: str


def summarise(
    name: str,
    scores: Mapping[str, Any],
    environment: Mapping[str, Any],
    data: Mapping[str, Any],
    sample: Mapping[str, Any],
    *,
    headline: str,
    parsing: str,
) -> Summary:
    """From what a run directory holds: metrics.json, environment.json, data.json, sample.json."""
    read = scores[parsing]["all"]
    return Summary(
        name=name,
        title=_title(scores, headline, parsing),
        label=label(scores),
        facts=facts(scores, environment),
        scores=list(_score_tables(scores, headline, parsing)),
        missed=_missed(read),
        activities=_activities(read["per_class"]),
        confusions=_confusions(read["confusion"], scores["activities"]),
        notes=[*_notes(scores, data, environment), *_other_parsing(scores, parsing)],
        sample=sample,
        parsing=parsing,
    )


def _title(scores: Mapping[str, Any], headline: str, parsing: str) -> str:
    adapter = f" with {scores['adapter']['label']}" if scores["adapter"] else ""
    mean = scores[parsing]["all"]["mean"][headline]
    score = percent(mean["mean"]) or ABSENT
    spread = f", std {percent(mean['std'])}" if mean["std"] is not None else ""
    return (
        f"{scores['model']}{adapter} on {scores['dataset']} ({scores['part']} part): {headline} {score} %"
        f"{spread}, over {counted(mean['sessions'], 'session')}"
    )


def _score_tables(scores: Mapping[str, Any], headline: str, parsing: str) -> Iterator[Table]:
    for variant, which in (("all", ""), ("without_null_class", ", without the null class")):
        if variant not in scores[parsing] or (variant != "all" and scores[parsing].get("unscored_events")):
            continue
        means, pooled = scores[parsing][variant]["mean"], scores[parsing][variant]["pooled"]
        rows, count = [], means[headline]["sessions"]
        for name in METRICS:
            mean = means[name]
            interval = "" if mean["ci95"] is None else " to ".join(map(percent, mean["ci95"]))
            mark = " *" if name == headline else ""
            rows.append([name + mark, percent(mean["mean"]), percent(mean["std"]), interval, percent(pooled[name])])
        yield Table(
            "scores",
            f"Scores in %{which}, {parsing} parsing: over {counted(count, 'session')}, and pooled (* = metrics.headline)",
            ["", "mean", "std", "95 % interval", "pooled"],
            rows,
        )


def _missed(read: Mapping[str, Any]) -> Table | None:
    pooled, events = read["pooled"]["missed_by_cause"], read["pooled"]["events"]
    rows = [
        [cause_name(cause), f"{pooled[cause] * events:.0f}", *(percent(share[name]) for name in ("mean", "std"))]
        for cause in CAUSES
        if pooled[cause] and (share := read["missed_by_cause"][cause])
    ]
    return Table("missed", "Missed events, by cause", ["", "events", "mean %", "std"], rows) if rows else None


def _activities(per_class: Sequence[Mapping[str, Any]]) -> Table:
    """Those that occur or are predicted. Weakest first; of equals, the most frequent."""
    occurring = [row for row in per_class if row["support"] or row["predicted"]]
    rows = [
        [
            activity_name(row["activity"], row["name"]),
            f"{row['support']:,}",
            f"{row['predicted']:,}",
            *(percent(row[score]) for score in ("precision", "recall", "f1")),
        ]
        for row in sorted(occurring, key=lambda row: (row["f1"], -row["support"]))
    ]
    columns = ["", "events", "predicted", "precision", "recall", "F1"]
    return Table("activities", "Activities over all events, in %, the weakest first", columns, rows)


def _confusions(confusion: Mapping[str, Any], names: Mapping[str, str]) -> Table | None:
    numbers = confusion["activities"]
    wrong = [
        (count, *(activity_name(number, names[str(number)]) for number in (gold, said)), sum(row))
        for gold, row in zip(numbers, confusion["matrix"], strict=True)
        for said, count in zip(numbers, row, strict=False)  # the last column is that of missed events
        if count and gold != said
    ]
    wrong.sort(key=lambda one: -one[0])
    rows = [[gold, said, f"{count:,}", percent(count / events)] for count, gold, said, events in wrong[:CONFUSIONS]]
    columns = ["gold", "predicted", "events", "% of gold"]
    return Table("confusions", "Most frequent confusions", columns, rows) if rows else None


def _notes(scores: Mapping[str, Any], data: Mapping[str, Any], environment: Mapping[str, Any]) -> Iterator[str]:
    if scores["sessions"] < FEW_SESSIONS:
        yield f"Only {counted(scores['sessions'], 'session')}: the spread over sessions says little."
    if unscored := scores["strict"]["unscored_events"]:
        yield f"{unscored} events are shown to the model and not scored (dataset.null_class)."
    for reason, count in scores["excluded_events"].items():
        yield f"{count} events are excluded: {reason}."
    for kind, count in data.get("repairs", {}).items():
        yield f"Repaired while reading the data: {count} x {kind} (data.json lists them)."
    for reason, count in data.get("dropped_events", {}).items():
        yield f"{count} events are left out by the settings: {reason}."
    ends = environment["finish_reasons"]
    if cut := ends.get("length", 0):
        yield f"{cut} of {sum(ends.values())} texts were cut by model.sampling.max_new_tokens or the model's context."
    if len(environment["generated_by"]) > 1:
        yield "The texts of this run were made by different engines, versions or machines (see environment.json)."


def _other_parsing(scores: Mapping[str, Any], parsing: str) -> Iterator[str]:
    other = "lenient" if parsing == "strict" else "strict"
    missed = [scores[name]["all"]["mean"]["missed"]["mean"] for name in (parsing, other)]
    if missed[0] is not None and abs(missed[0] - missed[1]) > 0.005:
        yield f"The {other} parsing misses {percent(missed[1])} % instead of {percent(missed[0])} % (metrics.parsing)."


def sample_title(sample: Mapping[str, Any]) -> str:
    event = sample["window"][sample["event"]]
    return f"Sample: event {event['id']} of {sample['session']}, {event['time']} {event['event']}"


def window_lines(sample: Mapping[str, Any]) -> list[str]:
    """The events around the sample's own, which is marked."""
    place = sample["event"]
    first = max(0, place - EVENTS_AROUND)
    lines = [
        f"{'>' if number == place else ' '} {event['id']:>4}  {event['time']}  {event['event']}"
        for number, event in enumerate(sample["window"][first : place + EVENTS_AROUND + 1], first)
    ]
    left = len(sample["window"]) - len(lines)
    return [*lines, f"[{left} more events of this window]"] if left else lines


def shortened(text: str, characters: int, lines: int | None = None) -> str:
    """The text's beginning, marked where it is cut; "(none)" for none."""
    whole = text.strip()
    kept = "\n".join(whole.splitlines()[:lines])[:characters]
    return f"{kept}\n[...]" if len(kept) < len("\n".join(whole.splitlines())) else kept or "(none)"
