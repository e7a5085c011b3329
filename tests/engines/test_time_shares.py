"""Time is shared among the requests that an engine works on, however their ends fall together."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from pytest import approx

from har_llm.engines.time_shares import TimeShares


class Clock:
    def __init__(self) -> None:
        self.time = 100.0

    def __call__(self) -> float:
        return self.time


def test_equally_long_generations_have_equal_shares_though_one_ends_just_before_the_other() -> None:
    clock = Clock()
    shares = TimeShares(clock)
    for key in "ab":
        shares.begin(key)
    clock.time += 58.3
    first = shares.end("a")
    clock.time += 0.1
    assert (first, shares.end("b")) == (approx(29.15), approx(29.25))


def test_one_that_waits_has_no_share_before_it_begins() -> None:
    clock = Clock()
    shares = TimeShares(clock)
    clock.time += 7
    shares.begin("a")
    clock.time += 2
    shares.begin("b")
    clock.time += 2
    assert (shares.end("a"), shares.end("b")) == (approx(3), approx(1))
    clock.time += 9
    shares.begin("c")
    clock.time += 1
    assert shares.end("c") == approx(1)


@given(st.lists(st.tuples(st.integers(0, 9), st.floats(0, 100)), max_size=40))
def test_shares_add_up_to_the_time_in_which_any_was_in_flight(steps: list[tuple[int, float]]) -> None:
    clock, going, busy, shared = Clock(), set[str](), 0.0, 0.0
    shares = TimeShares(clock)
    for number, pause in steps:
        key = str(number)
        if key in going:
            going.remove(key)
            shared += shares.end(key)
        else:
            going.add(key)
            shares.begin(key)
        clock.time += pause
        busy += pause if going else 0
    assert len(shares) == len(going)
    assert shared + sum(shares.end(key) for key in sorted(going)) == approx(busy)


def test_one_that_was_begun_out_of_turn_takes_the_share_of_the_one_that_waits() -> None:
    clock = Clock()
    shares = TimeShares(clock)
    for key in "ab":
        shares.begin(key)
    clock.time += 6
    assert shares.end("c") == approx(3), "in flight in place of b"
    clock.time += 4
    assert (shares.end("a"), shares.end("b")) == (approx(5), approx(2))
    assert len(shares) == 0 and shares.end("d") == 0
