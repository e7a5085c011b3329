"""Reasoning samples of a finished run: errors first, then right answers, both spread over the gold activities."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, zip_longest
from typing import Any, NamedTuple

from har_llm.results import RunResult
from har_llm.text import visible

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
"""Characters of a reasoning or an answer; the whole texts are in the artifact of the generations."""
ERRORS_OF = 2, 3
"""At most two of three rows are errors where there are right answers to show, too."""


class Place(NamedTuple):
    """An event, by what finds it again, and what it is chosen by."""

    session: str
    id: int
    window: int
    gold: int
    right: bool


def sample_rows(result: RunResult, most: int, reading: str) -> list[list[Any]]:
    """Rows of the table, in the order of COLUMNS. The files are read twice, so that only what is chosen is in memory."""
    if most == 0:
        return []
    chosen = choose(_places(result, reading), most)
    wanted = {(place.session, place.window) for place in chosen}
    events: dict[tuple[str, int], list[Mapping[str, Any]]] = {place: [] for place in wanted}
    for row in result.predictions():
        if (place := (row["session"], row.get("window"))) in wanted:
            events[place].append(row)
    texts = {
        (window["session"], window["window"]): window["texts"]
        for window in result.windows()
        if (window["session"], window["window"]) in wanted
    }
    names = {int(number): name for number, name in result.metrics["activities"].items()}
    return [
        _row(place, events[place.session, place.window], texts[place.session, place.window], names, reading)
        for place in chosen
    ]


def _places(result: RunResult, reading: str) -> Iterable[Place]:
    for row in result.predictions():
        if row["scored"]:
            right = row[reading]["activity"] in row["gold"]
            yield Place(row["session"], row["id"], row["window"], row["gold"][0] if row["gold"] else 0, right)


def choose(places: Iterable[Place], most: int) -> list[Place]:
    """At most so many: errors, then right answers."""
    errors: list[Place] = []
    right: list[Place] = []
    for place in places:
        (right if place.right else errors).append(place)
    share, of = ERRORS_OF
    shown = spread(errors, max(most * share // of, most - len(right)))
    return [*shown, *spread(right, most - len(shown))]


def spread(places: Sequence[Place], most: int) -> list[Place]:
    """As evenly over the gold activities as can be; which of an activity is by chance, and the same each time."""
    by_gold: dict[int, list[Place]] = {}
    for place in sorted(places, key=_chance):
        by_gold.setdefault(place.gold, []).append(place)
    rounds = zip_longest(*(by_gold[gold] for gold in sorted(by_gold)))
    return [place for place in chain.from_iterable(rounds) if place is not None][:most]


def _chance(place: Place) -> str:
    return hashlib.sha256(f"{place.session}/{place.id}".encode("utf-8", "surrogatepass")).hexdigest()


def _row(
    place: Place,
    window: Sequence[Mapping[str, Any]],
    texts: Sequence[Mapping[str, Any]],
    names: Mapping[int, str],
    reading: str,
) -> list[Any]:
    row = next(row for row in window if row["id"] == place.id)
    said = texts[_said(row, reading)]
    lines = [
        f"{'>' if one['id'] == place.id else ' '} {one['shown_id']}  {one['time']}  {one['event']}"
        for one in window
        if "shown_id" in one
    ]
    cells = [
        row["event"],
        "\n".join(lines),
        ", ".join(f"{number}. {names[number]}" for number in row["gold"]),
        predicted(row[reading], names),
        shortened(said["reasoning"]),
        shortened(said["answer"] or ""),  # null where the reasoning was never closed
        place.right,
        f"{row['session']} event {row['id']}",
        row["time"],
        said["finish_reason"],
        said["generation"],
        row.get("provenance", ""),
    ]
    return [visible(cell) if isinstance(cell, str) else cell for cell in cells]


def _said(row: Mapping[str, Any], reading: str) -> int:
    """Of several texts, the first that says what they were made into."""
    samples = row.get("samples", [])
    return next((place for place, sample in enumerate(samples) if sample[reading] == row[reading]), 0)


def predicted(prediction: Mapping[str, Any], names: Mapping[int, str]) -> str:
    number = prediction["activity"]
    return f"missed ({prediction['missed'].replace('_', ' ')})" if number is None else f"{number}. {names[number]}"


def shortened(text: str) -> str:
    """Its beginning and its end, where most of what matters is."""
    if len(text) <= LONGEST:
        return text
    half = LONGEST // 2
    return f"{text[:half]}\n[... {len(text) - 2 * half:,} characters left out ...]\n{text[-half:]}"
