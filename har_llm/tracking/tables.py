"""The tables that W&B gets of a run: scores by session, activity and cause; the confusion matrix; reasoning samples.

A table is a list of rows, each by column, of numbers and plain text: W&B sorts and draws its numbers. Half of the reasoning
samples are of the same events in every run with these events, so that runs can be held against each other; the others are
errors. Both are spread over the gold activities.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, zip_longest
from typing import Any, NamedTuple

from har_llm.common.text import visible
from har_llm.runs.directory import RunResult
from har_llm.runs.result import Metrics, PredictionRow, WindowRow
from har_llm.scoring.names import METRICS, activity_name, cause_name, gold_names, prediction_name

LONGEST = 10_000
"""Most characters of a reasoning or an answer; the generations' artifact has them in full."""
MISSED = "missed"
Rows = list[dict[str, Any]]
"""Of a table, each by column; all have the same ones, in the same order."""
Events = Mapping[tuple[str, int], PredictionRow]
"""By session and event id."""


def run_tables(result: RunResult, samples: int) -> dict[str, Rows]:
    """By name, those that have rows. `samples`: most rows of reasoning samples. Raises MissingError.

    No name is that of a value of the summary, where W&B keeps tables too.
    """
    metrics = result.metrics
    tables = {
        "session_scores": _session_rows(metrics),
        "activity_scores": _activity_rows(metrics),
        "missed_by_cause": _missed_rows(metrics),
        "samples": sample_rows(result, samples, metrics.shown.parsing),
    }
    return {name: rows for name, rows in tables.items() if rows}


def _session_rows(metrics: Metrics) -> Rows:
    return [
        {"parsing": parsing, "variant": variant, "session": session, "events": measures.events}
        | {metric: measures.score(metric) for metric in METRICS}
        for parsing, variant, scores in metrics.all_scores()
        for session, measures in scores.sessions.items()
    ]


def _activity_rows(metrics: Metrics) -> Rows:
    measures = ("precision", "recall", "f1", "support", "predicted")
    return [
        {"parsing": parsing, "variant": variant, "activity": activity_name(one.activity, one.name)}
        | {measure: getattr(one, measure) for measure in measures}
        for parsing, variant, scores in metrics.all_scores()
        for one in scores.per_class
    ]


def _missed_rows(metrics: Metrics) -> Rows:
    return [
        {"parsing": parsing, "variant": variant, "cause": cause_name(cause)}
        | {"mean": share.mean, "std": share.std, "pooled": scores.pooled.missed_by_cause[cause]}
        for parsing, variant, scores in metrics.all_scores()
        for cause, share in scores.missed_by_cause.items()
    ]


def confusion_rows(metrics: Metrics) -> Rows:
    """Every pair of gold and predicted activity, also those without events, so that the chart has all rows and columns."""
    confusion = metrics.parsed(metrics.shown.parsing).all.confusion
    labels = [activity_name(number, metrics.activities[number]) for number in confusion.activities]
    return [
        {"Actual": gold, "Predicted": predicted, "nPredictions": count}
        for gold, counts in zip(labels, confusion.matrix, strict=True)
        for predicted, count in zip([*labels, MISSED], counts, strict=True)
    ]


class Place(NamedTuple):
    """Where an event is, and what it is chosen by."""

    session: str
    id: int
    window: int
    gold: int
    right: bool


def sample_rows(result: RunResult, most: int, parsing: str) -> Rows:
    """At most so many rows. Files are read twice, so that only the chosen rows are in memory."""
    if most == 0:
        return []
    common, more = choose(_places(result, parsing), most)
    chosen = [*common, *more]
    wanted = {(place.session, place.window) for place in chosen}
    windows = {key: row for row in result.windows() if (key := (row.session, row.window)) in wanted}
    events = _events_around(result, chosen, max((len(window.ids) for window in windows.values()), default=0))
    names = result.metrics.activities
    return [
        _sample_row(place, events, windows[place.session, place.window], names, parsing)
        | {"in_every_run": number < len(common)}
        for number, place in enumerate(chosen)
    ]


def _events_around(result: RunResult, places: Iterable[Place], most: int) -> Events:
    """The rows of these events and of all others that can be in the same window of `most` events."""
    near = {(place.session, place.id + by) for place in places for by in range(1 - most, most)}
    return {key: row for row in result.predictions() if (key := (row.session, row.id)) in near}


def _places(result: RunResult, parsing: str) -> Iterable[Place]:
    for row in result.predictions():
        if row.scored and row.window is not None:
            right = row.parsed(parsing).activity in row.gold
            yield Place(row.session, row.id, row.window, row.gold[0], right)


def choose(places: Iterable[Place], most: int) -> tuple[list[Place], list[Place]]:
    """At most `most` places: those that are chosen whatever is right, errors first; and further errors, then right ones."""
    found = [*places]
    common = sorted(spread(found, (most + 1) // 2), key=lambda place: place.right)
    known = {(place.session, place.id) for place in common}
    others = [place for place in found if (place.session, place.id) not in known]
    errors, right = ([place for place in others if place.right == whether] for whether in (False, True))
    more = spread(errors, most - len(common))
    return common, [*more, *spread(right, most - len(common) - len(more))]


def spread(places: Sequence[Place], most: int) -> list[Place]:
    """At most `most` places, as evenly over the gold activities as possible. Those of an activity are chosen at random, but
    always the same."""
    by_gold: dict[int, list[Place]] = {}
    for place in sorted(places, key=_chance):
        by_gold.setdefault(place.gold, []).append(place)
    rounds = zip_longest(*(by_gold[gold] for gold in sorted(by_gold)))
    return [place for place in chain.from_iterable(rounds) if place is not None][:most]


def _chance(place: Place) -> str:
    return hashlib.sha256(f"{place.session}/{place.id}".encode("utf-8", "surrogatepass")).hexdigest()


def _sample_row(place: Place, events: Events, window: WindowRow, names: Mapping[int, str], parsing: str) -> dict[str, Any]:
    row = events[place.session, place.id]
    prediction = row.parsed(parsing)
    generation = window.generations[_deciding(row, parsing)]
    cells = {
        "event": row.event,
        "window": _shown_window(place, events, window),
        "gold": ", ".join(gold_names(row.gold, names)),
        "predicted": prediction_name(prediction.activity, prediction.missed, names),
        "reasoning": without_middle(generation.reasoning),
        "answer": without_middle(generation.answer or ""),  # None if the reasoning was never closed
        "right": place.right,
        "session": f"{row.session} event {row.id}",
        "time": row.time,
        "finish_reason": generation.finish_reason,
        "generation": generation.key,
        "provenance": row.provenance.label or "",
    }
    return {name: visible(cell) if isinstance(cell, str) else cell for name, cell in cells.items()}


def _shown_window(place: Place, events: Events, window: WindowRow) -> str:
    """An event of the window in each line; the one at this place is marked."""
    # Found by the ids of this window: if windows overlap, a row's own shown_id may be that of another window.
    first = place.id - window.ids.index(events[place.session, place.id].shown_id)
    return "\n".join(
        f"{'>' if event.id == place.id else ' '} {shown_id}  {event.time}  {event.event}"
        for number, shown_id in enumerate(window.ids)
        for event in [events[place.session, first + number]]
    )


def _deciding(row: PredictionRow, parsing: str) -> int:
    """Which of several generations is shown: the first that agrees with the vote."""
    same = (place for place, sample in enumerate(row.samples) if sample.parsed(parsing) == row.parsed(parsing))
    return next(same, 0)


def without_middle(text: str) -> str:
    """The beginning and the end of a text, which matter most."""
    if len(text) <= LONGEST:
        return text
    half = LONGEST // 2
    return f"{text[:half]}\n[... {len(text) - 2 * half:,} characters left out ...]\n{text[-half:]}"
