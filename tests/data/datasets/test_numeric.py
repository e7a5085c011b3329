"""Readings of numeric sensors as events."""

from __future__ import annotations

import pytest

from har_llm.common.errors import ConfigError
from har_llm.data.datasets.numeric import Readings, Threshold, number


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


@pytest.mark.parametrize(
    ("level", "states", "words"),
    [(float("nan"), ["FALLS", "RISES"], "level is nan"), (1, ["RISES"], "states is"), (1, ["FALLS", " "], "states is")],
)
def test_wrong_settings(level: float, states: list[str], words: str) -> None:
    with pytest.raises(ConfigError, match=rf"dataset\.sensors\.T001\.threshold\.{words}"):
        Threshold(level=level, states=states).check("dataset.sensors.T001.threshold")
