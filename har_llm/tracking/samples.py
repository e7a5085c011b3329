"""Chooses reasoning samples of a finished run: errors first, then right answers, both spread over the gold activities."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, zip_longest
from typing import Any, NamedTuple

from har_llm.common.text import visible
from har_llm.runs.directory import RunResult
from har_llm.runs.result import PredictionRow, WindowRow
from har_llm.scoring.names import activity_name, prediction_name

COLUMNS = (
    "event",
    "window",
    "gold",
    "predicted",
    "reasoning",
    "answer",
    "right",
    "session",
    "time",
    "finish_reason",
    "generation",
    "provenance",
)
LONGEST = 10_000
"""Most characters of a reasoning or an answer; the generations' artifact has them in full."""
ERRORS_OF = 2, 3
"""At most two of three rows are errors, if there are enough right answers."""


Rows = Mapping[tuple[str, int], PredictionRow]
"""By session and event id."""


class Place(NamedTuple):
    """Where an event is, and what it is chosen by."""

    session: str
    id: int
    window: int
    gold: int
    right: bool


def sample_rows(result: RunResult, most: int, parsing: str) -> list[list[Any]]:
    """Rows of the table, in the order of COLUMNS. Files are read twice, so that only the chosen rows are in memory."""
    if most == 0:
        return []
    chosen = choose(_places(result, parsing), most)
    wanted = {(place.session, place.window) for place in chosen}
    windows = {key: row for row in result.windows() if (key := (row.session, row.window)) in wanted}
    rows = _rows_around(result, chosen, max((len(window.ids) for window in windows.values()), default=0))
    names = result.metrics.activities
    return [_row(place, rows, windows[place.session, place.window], names, parsing) for place in chosen]


def _rows_around(result: RunResult, places: Iterable[Place], events: int) -> Rows:
    """The rows of these events and of all others that can be in the same window of `events` events."""
    near = {(place.session, place.id + by) for place in places for by in range(1 - events, events)}
    return {key: row for row in result.predictions() if (key := (row.session, row.id)) in near}


def _places(result: RunResult, parsing: str) -> Iterable[Place]:
    for row in result.predictions():
        if row.scored and row.window is not None:
            right = row.parsed(parsing).activity in row.gold
            yield Place(row.session, row.id, row.window, row.gold[0] if row.gold else 0, right)


def choose(places: Iterable[Place], most: int) -> list[Place]:
    """At most `most` places: errors first, then right answers."""
    errors: list[Place] = []
    right: list[Place] = []
    for place in places:
        (right if place.right else errors).append(place)
    share, of = ERRORS_OF
    shown = spread(errors, max(most * share // of, most - len(right)))
    return [*shown, *spread(right, most - len(shown))]


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


def _row(place: Place, rows: Rows, window: WindowRow, names: Mapping[int, str], parsing: str) -> list[Any]:
    row = rows[place.session, place.id]
    prediction = row.parsed(parsing)
    generation = window.generations[_deciding(row, parsing)]
    # Found by the ids of this window: if windows overlap, a row's own shown_id may be that of another window.
    first = place.id - window.ids.index(row.shown_id)
    lines = [
        f"{'>' if one is row else ' '} {shown_id}  {one.time}  {one.event}"
        for number, shown_id in enumerate(window.ids)
        for one in [rows[place.session, first + number]]
    ]
    cells = [
        row.event,
        "\n".join(lines),
        ", ".join(activity_name(number, names[number]) for number in row.gold),
        prediction_name(prediction.activity, prediction.missed, names),
        shortened(generation.reasoning),
        shortened(generation.answer or ""),  # None if the reasoning was never closed
        place.right,
        f"{row.session} event {row.id}",
        row.time,
        generation.finish_reason,
        generation.key,
        row.provenance or "",
    ]
    return [visible(cell) if isinstance(cell, str) else cell for cell in cells]


def _deciding(row: PredictionRow, parsing: str) -> int:
    """Which of several generations is shown: the first that agrees with the vote."""
    same = (place for place, sample in enumerate(row.samples) if getattr(sample, parsing) == row.parsed(parsing))
    return next(same, 0)


def shortened(text: str) -> str:
    """The beginning and the end of a text, which matter most."""
    if len(text) <= LONGEST:
        return text
    half = LONGEST // 2
    return f"{text[:half]}\n[... {len(text) - 2 * half:,} characters left out ...]\n{text[-half:]}"
