"""Which events a reasoning mentions: the forms are those in which models write."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from har_llm.scoring.mentions import mentions

TEXTS = ("hall light turned ON", "small hall light turned ON", "hall door OPENED", "hall door OPENED", "stove turned OFF")
TIMES = ("19:53:04", "19:53:09", "19:54:00", "19:54:00", "19:55:30")
EVENTS = list(zip(TIMES, TEXTS, strict=True))
IDS = list(range(7, 12))
CASES: list[tuple[str, set[int]]] = [
    ("", set()),
    ("Event 7: the light. Then event #9, and ID 11.", {7, 9, 11}),
    ('{"id": 8} goes with id=9', {8, 9}),
    ("The event with id 10 is a door; so is #9.", {9, 10}),
    ("Events 7, 8, and 10 are cooking", {7, 8, 10}),
    ("events 7 and event 9", {7, 9}),
    ("ids 7-9", {7, 8, 9}),
    ("Events 7 to 9, 11", {7, 8, 9, 11}),
    ("Events 8 through 11.", {8, 9, 10, 11}),
    ("At 19:53:04 someone is there, at 19:55:30 too.", {7, 11}),
    ("Two doors at 19:54:00.", set()),  # which of the two is meant cannot be told
    ("So hall door OPENED twice", set()),
    ("The Stove turned OFF.", {11}),
    ("the small hall light turned on", {8}),
    ("a hall light turned on", set()),  # these words are in those of the other light too
    ("Activity #7, activity id 8 or the activities #9 and 10", set()),
    ("Its activity: event #7", {7}),
    ("Activity 7 fits, 8 of 9 events; 10 people; id card; event 70; at 8:09", set()),
]
"""Texts, and the ids of the events that they mention. The report's page is tried on them too."""


def mentioned(text: str, ids: list[int] = IDS, events: list[tuple[str, str]] = EVENTS) -> set[int]:
    return {ids[one.event] for one in mentions(text, ids, events)}


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_what_is_mentioned(text: str, expected: set[int]) -> None:
    assert mentioned(text) == expected


def test_where_it_is_mentioned() -> None:
    text = "First events 8 and 9, then the stove turned OFF."
    assert [(one.event, text[one.start : one.end]) for one in mentions(text, IDS, EVENTS)] == [
        (1, "events 8 and 9"),
        (2, "events 8 and 9"),
        (4, "stove turned OFF"),
    ]


def test_without_events_ids_alone_are_found() -> None:
    assert mentioned("event 3 at 19:53:04", [3, 4], []) == {3}


@given(st.text(alphabet='event ids0123456789,-–"#and to:=\nİ', max_size=300))
def test_no_text_is_too_odd(text: str) -> None:
    assert mentioned(text) <= {*IDS}


@pytest.mark.parametrize("hostile", ["event ", "event 1, ", "events 1 to ", 'id"#', "ids 1,,", "# # ", "event 7-8-"])
def test_a_hostile_text_takes_seconds_at_most(hostile: str) -> None:
    started = time.process_time()
    mentioned(hostile * 50_000)
    assert time.process_time() - started < 5
