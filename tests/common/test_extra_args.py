"""What a user hands on to a library."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from har_llm.common.errors import ConfigError, EngineError
from har_llm.common.extra_args import check_plain, extra_identity, with_extra

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def test_arguments_that_are_ours_or_nobodys_are_refused_by_name() -> None:
    ours, known = {"model": "m"}, ["model", "block_size"]

    def given(**extra: Any) -> dict[str, Any]:
        return with_extra(ours, extra, known, "vLLM's EngineArgs", "engine.extra_args")

    assert given(block_size=64) == {"model": "m", "block_size": 64}
    with pytest.raises(
        EngineError,
        match=r"engine\.extra_args\.block_sise is not an argument of vLLM's EngineArgs\. Did you mean block_size\?",
    ):
        given(block_sise=64)
    with pytest.raises(EngineError, match=r"engine\.extra_args\.model is an argument that har_llm sets itself"):
        given(model="other")
    assert with_extra(ours, {"any": 1}, (), "a server", "engine.extra_args") == {"model": "m", "any": 1}


def test_all_of_it_is_in_the_key_and_nothing_where_there_is_none() -> None:
    assert extra_identity({}) == {}
    assert extra_identity({"a": 1}) == {"extra_args": {"a": 1}}


@pytest.mark.slow
@given(PLAIN)
def test_what_json_can_hold_is_taken(value: Any) -> None:
    check_plain({"name": value}, "engine.extra_args")
    assert json.loads(json.dumps(value)) == value


@pytest.mark.parametrize("value", [float("nan"), float("inf"), b"raw", {"inside": [float("-inf")]}, {1: 2}, object()])
def test_other_values_are_refused_by_name(value: Any) -> None:
    with pytest.raises(ConfigError, match=r"engine\.extra_args\.name is .*; it must be a finite number, a string"):
        check_plain({"name": value}, "engine.extra_args")
