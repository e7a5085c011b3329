"""The vote of several answers for one window: majority, the first on a tie, and missed only if all miss."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from har_llm.scoring.prediction import CAUSES, Prediction
from har_llm.scoring.voting import vote
from tests.scoring.predictions import missed, named

NAMED = st.builds(Prediction, st.integers(1, 4), st.none())


MISSED = st.builds(Prediction, st.none(), st.sampled_from(CAUSES))


def test_most_votes_win_wherever_they_stand() -> None:
    assert vote(named(1, 2, 3, 2)) == Prediction(2, None)
    assert vote(named(2)) == Prediction(2, None)


def test_on_a_tie_the_first_that_was_named_wins() -> None:
    assert vote(named(3, 1, 1, 3)) == Prediction(3, None)
    assert vote(named(1, 3, 3, 1)) == Prediction(1, None)
    assert vote(named(9, 5, 2)) == Prediction(9, None)


def test_what_is_missed_has_no_vote() -> None:
    assert vote([*missed("omitted", "omitted", "truncated"), *named(4)]) == Prediction(4, None)
    assert vote([*missed("omitted"), *named(2, 4)]) == Prediction(2, None)


def test_residents_have_no_vote_because_each_answer_numbers_them_in_its_own_way() -> None:
    first, other, third = Prediction(2, None, 1), Prediction(3, None, 1), Prediction(2, None, 7)
    assert vote([other, first, third]) == first


def test_where_all_miss_the_commonest_cause_is_given() -> None:
    assert vote(missed("omitted", "truncated", "truncated")) == Prediction(None, "truncated")
    assert vote(missed("malformed", "omitted")) == Prediction(None, "malformed")


@given(st.lists(NAMED | MISSED, min_size=1, max_size=12))
def test_no_other_activity_has_more_votes(predictions: list[Prediction]) -> None:
    made = vote(predictions)
    votes = Counter(prediction for prediction in predictions if prediction.activity is not None)
    assert made in predictions
    assert (made.activity is None) == (not votes)
    assert votes[made] == max(votes.values(), default=0)


@given(st.lists(NAMED | MISSED, min_size=1, max_size=8))
def test_the_same_vote_again_changes_nothing(predictions: list[Prediction]) -> None:
    assert vote([vote(predictions)]) == vote(predictions)
    assert vote([vote(predictions), *predictions]) == vote(predictions)
