from __future__ import annotations

import pytest

from har_llm.common.errors import ConfigError
from har_llm.models.baselines.forest import RandomForest
from tests.models.baselines.given import given, window_of

STOVE, FRIDGE, CHAIR = "kitchen stove ON", "kitchen fridge OPENED", "kitchen chair PRESSED"
COOKING, EATING = 1, 2
TRAINING = [[(FRIDGE, (COOKING,)), (STOVE, (COOKING,))], [(FRIDGE, (EATING,)), (CHAIR, (EATING,)), (CHAIR, ())]]


def test_an_event_is_told_by_those_around_it() -> None:
    """The fridge alone says nothing: only the other events of its window do."""
    answer = RandomForest(n_estimators=40).fit(given(*TRAINING * 3))
    asked = [window_of([(FRIDGE, ()), (STOVE, ())]), window_of([(FRIDGE, ()), (CHAIR, ()), (CHAIR, ())])]
    assert answer(asked) == [[COOKING, COOKING], [EATING, EATING, EATING]]
    assert answer(asked[1:]) == answer(asked)[1:], "windows do not depend on each other"


def test_the_seed_decides_and_nothing_else() -> None:
    unclear = [[(FRIDGE, (COOKING,))], [(FRIDGE, (EATING,))]]  # as likely as each other
    asked = [window_of([(FRIDGE, ())])]
    answers = [RandomForest(n_estimators=1).fit(given(*unclear, seed=seed))(asked) for seed in (0, 1, 2, 3, 0)]
    assert answers[0] == answers[4] and any(one != answers[0] for one in answers)


def test_a_forest_has_trees() -> None:
    with pytest.raises(ConfigError, match=r"model.n_estimators is 0; it must be at least 1"):
        RandomForest(n_estimators=0).check()
    with pytest.raises(ConfigError, match=r"model.train_sessions is 0; it must be at least 1, or null"):
        RandomForest(train_sessions=0).check()
