"""Names of points cover neither each other nor what is drawn."""

from __future__ import annotations

from har_llm.report.figures.point_names import LONGEST, Box, free_places, shortened

ROOM = Box(0, 0, 200, 200)


def test_a_name_is_at_the_nearest_place_that_is_free() -> None:
    (place,) = free_places([(100, 100)], [(30, 8)], [Box(97, 97, 103, 103)], ROOM, 1)
    assert place is not None and place.box == Box(105, 96, 135, 104) and not place.linked


def test_names_of_points_that_lie_together_do_not_meet() -> None:
    points = [(100.0, 100.0 + 2 * number) for number in range(12)]
    obstacles = [Box(x - 3, y - 3, x + 3, y + 3) for x, y in points]
    found = free_places(points, [(30, 8)] * 12, obstacles, ROOM, 1)
    boxes = [place.box for place in found if place is not None]
    assert len(boxes) == 12 and any(place is not None and place.linked for place in found)
    assert not any(one.meets(other) for at, one in enumerate(boxes) for other in [*boxes[:at], *obstacles])
    assert all(box.inside(ROOM) for box in boxes)


def test_a_name_without_room_has_no_place() -> None:
    assert free_places([(100, 100), (100, 100)], [(250, 8), (30, 8)], [Box(0, 0, 200, 200)], ROOM, 1) == [None, None]


def test_of_a_long_name_the_end_is_kept() -> None:
    short = shortened("a-model-with-a-very-long-name-of-32B")
    assert short == "a-model-with...-name-of-32B" and len(short) <= LONGEST
    assert shortened("Qwen3-0.6B (15)") == "Qwen3-0.6B (15)"
