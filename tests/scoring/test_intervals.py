"""Intervals worked out by hand, and where none is given."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest import approx

from har_llm.scoring.intervals import of_difference, of_score

T = 3.182446
"""The 97.5 % quantile of Student's t with 3 degrees of freedom, from a printed table."""
HALF = T * math.sqrt(0.2 / 3) / 2  # of the four values below: their variance is 0.2 / 3


def test_a_difference_has_students_interval() -> None:
    assert of_difference([0.2, 0.4, 0.6, 0.8]) == (approx(0.5 - HALF), approx(0.5 + HALF))


def test_no_difference_lies_beyond_100_points() -> None:
    assert of_difference([-0.9, 0.1, 0.8]) == (-1.0, 1.0)


def test_a_score_has_that_of_its_log_odds() -> None:
    low, high = of_score([0.2, 0.4, 0.6, 0.8]) or (0, 0)
    assert math.log(high / (1 - high)) == approx(HALF / 0.25) == -math.log(low / (1 - low))


@pytest.mark.parametrize(
    "values",
    [
        [],
        [0.1, 0.9],
        [0.5, 0.5, 0.5],
        [0.5, 0.5, 0.9],
        [1.0, 0.9, 1.0, 0.7],  # only two sessions say how far scores are spread
        [0.1 + 0.2 - 0.3, 0.0, 0.1, 0.0, 0.0, 0.3],
    ],
)
def test_few_or_mostly_equal_values_have_none(values: list[float]) -> None:
    assert of_score(values) is None and of_difference(values) is None


@given(st.lists(st.floats(0, 1), min_size=3, max_size=30, unique_by=lambda value: round(value, 6)))
def test_a_score_stays_within_its_range(values: list[float]) -> None:
    low, high = of_score(values) or (0, 1)
    assert 0 <= low <= math.fsum(values) / len(values) <= high <= 1
