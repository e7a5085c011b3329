"""One number is read the same everywhere."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from har_llm.common.numbers import (
    counted,
    data_size,
    decimals,
    duration,
    in_percent,
    percent,
    points,
    rough,
    rounded,
    signed,
)


@pytest.mark.parametrize(
    ("fraction", "text"),
    [
        (1 / 32, "3.13"),
        (0.28625, "28.63"),
        (0.123449999, "12.34"),
        (0.12345, "12.35"),
        (0.0, "0.00"),
        (1, "100.00"),
        (None, ""),
    ],
)
def test_halves_are_rounded_up_as_by_hand(fraction: float, text: str) -> None:
    assert percent(fraction) == text


@pytest.mark.parametrize(
    ("value", "places", "text"),
    [(0.0625, 3, "0.063"), (70.25, 1, "70.3"), (2.675, 2, "2.68"), (4, 1, "4.0"), (-0.04, 1, "0.0")],
)
def test_other_decimals_are_rounded_alike(value: float, places: int, text: str) -> None:
    assert decimals(value, places) == text


def test_what_has_no_value_is_empty() -> None:
    assert percent(None) == points(None) == decimals(None, 1) == ""


@pytest.mark.parametrize(("difference", "text"), [(1 / 32, "+3.13"), (-1 / 32, "-3.13"), (0.0, "0.00"), (-0.00001, "0.00")])
def test_differences_have_a_sign_unless_they_are_nothing(difference: float, text: str) -> None:
    assert points(difference) == text


def test_what_is_worked_out_is_rounded_alike() -> None:
    assert signed(rounded(Decimal("-0.001"))) == "0.00" and signed(Decimal("1.5")) == "+1.50"


@given(st.floats(0, 1))
def test_what_is_shown_is_within_half_a_hundredth(fraction: float) -> None:
    shown = in_percent(fraction)
    assert shown is not None and abs(float(shown) - 100 * fraction) <= 0.005 + 1e-9


def test_counts_have_their_noun() -> None:
    assert [counted(number, "session") for number in (1, 2, 0, 1234)] == [
        "1 session",
        "2 sessions",
        "0 sessions",
        "1,234 sessions",
    ]


@pytest.mark.parametrize(("number", "text"), [(1536.4, "1,536"), (19_500, "20 k"), (2_600_000, "2.6 M"), (32.8e9, "32.8 B")])
def test_an_estimate_pretends_no_precision(number: float, text: str) -> None:
    assert rough(number) == text


@pytest.mark.parametrize(("number", "text"), [(65.5e9, "65.5 GB"), (1e8, "0.1 GB"), (4e6, "4 MB"), (0, "0 MB")])
def test_bytes_are_read_in_gb_or_mb(number: float, text: str) -> None:
    assert data_size(number) == text


@pytest.mark.parametrize(("hours", "text"), [(32 / 3600, "32 s"), (0.75, "45 min"), (1.49, "89 min"), (5.0, "5.0 h")])
def test_times_are_read_in_the_unit_that_suits_them(hours: float, text: str) -> None:
    assert duration(hours) == text
