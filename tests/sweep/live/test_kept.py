"""How long a window waits, whatever is done to the clock."""

from __future__ import annotations

import time

import pytest

from har_llm.data.records import Window
from har_llm.sweep.live.kept import Waiting


@pytest.mark.parametrize("jump", [-1e6, 1e6])
def test_a_window_is_as_late_as_time_has_passed_whatever_the_clock_says(
    jump: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time
    one = Waiting.since(Window("s", 0, ()), now())
    monkeypatch.setattr(time, "time", lambda: now() + jump)
    assert 0 <= one.delay_s < 60


def test_one_of_an_earlier_process_is_as_late_as_the_clock_says() -> None:
    assert 99 < Waiting.since(Window("s", 0, ()), time.time() - 100).delay_s < 160
    assert 0 <= Waiting.since(Window("s", 0, ()), time.time() + 100).delay_s < 60, "the clock was set back meanwhile"
