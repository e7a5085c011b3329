"""Activities and misses have one name each."""

from __future__ import annotations

from har_llm.scoring.names import activity_name, cause_name, prediction_name
from har_llm.scoring.prediction import CAUSES


def test_a_prediction_is_an_activity_or_missed() -> None:
    assert (
        prediction_name(19, None, {19: "preparing dinner"})
        == activity_name(19, "preparing dinner")
        == "19. preparing dinner"
    )
    assert prediction_name(None, "unknown_label", {}) == "missed (unknown label)"


def test_causes_are_words() -> None:
    assert [cause_name(cause) for cause in CAUSES if "_" in cause_name(cause)] == []
