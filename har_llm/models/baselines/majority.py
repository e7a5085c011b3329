"""The commonest activity of the training sessions: of all of their events, or of those with the same text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from har_llm.data.records import Window
from har_llm.models.baselines.base import Given, Predictor, SupervisedConfig


@dataclass(kw_only=True)
class Majority(SupervisedConfig):
    """Always the commonest activity."""

    name: str = "majority"

    def fit(self, given: Given) -> Predictor:
        return _looking_up({}, _commonest(_counts(given), given))


@dataclass(kw_only=True)
class SensorMajority(SupervisedConfig):
    """The commonest activity of the events with the same text; for a text that was never seen, the commonest of all."""

    name: str = "sensor_majority"

    def fit(self, given: Given) -> Predictor:
        by_text: dict[str, Counter[int]] = {}
        for session in given.sessions:
            for event in session.events:
                by_text.setdefault(event.text, Counter()).update(given.gold(event.activities))
        table = {text: _commonest(counts, given) for text, counts in by_text.items() if counts}
        return _looking_up(table, _commonest(_counts(given), given))


def _counts(given: Given) -> Counter[int]:
    return Counter(
        number for session in given.sessions for event in session.events for number in given.gold(event.activities)
    )


def _commonest(counts: Counter[int], given: Given) -> int:
    """Of equals, the one that came first; the first of the home where nothing is counted."""
    return counts.most_common(1)[0][0] if counts else given.answers[0]


def _looking_up(table: Mapping[str, int], otherwise: int) -> Predictor:
    def predict(windows: Sequence[Window]) -> list[list[int]]:
        return [[table.get(event.text, otherwise) for event in window.events] for window in windows]

    return predict
