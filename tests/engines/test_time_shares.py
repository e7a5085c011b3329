"""Time is shared among the requests that an engine works on, however their ends fall together."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from pytest import approx

from har_llm.engines.time_shares import SideBySide, TimeShares


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


def test_two_copies_say_twice_the_time_that_they_take_together() -> None:
    clock = Clock()
    times = SideBySide(clock)
    for copy in "ab":
        times.begin(copy)
    given = []
    for _ in range(6):
        clock.time += 4
        given += [times.share(copy, 4.0) for copy in "ab"]
    assert given == approx([2.0] * 12) and sum(given) == approx(24)


def test_a_copy_that_works_alone_at_the_end_has_that_time_for_itself() -> None:
    clock = Clock()
    times = SideBySide(clock)
    for copy in "ab":
        times.begin(copy)
    clock.time += 10
    first = times.share("a", 10.0)
    times.end("a")
    clock.time += 6
    both = times.share("b", 12.0), times.share("b", 4.0)  # in flight at once, and both finished only now
    assert first == approx(5) and sum(both) == approx(11) and both[0] == approx(3 * both[1])


def test_a_copy_that_begins_later_has_no_share_before() -> None:
    clock = Clock()
    times = SideBySide(clock)
    times.begin("a")
    clock.time += 5
    times.begin("b")
    clock.time += 5
    assert (times.share("b", 5.0), times.share("a", 10.0)) == (approx(2.5), approx(7.5))


def test_one_copy_keeps_what_it_says() -> None:
    clock = Clock()
    times = SideBySide(clock)
    times.begin("a")
    for said in (0.0, 1.5, 2.5):
        clock.time += said
        assert times.share("a", said) == approx(said)
