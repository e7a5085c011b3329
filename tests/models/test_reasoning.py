from __future__ import annotations

import pytest

from har_llm.models.reasoning import MARKS, split_reasoning


def test_split_reasoning() -> None:
    for thinking in (True, False):
        assert split_reasoning("<think>\nwhy\n</think>\n\nthis", thinking=thinking) == ("why", "this")
        assert split_reasoning("why</think>this", thinking=thinking) == ("why", "this")
        assert split_reasoning("<think>a</think>b</think>c", thinking=thinking) == ("a</think>b", "c")
        assert split_reasoning("<think>why", thinking=thinking) == ("why", None)
    assert split_reasoning("this", thinking=True) == ("this", None)
    assert split_reasoning("this", thinking=False) == ("", "this")
    assert split_reasoning("", thinking=True) == ("", None)
    assert split_reasoning("", thinking=False) == ("", "")


@pytest.mark.parametrize(("opens", "closes"), MARKS.items(), ids=MARKS)
def test_every_kind_of_marks(opens: str, closes: str) -> None:
    for thinking in (True, False):
        assert split_reasoning(f"{opens}\nwhy\n{closes}\nthis", thinking=thinking) == ("why", "this")
        assert split_reasoning(f"why{closes}this", thinking=thinking) == ("why", "this")
        assert split_reasoning(f"{opens}why", thinking=thinking) == ("why", None)
        assert split_reasoning(f"{opens}a{closes}b{opens}c", thinking=thinking)[1] is None
