"""Settings of the examples that make no sense are refused, and what the choice depends on is known from them."""

from __future__ import annotations

from typing import Any

import pytest

from har_llm.common.errors import ConfigError
from har_llm.distill.examples_config import ExampleSettings


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"samples": 0}, "lora.examples.samples is 0"),
        ({"pick": "worst"}, "lora.examples.pick is 'worst'"),
        ({"min_correct": 1.5}, "lora.examples.min_correct is 1.5"),
        ({"unusable": "guess"}, "lora.examples.unusable is 'guess'"),
        ({"method": "rejection_sampling", "samples": 4}, "min_correct is None and pick is first; .* at least 2 samples"),
        ({"method": "rejection_sampling", "min_correct": 1}, "lora.examples.samples is 1"),
        ({"method": "rejection_sampling", "samples": 4, "min_correct": 1, "pick": "best"}, "pick is best"),
        ({"method": "rationalization"}, "lora.examples.told is None .* with lora=rationalization"),
        ({"told": "$answer"}, "lora.examples.method is generations; a teacher is told"),
        ({"method": "rationalization", "told": "$answers"}, r"it must have \$answer"),
        ({"method": "rationalization", "told": "$answer $"}, r"and \$\$ for a dollar sign"),
    ],
)
def test_wrong_settings_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        ExampleSettings(**settings).check()


@pytest.mark.parametrize(
    ("settings", "gold", "answers"),
    [
        ({}, False, False),
        ({"pick": "best"}, False, False),
        ({"pick": "best", "samples": 2}, True, True),
        ({"pick": "consistent", "samples": 2}, False, True),
        ({"well_formed": True}, False, True),
        ({"min_correct": 0.5}, True, True),
        ({"method": "rejection_sampling", "samples": 2, "min_correct": 0.5}, True, True),
        ({"method": "rationalization", "told": "$answer"}, True, True),
        ({"method": "gold_answers"}, True, False),
        ({"method": "file", "path": "rows.jsonl"}, False, False),
    ],
)
def test_it_is_known_whether_gold_activities_or_answers_choose(settings: dict[str, Any], gold: bool, answers: bool) -> None:
    made = ExampleSettings(**settings)
    assert (made.uses_gold, made.uses_answers) == (gold, answers)
