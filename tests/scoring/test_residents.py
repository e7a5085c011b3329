"""Residents are scored by the best matching of numbers to people in each window, beside an answer of one person."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from har_llm.scoring.residents import ResidentEvent, score_residents


def events(residents: str, said: str) -> list[ResidentEvent]:
    """ "AB?" and "12-": of A, of B, of nobody known; 1, 2 and none are said."""
    pairs = zip(residents, said, strict=True)
    return [ResidentEvent(() if one == "?" else (one,), None if number == "-" else int(number)) for one, number in pairs]


@pytest.mark.parametrize(
    ("residents", "said", "right", "one_person"),
    [
        ("AABB", "1122", 4, 2),
        ("AABB", "2211", 4, 2),  # any numbers do
        ("AABB", "1111", 2, 2),
        ("AABB", "1234", 2, 2),  # a resident has one number
        ("AAAB", "1112", 4, 3),
        ("AABB", "11-2", 3, 2),
        ("AA??", "11-2", 2, 2),  # of those that are not known nothing is scored
    ],
)
def test_numbers_are_matched_with_residents(residents: str, said: str, right: int, one_person: int) -> None:
    known = len(residents.replace("?", ""))
    scores = score_residents([("s", events(residents, said))])
    assert scores is not None and scores.events == known
    assert (scores.right.mean, scores.one_person.mean) == (right / known, one_person / known)


def test_either_of_two_residents_of_an_event_is_right() -> None:
    scores = score_residents([("s", [ResidentEvent(("A", "B"), 2), ResidentEvent(("B",), 2), ResidentEvent(("A",), 1)])])
    assert scores is not None and scores.right.mean == 1.0


def test_numbers_count_within_a_window_and_sessions_count_alike() -> None:
    scores = score_residents([("s", events("AB", "12")), ("s", events("AB", "21")), ("t", events("AB", "11"))])
    assert scores is not None and scores.right.mean == 0.75 and scores.one_person.mean == 0.5


def test_where_no_resident_is_known_there_is_no_score() -> None:
    assert score_residents([("s", events("??", "12"))]) is score_residents([]) is None


@settings(max_examples=50)
@given(st.lists(st.tuples(st.sampled_from("ABC"), st.integers(1, 3)), min_size=1, max_size=12))
def test_no_matching_is_better(pairs: list[tuple[str, int]]) -> None:
    scores = score_residents([("s", [ResidentEvent((one,), said) for one, said in pairs])])
    best = max(
        sum(dict(zip((1, 2, 3), order, strict=True))[said] == one for one, said in pairs) for order in permutations("ABC")
    )
    assert scores is not None and scores.right.mean == best / len(pairs)
