"""A random forest over what a window shows of an event. scikit-learn is imported when it is trained."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from har_llm.common.errors import ConfigError
from har_llm.data.records import Window
from har_llm.models.baselines.base import Given, Predictor, SupervisedConfig

AROUND = (-2, -1, 1, 2)
"""The events beside an event, by their distance, whose texts are features of it."""
Features = dict[str, float]


@dataclass(kw_only=True)
class RandomForest(SupervisedConfig):
    """Decision trees over an event's text, those around it, the texts of its window, the hour and its place."""

    seeded: ClassVar[bool] = True
    most_events: ClassVar[int | None] = 10_000
    libraries: ClassVar[Sequence[str]] = ("scikit-learn",)

    name: str = "random_forest"
    n_estimators: int = 500
    """Number of trees."""

    def check(self) -> None:
        super().check()
        if self.n_estimators < 1:
            raise ConfigError(f"model.n_estimators is {self.n_estimators}; it must be at least 1.")

    def fit(self, given: Given) -> Predictor:
        import numpy as np
        from sklearn.ensemble import RandomForestClassifier
        from sklearn.feature_extraction import DictVectorizer

        examples, labels = [], []
        for window in given.windows:
            for event, features in zip(window.events, _features(window), strict=True):
                for number in given.gold(event.activities):
                    examples.append(features)
                    labels.append(number)
        # Dense, because trees grow faster so.
        numbers = DictVectorizer(sparse=False, dtype=np.float32)
        forest = RandomForestClassifier(self.n_estimators, random_state=given.seed % 2**32, n_jobs=-1)
        forest.fit(numbers.fit_transform(examples), labels)

        def predict(windows: Sequence[Window]) -> list[list[int]]:
            asked = [features for window in windows for features in _features(window)]
            answers = iter(forest.predict(numbers.transform(asked)).tolist())
            return [[next(answers) for _ in window.events] for window in windows]

        return predict


def _features(window: Window) -> Iterator[Features]:
    """The features of each event of a window, by name; nothing outside the window is one."""
    texts = [event.text for event in window.events]
    counts = {f"window {text}": float(count) for text, count in Counter(texts).items()}
    for place, event in enumerate(window.events):
        beside = {f"{at:+} {texts[place + at]}": 1.0 for at in AROUND if 0 <= place + at < len(texts)}
        yield {f"is {event.text}": 1.0, **beside, **counts, "hour": float(event.time[:2]), "place": float(place)}
