"""Summarises a finished run in words and tables, for the terminal and for report.md. Imports no scoring library."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from har_llm.common.numbers import counted, percent
from har_llm.common.tables import ABSENT, Table
from har_llm.data.describe import Description
from har_llm.runs.directory import EVENTS_CSV, SEGMENTS_CSV, RunResult
from har_llm.runs.facts import Facts, described, facts, label
from har_llm.runs.result import Metrics, RunAdapter, Sample
from har_llm.scoring.metrics import ClassScores, Confusion, Scores
from har_llm.scoring.names import METRICS, activity_name, cause_name
from har_llm.scoring.prediction import CAUSES
from har_llm.scoring.residents import ResidentScores

LEFT_OUT = {
    "omitted": "the answer leaves the event out, and no reasoning mentions any event",
    "forgotten": "the answer leaves the event out, and the reasoning mentions other events only",
    "unreported": "the answer leaves the event out, though the reasoning mentions it",
}
"""What causes mean whose names do not say it."""
FEW_SESSIONS = 5
CONFUSIONS = 5
EVENTS_AROUND = 10


@dataclass(frozen=True)
class Summary:
    """The summary of a run. Its texts may come from models and data, so they are untrusted."""

    name: str
    """The run directory's name."""
    title: str
    """The run and its headline score, in one line."""
    label: str
    """What is synthetic or partial about it; may be empty."""
    facts: Facts
    scored: bool
    """Whether it has scores: whether any of its events is labelled and scored."""
    scores: Sequence[Table]
    missed: Table | None
    """By cause; None when no scored event is missed."""
    activities: Table | None
    """Weakest first; None without scores."""
    confusions: Table | None
    """The most frequent ones; None when nothing is confused."""
    notes: Sequence[str]
    sample: Sample
    parsing: str


def summarise(run: RunResult, *, headline: str, parsing: str) -> Summary:
    """The summary of a finished run, or of one whose directory is about to be written."""
    metrics = run.metrics
    scores = metrics.parsed(parsing).all
    return Summary(
        name=run.folder.name,
        title=_title(metrics, headline, parsing),
        label=label(metrics),
        facts=facts(run),
        scored=metrics.has_scores,
        scores=list(_score_tables(metrics, headline, parsing)),
        missed=_missed(scores),
        activities=_activities(scores.per_class) if metrics.has_scores else None,
        confusions=_confusions(scores.confusion, metrics.activities),
        notes=[*_notes(run), *_other_parsing(metrics, parsing)],
        sample=run.sample,
        parsing=parsing,
    )


def _title(metrics: Metrics, headline: str, parsing: str) -> str:
    if not metrics.has_scores:
        return f"{described(metrics)}: no scores, because none of its events is labelled and scored"
    mean = metrics.headline(headline, parsing)
    spread = f", std {percent(mean.std)}" if mean.std is not None else ""
    return (
        f"{described(metrics)}: {headline} {percent(mean.mean) or ABSENT} %{spread}, "
        f"over {counted(mean.sessions, 'session')}"
    )


def _score_tables(metrics: Metrics, headline: str, parsing: str) -> Iterator[Table]:
    if not metrics.has_scores:
        return
    parsed = metrics.parsed(parsing)
    for variant, scores in parsed.variants.items():
        if variant != "all" and parsed.unscored_events:
            continue
        which = "" if variant == "all" else ", without the null class"
        rows, count = [], scores.mean[headline].sessions
        for name in METRICS:
            mean = scores.mean[name]
            interval = "" if mean.ci95 is None else " to ".join(map(percent, mean.ci95))
            mark = " *" if name == headline else ""
            rows.append([name + mark, percent(mean.mean), percent(mean.std), interval, percent(scores.pooled.score(name))])
        yield Table(
            "scores",
            f"Scores in %{which}, {parsing} parsing: over {counted(count, 'session')}, and pooled (* = metrics.headline)",
            ["", "mean", "std", "95 % interval", "pooled"],
            rows,
        )
    if parsed.residents is not None:
        yield _residents(parsed.residents, parsing)


def _residents(scores: ResidentScores, parsing: str) -> Table:
    rows = [
        [name, percent(one.mean), percent(one.std)]
        for name, one in (
            ("right", scores.right),
            ("an answer with one person a window", scores.one_person),
            ("no resident named", scores.unanswered),
        )
    ]
    return Table(
        "residents",
        f"Who caused the events, in % of the {scores.events:,} whose residents are known, {parsing} parsing: over sessions",
        ["", "mean", "std"],
        rows,
        ["In each window, the numbers of the answer are matched with the residents so that most events come out right."],
    )


def _missed(scores: Scores) -> Table | None:
    pooled, spread = scores.pooled, scores.missed_by_cause
    rows = [
        [cause_name(cause), f"{share * pooled.events:.0f}", percent(spread[cause].mean), percent(spread[cause].std)]
        for cause in CAUSES
        if (share := pooled.missed_by_cause[cause])
    ]
    told = [f"{cause}: {words}." for cause, words in LEFT_OUT.items() if pooled.missed_by_cause[cause]]
    return Table("missed", "Missed events, by cause", ["", "events", "mean %", "std"], rows, told) if rows else None


def _activities(per_class: Sequence[ClassScores]) -> Table:
    """The activities that occur or are predicted: weakest first; of equals, the most frequent first."""
    occurring = [one for one in per_class if one.support or one.predicted]
    rows = [
        [
            activity_name(one.activity, one.name),
            f"{one.support:,}",
            f"{one.predicted:,}",
            *(percent(score) for score in (one.precision, one.recall, one.f1)),
        ]
        for one in sorted(occurring, key=lambda one: (one.f1, -one.support))
    ]
    columns = ["", "events", "predicted", "precision", "recall", "F1"]
    return Table("activities", "Activities over all events, in %, the weakest first", columns, rows)


class Confused(NamedTuple):
    """How often an activity is taken for another one."""

    gold: int
    predicted: int
    events: int
    of: int
    """Number of events whose gold it is."""


def confused(confusion: Confusion) -> list[Confused]:
    """The most frequent first."""
    numbers = confusion.activities
    wrong = [
        Confused(gold, said, count, sum(row))
        for gold, row in zip(numbers, confusion.matrix, strict=True)
        for said, count in zip(numbers, row, strict=False)  # the last column is that of missed events
        if count and gold != said
    ]
    return sorted(wrong, key=lambda one: -one.events)


def _confusions(confusion: Confusion, names: Mapping[int, str]) -> Table | None:
    rows = [
        [activity_name(one.gold, names[one.gold]), activity_name(one.predicted, names[one.predicted]), f"{one.events:,}",
         percent(one.events / one.of)]
        for one in confused(confusion)[:CONFUSIONS]
    ]  # fmt: skip
    columns = ["gold", "predicted", "events", "% of gold"]
    return Table("confusions", "Most frequent confusions", columns, rows) if rows else None


def _notes(run: RunResult) -> Iterator[str]:
    metrics, environment, data = run.metrics, run.environment, run.data.description
    if not metrics.has_scores:
        yield f"The predicted activities are in {EVENTS_CSV} and {SEGMENTS_CSV}; task=predict shows them."
    elif metrics.sessions < FEW_SESSIONS:
        yield f"Only {counted(metrics.sessions, 'session')}: too few for a reliable standard deviation or interval."
    if unscored := metrics.strict.unscored_events:
        yield f"{counted(unscored, 'event')} shown to the model and not scored (dataset.null_class)."
    if unlabelled := metrics.strict.unlabelled_events:
        yield f"{counted(unlabelled, 'event')} without a gold activity (unlabelled): shown to the model and not scored."
    for reason, count in metrics.excluded_events.items():
        yield f"{counted(count, 'event')} excluded: {reason}."
    if data.repairs:
        found = counted(sum(data.repairs.values()), "place")
        yield (
            f"{found} repaired or noticed in the whole dataset, of which this run uses a part: task=describe counts them by "
            f"kind, data.json lists them."
        )
    yield from dropped(data)
    if metrics.seed and metrics.choices.generation.get("temperature") == 0 and _is_as_it_was(metrics.adapter):
        yield f"seed={metrics.seed} changes nothing: at model.sampling.temperature=0 every seed gives the same generations."
    ends = environment.finish_reasons
    made = counted(sum(ends.values()), "generation")
    if cut := ends.get("length", 0):
        most = metrics.choices.generation.get("max_new_tokens")
        yield (
            f"{cut} of {made} cut by model.sampling.max_new_tokens{'' if most is None else f' ({most:,})'} or the model's "
            f"context; of a text that was cut, only the list counts in which or at whose end it was cut."
        )
    if ran_on := environment.ran_on:
        yield (
            f"{ran_on} of {made} ran on past the events of their window, in a list without an end; "
            f"what they say of the window counts in the lenient parsing only."
        )
    if (unclosed := environment.unclosed_reasoning) == sum(ends.values()) and metrics.choices.generation.get("thinking"):
        yield (
            f"None of the generations ({unclosed}) ends its reasoning, so every event is missed; if the model does not "
            f"reason, set model.thinking=false."
        )
    if len(environment.generated_by) > 1:
        yield "The generations of this run were made by different engines, versions or machines (see environment.json)."


def dropped(data: Description) -> Iterator[str]:
    """What the dataset leaves out, and why."""
    for reason, count in data.dropped_events.items():
        yield f"{counted(count, 'event')} of the whole dataset left out: {reason}."


def _is_as_it_was(adapter: RunAdapter | None) -> bool:
    """Whether no adapter was trained for the run: its teacher's generations may depend on the seed."""
    return adapter is None or adapter.distillation is None


def _other_parsing(metrics: Metrics, parsing: str) -> Iterator[str]:
    other = "lenient" if parsing == "strict" else "strict"
    here, there = (metrics.headline("missed", name).mean for name in (parsing, other))
    if here is not None and there is not None and abs(here - there) > 0.005:
        yield f"The {other} parsing misses {percent(there)} % instead of {percent(here)} % (metrics.parsing)."


def sample_title(sample: Sample) -> str:
    event = sample.window[sample.event]
    return f"Sample: event {event.id} of {sample.session}, {event.time} {event.event}"


def window_lines(sample: Sample) -> list[str]:
    """The events around the sample's event, which is marked with >."""
    first = max(0, sample.event - EVENTS_AROUND)
    lines = [
        f"{'>' if number == sample.event else ' '} {event.id:>4}  {event.time}  {event.event}"
        for number, event in enumerate(sample.window[first : sample.event + EVENTS_AROUND + 1], first)
    ]
    left = len(sample.window) - len(lines)
    return [*lines, f"[{counted(left, 'more event')} of this window]"] if left else lines


def shortened(text: str, characters: int, lines: int | None = None) -> str:
    """The beginning of a text, with [...] where it is cut; "(none)" for an empty one."""
    whole = text.strip()
    kept = "\n".join(whole.splitlines()[:lines])[:characters]
    return f"{kept}\n[...]" if len(kept) < len("\n".join(whole.splitlines())) else kept or "(none)"
