from __future__ import annotations

from har_llm.models.baselines.majority import Majority, SensorMajority
from tests.models.baselines.given import given, window_of

STOVE, FRIDGE, DOOR = "kitchen stove ON", "kitchen fridge OPENED", "hall door OPENED"
COOKING, EATING, NULL = 1, 2, 3
TRAINING = [(FRIDGE, (EATING,)), (STOVE, (COOKING,)), (FRIDGE, (EATING,)), (FRIDGE, (NULL,)), (STOVE, ())]
ASKED = [window_of([(STOVE, ()), (FRIDGE, ()), (DOOR, ())])]


def test_always_the_commonest_activity() -> None:
    assert Majority().fit(given(TRAINING))(ASKED) == [[EATING, EATING, EATING]]


def test_the_commonest_of_the_same_text_and_of_all_for_one_that_was_never_seen() -> None:
    assert SensorMajority().fit(given(TRAINING))(ASKED) == [[COOKING, EATING, EATING]]


def test_of_equals_the_one_that_came_first() -> None:
    even = [(DOOR, (EATING,)), (DOOR, (COOKING,))]
    assert Majority().fit(given(even))(ASKED) == [[EATING, EATING, EATING]]


def test_an_event_of_several_activities_is_an_example_of_each() -> None:
    shared = [(DOOR, (COOKING, EATING)), (DOOR, (EATING,))]
    assert SensorMajority().fit(given(shared))(ASKED)[0][2] == EATING


def test_a_text_that_is_never_labelled_is_as_one_that_was_never_seen() -> None:
    assert SensorMajority().fit(given([(STOVE, ()), (FRIDGE, (EATING,))]))(ASKED)[0][0] == EATING


def test_what_is_never_scored_is_never_answered() -> None:
    resting = [(DOOR, (NULL,)), (DOOR, (NULL,)), (DOOR, (COOKING, NULL)), (FRIDGE, (EATING,)), (FRIDGE, (EATING,))]
    assert SensorMajority().fit(given(resting))(ASKED)[0][2] == NULL
    assert SensorMajority().fit(given(resting, unscored=frozenset({NULL})))(ASKED)[0][2] == COOKING
    assert Majority().fit(given(resting, unscored=frozenset({NULL})))(ASKED)[0] == [EATING] * 3
