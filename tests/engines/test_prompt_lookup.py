"""What is guessed to follow in a text. Pure: a token stands for a character."""

from __future__ import annotations

import numpy
import pytest

from har_llm.engines.prompt_lookup import PromptLookup


@pytest.mark.parametrize(
    ("text", "guessed"),
    [
        ("abcd.abc", "d.ab"),
        ("abX.abY.ab", "Y.ab"),  # of the latest place
        ("xabc.yabd.xab", "c.ya"),  # of the place where most is equal
        ("1. cook\n2. cook\n3", ". co"),
        ("1. cook\n12. cook\n1", "2. c"),
        ("abc", ""),
        ("a", ""),
        ("", ""),
    ],
)
def test_what_followed_is_guessed_to_follow_again(text: str, guessed: str) -> None:
    guess = PromptLookup(3, 4, chr)
    assert "".join(map(chr, guess(numpy.array([ord(one) for one in text], dtype=numpy.intc)))) == guessed
