"""A value that is not allowed is answered with those that are."""

from __future__ import annotations

import re

import pytest

from har_llm.common.checks import require
from har_llm.common.errors import ConfigError


def test_an_allowed_value_passes() -> None:
    require("engine.device", "cpu", ("auto", "cpu", "cuda"))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("cdua", "engine.device is 'cdua'; it must be one of auto, cpu, cuda. Did you mean cuda?"),
        ("tpx", "engine.device is 'tpx'; it must be one of auto, cpu, cuda."),
        ([], "engine.device is []; it must be one of auto, cpu, cuda."),
        (None, "engine.device is None; it must be one of auto, cpu, cuda."),
    ],
)
def test_any_other_value_is_answered_with_what_is_allowed(value: object, message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message) + "$"):
        require("engine.device", value, ("auto", "cpu", "cuda"))
