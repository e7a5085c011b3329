from __future__ import annotations

from har_llm.models.baselines.lexical import Lexical
from tests.helpers import small_home
from tests.models.baselines.given import given, window_of

COOKING, EATING, NULL = 1, 2, 3


def answers(*texts: str, **changes: object) -> list[int]:
    unscored = frozenset({NULL}) if changes.pop("unscored", False) else frozenset[int]()
    return Lexical().fit(given(home=small_home(**changes), unscored=unscored))([window_of([(one, ()) for one in texts])])[0]


def test_words_of_names_definitions_and_rules_decide_whatever_their_endings() -> None:
    defined = {EATING: "also just sitting on chairs"}
    texts = ("kitchen cooker ON", "dining room chair PRESSED", "kitchen stove turned ON")
    assert answers(*texts, definitions=defined) == [NULL, EATING, COOKING]
    assert answers("what they cooked", "EATS") == [COOKING, EATING]


def test_an_event_that_shares_no_word_is_of_the_null_class_or_else_of_the_first_activity() -> None:
    assert answers("hall door OPENED") == [NULL]
    assert answers("hall door OPENED", unscored=True) == [COOKING]
    assert answers("hall door OPENED", null_class=frozenset()) == [COOKING]


def test_a_rare_word_counts_for_more() -> None:
    names = {1: "using kitchen tap", 2: "using kitchen stove", 3: "using kitchen"}
    assert answers("kitchen stove ON", activities=names, rules=()) == [2]


def test_gold_activities_change_nothing() -> None:
    asked = [window_of([("kitchen stove ON", ())])]
    assert Lexical().fit(given([("kitchen stove ON", (EATING,))]))(asked) == [[COOKING]]
