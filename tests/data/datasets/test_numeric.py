"""Readings of numeric sensors as events."""

from __future__ import annotations

import re

import pytest

from har_llm.common.errors import ConfigError
from har_llm.data.datasets.numeric import Readings, Threshold, number, threshold_of


def test_a_reading_is_an_event_where_it_crosses_the_threshold() -> None:
    readings = Readings(Threshold(level=50, states=["FALLS", "RISES"]))
    assert [readings.crossed(one) for one in (49, 50, 80, 50, 49.9, 20, 51)] == [
        None,  # the first tells how things stand
        "RISES",
        None,
        None,
        "FALLS",
        None,
        "RISES",
    ]


@pytest.mark.parametrize(
    ("text", "value"),
    [("21.5", 21.5), ("-3", -3.0), ("+1.", 1.0), ("1.5E-4", 1.5e-4), ("1e999", None), ("nan", None), ("1_0", None),
     ("٣", None), ("", None), ("ON", None), ("21,5", None), ("0x1", None)],
)  # fmt: skip
def test_a_number_is_a_finite_decimal_one(text: str, value: float | None) -> None:
    assert number(text) == value


@pytest.mark.parametrize("level", [25, 25.0, "25"])
def test_a_threshold_is_a_number_and_two_words(level: object) -> None:
    assert threshold_of(level, ["FALLS", "RISES"], "dataset.sensors.T001") == Threshold(level=25, states=["FALLS", "RISES"])


@pytest.mark.parametrize(
    ("level", "states", "words"),
    [
        (float("nan"), ["FALLS", "RISES"], "threshold is nan"),
        ("warm", ["FALLS", "RISES"], "threshold is 'warm'"),
        (True, ["FALLS", "RISES"], "threshold is True"),
        (1, ["RISES"], "states is"),
        (1, ["FALLS", " "], "states is"),
        (1, ["FALLS", 3], "states is"),
        (1, {"ON": "RISES"}, "states is"),
        ({"level": 1, "states": ["FALLS", "RISES"]}, {}, "threshold is {'level'"),
    ],
)
def test_wrong_settings_are_answered_with_how_it_is_written(level: object, states: object, words: str) -> None:
    rule = "threshold: 25, states: [word below 25, word from there]"
    with pytest.raises(ConfigError, match=rf"dataset\.sensors\.T001\.{words}.*{re.escape(rule)}"):
        threshold_of(level, states, "dataset.sensors.T001")
