"""The number of MARBLE's training windows is held against the paper's."""

from __future__ import annotations

from pathlib import Path

import pytest

from har_llm.data.datasets.marble_windows import window_difference
from tests.helpers import session_of

SESSIONS = [session_of(events, f"A1a/{number}", "A1a") for number, events in enumerate((21, 10, 5), 1)]
FOUND = "4 windows of 10 come out of the 2 training sessions"
WITHOUT_SINGLE = "; window.min_events=2, without windows of a single event, gives 3"


@pytest.mark.parametrize(("known", "told"), [(4, []), (3, [FOUND + WITHOUT_SINGLE]), (9, [FOUND])])
def test_another_number_is_told_with_the_setting_that_explains_it(known: int, told: list[str]) -> None:
    found = list(window_difference(Path("marble"), SESSIONS, {3: 2}, known))
    assert [one.message for one in found] == [f"{message}; the paper has {known}" for message in told]
    assert all(one.kind == f"training windows differ from the paper's {known}" for one in found)


def test_nothing_is_compared_where_no_split_of_the_paper_is_set() -> None:
    assert list(window_difference(Path("marble"), SESSIONS, {}, 9)) == []
