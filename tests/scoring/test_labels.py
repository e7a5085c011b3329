"""What an activity may be called in an answer."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from har_llm.scoring.labels import Labels

MARBLE = {3: "cooking", 13: "watching TV", 14: "transition between two activities"}


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (13, 13),
        ("watching TV", 13),
        ("13. watching TV", 13),
        ("WATCHING_TV", 13),
        ("TRANSITION_BETWEEN_TWO_ACTIVITIES", 14),
        ("3. cooking", 3),
        ("COOKING", 3),
    ],
)
def test_forms_that_both_modes_take(value: object, number: int) -> None:
    assert Labels(MARBLE).strict(value).activity == Labels(MARBLE).lenient(value).activity == number


@pytest.mark.parametrize(
    "value", ["13", "13.", " watching TV", "Watching tv", "watching_tv", "13 watching TV", "WATCHING_TV (13)", 13.0]
)
def test_forms_that_only_the_lenient_mode_takes(value: object) -> None:
    assert Labels(MARBLE).strict(value).missed == "malformed"
    assert Labels(MARBLE).lenient(value).activity == 13


@pytest.mark.parametrize("value", ["3. cooking: also heating", "cooking: also heating", "3. cooking", "cooking", "COOKING"])
def test_an_activity_may_be_called_as_the_prompt_defines_it(value: str) -> None:
    labels = Labels(MARBLE, {3: "cooking: also heating"})
    assert labels.strict(value).activity == labels.lenient(value).activity == labels.lenient(f"{value} ").activity == 3
    assert labels.strict("3. cooking: also eating").missed == "unknown_label"


@pytest.mark.parametrize("value", ["3. watching TV", "TV", "WATCHING", 4, "4. eating", "_", ""])
def test_labels_that_nobody_knows(value: object) -> None:
    assert Labels(MARBLE).strict(value).missed == Labels(MARBLE).lenient(value).missed == "unknown_label"


def test_where_the_prompt_shows_no_numbers_they_name_only_what_has_no_name_of_its_own() -> None:
    labels = Labels({1: "cooking", 2: "twice", 3: "twice"}, numbered=False)
    assert labels.numbers == [2, 3] and labels.names() == ["cooking", "2. twice", "3. twice"]
    assert labels.strict(2).activity == labels.lenient("2").activity == 2
    for value in (1, "1", 1.0, {"id": 1}):
        assert labels.lenient(value).activity is None
    assert labels.strict(1).missed == "unknown_label"
    assert labels.lenient({"id": 1, "name": "cooking"}).activity == 1


def test_a_form_that_two_activities_have_names_neither() -> None:
    labels = Labels({1: "watching TV", 2: "watching-TV", 3: "1", 4: "5. x", 5: "x", 6: "*", 7: "+"})
    for form in ("WATCHING_TV", ""):
        assert labels.strict(form).activity is labels.lenient(form).activity is None
    assert labels.strict("5. x").activity is None
    assert labels.strict("watching-TV").activity == labels.lenient("watching-TV").activity == 2
    assert labels.strict("1").activity is None
    assert labels.lenient("1").activity == 1


NAMES = st.one_of(st.sampled_from(["1", "2. a", "a", "A", "a b", "A_B", "a-b", "ß", "SS"]), st.text(max_size=4))


@given(st.dictionaries(st.integers(0, 5), NAMES, max_size=5), st.one_of(NAMES, st.integers(0, 5)))
def test_what_strict_takes_is_the_same_in_lenient(activities: Mapping[int, str], value: object) -> None:
    labels = Labels(activities)
    strictly = labels.strict(value)
    assert strictly.activity is None or labels.lenient(value) == strictly
