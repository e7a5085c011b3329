"""Names of points cover neither each other nor what is drawn."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from har_llm.report.figures.point_names import LONGEST, Box, free_places, shortened

ROOM = Box(0, 0, 200, 200)


def test_a_name_is_at_the_nearest_place_that_is_free() -> None:
    (place,) = free_places([(100, 100)], [(30, 8)], [Box(97, 97, 103, 103)], ROOM, 1)
    assert place is not None and place.box == Box(105, 96, 135, 104) and not place.linked
    (far,) = free_places([(100, 100)], [(30, 8)], [Box(85, 85, 115, 115)], ROOM, 1)
    assert far is not None and far.linked


def test_names_of_points_that_lie_together_do_not_meet() -> None:
    points = [(100.0, 60.0 + 6 * number) for number in range(12)]
    obstacles = [Box(x - 3, y - 3, x + 3, y + 3) for x, y in points]
    found = free_places(points, [(30, 8)] * 12, obstacles, ROOM, 1)
    boxes = [place.box for place in found if place is not None]
    assert len(boxes) == 12
    assert not any(one.meets(other) for at, one in enumerate(boxes) for other in [*boxes[:at], *obstacles])
    assert all(box.inside(ROOM) for box in boxes)


def test_a_name_without_room_has_no_place() -> None:
    assert free_places([(100, 100), (100, 100)], [(250, 8), (30, 8)], [Box(0, 0, 200, 200)], ROOM, 1) == [None, None]


def test_a_line_to_a_name_crosses_no_other_name() -> None:
    """Everything near the second point is taken but for what lies behind the first one's name."""
    walls = [Box(0, 0, 200, 98), Box(0, 102, 200, 200)]
    first, second = free_places([(100, 100), (98, 100)], [(60, 3)] * 2, [*walls, Box(0, 98, 99, 102)], ROOM, 1)
    assert first is not None and second is None


def test_long_names_are_told_apart_by_what_they_do_not_share() -> None:
    names = [f"organisation/a-model-with-a-very-long-name-of-{size}B-thinking" for size in (1, 14, 32)]
    assert shortened([*names, "Qwen3-0.6B (15)"]) == [
        *(f"...{size}B-thinking" for size in (1, 14, 32)),
        "Qwen3-0.6B (15)",
    ]
    (alone,) = shortened(names[:1])
    assert alone == "organisation/a-model-with..." and len(alone) == LONGEST


def test_names_that_are_cut_to_the_same_show_where_they_differ() -> None:
    coder = "Qwen2.5-Coder-0.5B-Instruct"
    assert shortened(["SmolLM2-135M-Instruct [prompt=direct]", f"{coder} [prompt=a]", f"{coder} [prompt=b]"]) == [
        "SmolLM2-135M-Instruct [pr...",
        "Qwen2.5-C...[prompt=a]",
        "Qwen2.5-C...[prompt=b]",
    ]
    end = "-and-so-on-for-a-long-time"
    assert shortened([f"{'x' * 30}{letter}{end}" for letter in "ab"] + ["z" * 30, "z" * 30]) == [
        "xxxxxxxxx...xxxxxxxxxxa-a...",
        "xxxxxxxxx...xxxxxxxxxxb-a...",
        *(["z" * 25 + "..."] * 2),
    ]


PARTS = ["model-of-somebody", "-", " [prompt=a]", " [prompt=b]", "x" * 13, "y", "...", " (1)"]


@given(st.lists(st.lists(st.sampled_from(PARTS), max_size=7).map("".join), max_size=12))
def test_different_names_stay_different_and_short(names: list[str]) -> None:
    found = shortened(names)
    assert len(set(found)) == len(set(names)) == len(set(zip(names, found, strict=True)))
    assert all(len(text) <= LONGEST for text in found)
