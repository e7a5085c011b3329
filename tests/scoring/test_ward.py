"""Ward's errors, on timelines drawn by hand: a character is a second, # is the activity."""

from __future__ import annotations

from itertools import groupby

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from har_llm.scoring.ward import FALSE_NEGATIVE, FALSE_POSITIVE, RIGHT, Frame, SegmentErrors, segment_errors, summed

LINES = st.lists(st.tuples(st.booleans(), st.booleans()), max_size=30)


def errors(gold: str, predicted: str) -> SegmentErrors:
    return segment_errors(Frame(1, one == "#", other == "#") for one, other in zip(gold, predicted, strict=True))


@pytest.mark.parametrize(
    ("gold", "predicted", "seconds", "of_gold", "of_predicted"),
    [
        (".###.", ".###.", {"right": 3}, {"correct": 1}, {"correct": 1}),
        (".###.", ".....", {"deletion": 3}, {"deleted": 1}, {}),
        (".....", ".##..", {"insertion": 2}, {}, {"inserted": 1}),
        # late and too long
        (".####..", "..#####", {"underfill": 1, "right": 3, "overfill": 2}, {"correct": 1}, {"correct": 1}),
        # begins early, ends early
        ("..####", "####..", {"overfill": 2, "right": 2, "underfill": 2}, {"correct": 1}, {"correct": 1}),
        ("######", "##.#.#", {"right": 4, "fragmentation": 2}, {"fragmented": 1}, {"fragmenting": 3}),
        ("##..##", "######", {"right": 4, "merge": 2}, {"merged": 2}, {"merging": 1}),
        # the first is fragmented, and merged with the second
        (
            "#####..##",
            "##.######",
            {"right": 6, "fragmentation": 1, "merge": 2},
            {"fragmented and merged": 1, "merged": 1},
            {"fragmenting": 1, "fragmenting and merging": 1},
        ),
        # a prediction that ends where the gold begins is all wrong, and so is the gold
        ("..##", "##..", {"insertion": 2, "deletion": 2}, {"deleted": 1}, {"inserted": 1}),
    ],
)
def test_errors_drawn_by_hand(
    gold: str, predicted: str, seconds: dict[str, float], of_gold: dict[str, int], of_predicted: dict[str, int]
) -> None:
    assert errors(gold, predicted) == SegmentErrors(seconds, of_gold, of_predicted)


def test_shares_are_of_the_gold_or_of_the_predicted_time() -> None:
    found = summed([errors(".####..", "..#####"), errors("###", "...")])
    assert found.share("deletion") == pytest.approx(3 / 7) and found.share("underfill") == pytest.approx(1 / 7)
    assert found.share("overfill") == pytest.approx(2 / 5) and found.share("insertion") == 0
    assert errors("..", "..").share("deletion") is None


@settings(max_examples=50)
@given(LINES)
def test_every_second_and_every_segment_is_of_one_kind(line: list[tuple[bool, bool]]) -> None:
    found = segment_errors(Frame(1, *one) for one in line)
    held = {kind: sum(found.seconds.get(one, 0) for one in (RIGHT, *kinds)) for kind, kinds in
            (("gold", FALSE_NEGATIVE), ("predicted", FALSE_POSITIVE))}  # fmt: skip
    assert held == {"gold": sum(gold for gold, _ in line), "predicted": sum(said for _, said in line)}
    assert sum(found.gold.values()) == sum(on for on, _ in groupby(line, key=lambda one: one[0]))
    assert sum(found.predicted.values()) == sum(on for on, _ in groupby(line, key=lambda one: one[1]))
    turned = segment_errors(Frame(1, said, gold) for gold, said in line)
    other_side = dict(zip((RIGHT, *FALSE_NEGATIVE, *FALSE_POSITIVE), (RIGHT, *FALSE_POSITIVE, *FALSE_NEGATIVE), strict=True))
    assert turned.seconds == {other_side[kind]: seconds for kind, seconds in found.seconds.items()}
