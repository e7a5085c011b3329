"""Activities chosen by the words that they share with an event: it needs no label.

Tried on training sessions of MARBLE and of both simulated homes only: words against pieces of words, with and without the
home's rules, and with the words of the window in several weights, which made it better in none of these homes.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from har_llm.data.records import Home, Window
from har_llm.models.baselines.base import NO_LABELS, BaselineConfig, Given, Predictor

ENDINGS = ("ings", "ing", "ed", "es", "s", "e")
SHORTEST = 3
"""Letters that are left of a word at least when an ending is cut off: "cooking" is as "cooked", "thing" stays."""
SAYING_NOTHING = frozenset(
    "a after also an and at before between by can for from in into is it its may "  # noqa: SIM905
    "of on one only or that the this to was what while who whose with".split()
)


@dataclass(kw_only=True)
class Lexical(BaselineConfig):
    """The activity that shares most words with the event's text, in its name, its definition or a rule that names it.

    A word counts for less, the more activities have it. Of equals, the first in the home's order; an event that shares no
    word belongs to the null class, or in a home without one to the first activity.
    """

    mark: ClassVar[str] = NO_LABELS

    name: str = "lexical"

    def fit(self, given: Given) -> Predictor:
        home, answers = given.home, given.answers
        vectors = _vectors([Counter(_words(_told(home, number))) for number in answers])
        otherwise = next((number for number in answers if number in home.null_class), answers[0])
        known: dict[str, int] = {}

        def answer(text: str) -> int:
            said = _words(text)
            scores = [sum(vector.get(word, 0.0) for word in said) for vector in vectors]
            best = max(scores)
            return answers[scores.index(best)] if best else otherwise

        def predict(windows: Sequence[Window]) -> list[list[int]]:
            for text in {event.text for window in windows for event in window.events} - known.keys():
                known[text] = answer(text)
            return [[known[event.text] for event in window.events] for window in windows]

        return predict


def _told(home: Home, number: int) -> str:
    """All that the home says of an activity: its name, its definition, the parts of rules that have a word of its name."""
    name = set(_words(home.activities[number]))
    parts = [part for rule in home.rules for part in re.split("[;.]", rule) if name & {*_words(part)}]
    return " ".join([home.described(number), *parts])


def _words(text: str) -> list[str]:
    return [_stem(word) for word in re.findall(r"[^\W\d_]+", text.casefold()) if word not in SAYING_NOTHING]


def _stem(word: str) -> str:
    ends = (word.removesuffix(end) for end in ENDINGS if word.endswith(end))
    return next((stem for stem in ends if len(stem) >= SHORTEST), word)


def _vectors(counts: Sequence[Mapping[str, int]]) -> list[dict[str, float]]:
    """What each word says for each activity: its count there by its rarity, squared for both texts that are compared."""
    having = Counter(word for one in counts for word in one)
    rare = {word: math.log((1 + len(counts)) / (1 + number)) + 1 for word, number in having.items()}
    vectors = []
    for one in counts:
        length = math.sqrt(sum((count * rare[word]) ** 2 for word, count in one.items())) or 1.0
        vectors.append({word: count * rare[word] ** 2 / length for word, count in one.items()})
    return vectors
